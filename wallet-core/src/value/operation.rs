//! Operations: a kind, attributes and quantities, in a normal form.
//!
//! Two requests for the same job are equal here, even if their keys are in another order or their numbers are written
//! differently ("5.0" and "5"). Replays compare operations in this form.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::value::decimal::Decimal;

/// An operation to be priced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The kind of the operation: `video.generate`.
    pub kind: String,
    /// Exact strings by name, for example `model` or `resolution`.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// Exact decimal numbers by name, for example `duration_s` or `count`. Never negative.
    #[serde(default)]
    pub quantities: BTreeMap<String, Decimal>,
}
