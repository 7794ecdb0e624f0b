//! What is generated: a kind, its attributes and its quantities, in a normal form.
//!
//! Two requests that mean the same job ("5.0" and "5" seconds, keys in any order) are equal here,
//! which is what replays compare.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::value::decimal::Decimal;

/// One job to be priced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// What is done: `video.generate`.
    pub kind: String,
    /// Model, resolution, quality...: exact strings.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// duration_s, count...: exact decimals, never negative.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quantities: BTreeMap<String, Decimal>,
}
