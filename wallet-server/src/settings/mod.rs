//! The settings of the server: their values and the places they come from.
//!
//! Each setting is one row of [`server`] (the top level of the file), [`limits`], [`feed`] or [`nats`] (its tables),
//! with the type, the default, the bounds and the sources. Flags, environment variables, messages and documents are
//! made from the rows. The later source wins: default, file, environment, flag. [`source`] finds the values,
//! [`mod@file`] reads the file, [`form`] reads a value, [`value`] gives it its type, and [`mod@print`] shows the
//! result.

#[macro_use]
mod rows;

mod address;
mod feed;
mod file;
mod form;
mod limits;
mod log_filter;
mod nats;
mod print;
mod problem;
mod record;
mod secret;
mod server;
mod setting;
mod source;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use address::Address;
pub(crate) use feed::FeedSettings;
pub(crate) use file::check;
pub use limits::Limits;
pub(crate) use log_filter::LogFilter;
pub(crate) use nats::NatsSettings;
pub(crate) use print::{DEFAULT_FILE, effective};
pub(crate) use problem::SettingsError;
pub(crate) use record::RecordList;
pub(crate) use server::Settings;
pub(crate) use setting::{Setting, Sources, all};
pub(crate) use source::{Overrides, Values};
