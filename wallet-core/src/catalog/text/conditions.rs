//! `when = { model = ["dev", "pro"], resolution = "720p", fps = { min = 24, max = 60 } }`

use std::collections::BTreeMap;

use serde::Deserialize;

use super::reader::Reader;
use crate::catalog::conditions::{Conditions, Matcher};

/// Conditions by attribute.
pub(super) type ConditionsText = BTreeMap<String, MatcherText>;

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a string, a list of strings, { prefix = \"...\" } or { min = 1, max = 9 }"
)]
pub(super) enum MatcherText {
    Equals(String),
    AnyOf(Vec<String>),
    Prefix(PrefixText),
    Range(RangeText),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PrefixText {
    prefix: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RangeText {
    min: Option<i64>,
    max: Option<i64>,
}

pub(super) fn read(texts: ConditionsText, path: &str, reader: &mut Reader) -> Conditions {
    let matcher = |(name, text): (String, MatcherText)| {
        let matcher = text.read(&format!("{path}.{name}"), reader);
        (name, matcher)
    };
    Conditions(texts.into_iter().map(matcher).collect())
}

impl MatcherText {
    pub(super) fn read(self, path: &str, reader: &mut Reader) -> Matcher {
        match self {
            MatcherText::Equals(value) => Matcher::AnyOf([value].into()),
            MatcherText::AnyOf(values) => {
                if values.is_empty() {
                    reader.problem(path, "accepts nothing: the list is empty");
                }
                Matcher::AnyOf(values.into_iter().collect())
            }
            MatcherText::Prefix(PrefixText { prefix }) => Matcher::Prefix(prefix),
            MatcherText::Range(RangeText { min, max }) => {
                if min.is_none() && max.is_none() {
                    reader.problem(path, "needs prefix, min or max");
                }
                let (min, max) = (min.unwrap_or(i64::MIN), max.unwrap_or(i64::MAX));
                if min > max {
                    reader.problem(path, "accepts nothing: min is above max");
                }
                Matcher::Range { min, max }
            }
        }
    }
}
