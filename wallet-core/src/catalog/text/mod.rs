//! The document as written: serde shapes of the TOML, and their conversion to the catalog's types.
//!
//! These shapes are private to this module. A wrong field is reported with its place and replaced by a harmless
//! value, so that reading continues and finds the other problems. The result is then discarded.

mod component;
mod conditions;
mod control;
mod document;
mod golden;
mod literal;
mod pack;
mod plan;
mod policies;
mod reader;
mod refund;
mod rule;
mod unit;

pub(super) use document::{Purpose, read};
