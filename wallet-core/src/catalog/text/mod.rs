//! The document as people write it: serde shapes of the TOML, and how each becomes what it means.
//!
//! Nothing outside knows these shapes. A field that is wrong is reported with its place and replaced by
//! something harmless, so that reading goes on and finds the other problems; the result is then discarded.

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
mod rule;
mod unit;

pub(super) use document::{Purpose, read};
