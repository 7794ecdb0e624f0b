//! Conditions on the attributes of an operation, and the containment of one set of conditions in another.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// One matcher for each attribute. All must accept the operation. No matcher accepts a missing attribute.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Conditions(pub(super) BTreeMap<String, Matcher>);

/// A condition on the value of one attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matcher {
    /// The value is one of these.
    AnyOf(BTreeSet<String>),
    /// The value begins with this text. The empty prefix accepts every value.
    Prefix(String),
    /// The value is a whole number within these bounds, both included.
    Range { min: i64, max: i64 },
}

impl FromIterator<(String, Matcher)> for Conditions {
    fn from_iter<I: IntoIterator<Item = (String, Matcher)>>(conditions: I) -> Self {
        Self(conditions.into_iter().collect())
    }
}

impl Conditions {
    /// Returns whether the attributes meet every condition.
    pub fn accept(&self, attributes: &BTreeMap<String, String>) -> bool {
        self.0.keys().all(|name| self.accepts(name, attributes.get(name)))
    }

    /// Returns the conditions with the names of their attributes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Matcher)> {
        self.0.iter().map(|(name, matcher)| (name.as_str(), matcher))
    }

    /// Returns whether `value` meets the condition on attribute `name`, or there is none.
    pub(super) fn accepts(&self, name: &str, value: Option<&String>) -> bool {
        self.0.get(name).is_none_or(|matcher| value.is_some_and(|value| matcher.accepts(value)))
    }

    /// Returns whether these conditions accept everything that `other` accepts.
    pub(super) fn include(&self, other: &Conditions) -> bool {
        self.0.iter().all(|(name, matcher)| other.0.get(name).is_some_and(|other| matcher.includes(other)))
    }
}

impl Matcher {
    pub fn accepts(&self, value: &str) -> bool {
        match self {
            Matcher::AnyOf(values) => values.contains(value),
            Matcher::Prefix(prefix) => value.starts_with(prefix.as_str()),
            Matcher::Range { min, max } => whole(value).is_some_and(|value| (*min..=*max).contains(&value)),
        }
    }

    /// Returns whether this matcher accepts everything that `other` accepts.
    fn includes(&self, other: &Matcher) -> bool {
        match (self, other) {
            (_, Matcher::AnyOf(values)) => values.iter().all(|value| self.accepts(value)),
            (Matcher::Prefix(short), Matcher::Prefix(long)) => long.starts_with(short.as_str()),
            (Matcher::Prefix(short), Matcher::Range { .. }) => short.is_empty(),
            (Matcher::Range { min, max }, Matcher::Range { min: low, max: high }) => {
                min <= low && high <= max
            }
            (Matcher::AnyOf(values), Matcher::Range { min, max }) => {
                let few = i128::from(*max) - i128::from(*min) < values.len() as i128;
                few && (*min..=*max).all(|number| values.contains(&number.to_string()))
            }
            (_, Matcher::Prefix(_)) => false,
        }
    }
}

/// Parses a whole number in its usual notation. Attributes are exact strings, so "07" is not "7".
fn whole(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number: &i64| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any(values: &[&str]) -> Matcher {
        Matcher::AnyOf(values.iter().map(|value| (*value).to_owned()).collect())
    }

    fn prefix(text: &str) -> Matcher {
        Matcher::Prefix(text.to_owned())
    }

    fn range(min: i64, max: i64) -> Matcher {
        Matcher::Range { min, max }
    }

    #[test]
    fn a_matcher_accepts_exact_values_prefixes_and_whole_numbers() {
        for (matcher, accepted, refused) in [
            (any(&["720p", "1080p"]), vec!["720p", "1080p"], vec!["720", "720P", ""]),
            (prefix("flux-"), vec!["flux-", "flux-dev"], vec!["flux", "xflux-"]),
            (prefix(""), vec!["", "anything"], vec![]),
            (range(1, 30), vec!["1", "30"], vec!["0", "31", "07", "+7", "7.0", "x", ""]),
            (range(-5, -1), vec!["-5"], vec!["-0", "0"]),
        ] {
            assert!(accepted.iter().all(|value| matcher.accepts(value)), "{matcher:?}");
            assert!(!refused.iter().any(|value| matcher.accepts(value)), "{matcher:?}");
        }
    }

    #[test]
    fn a_matcher_includes_another_only_if_it_accepts_all_its_values() {
        for (outer, inner, included) in [
            (any(&["a", "b"]), any(&["a"]), true),
            (any(&["a"]), any(&["a", "b"]), false),
            (prefix("a"), any(&["ab", "ac"]), true),
            (prefix("a"), prefix("ab"), true),
            (prefix("ab"), prefix("a"), false),
            (any(&["a"]), prefix("a"), false),
            (range(1, 9), range(2, 9), true),
            (range(1, 9), range(1, 10), false),
            (range(1, 9), any(&["1", "9"]), true),
            (range(1, 9), prefix("1"), false),
            (prefix(""), range(1, 9), true),
            (prefix("1"), range(1, 1), false),
            (any(&["1", "2"]), range(1, 2), true),
            (any(&["1", "2"]), range(1, 3), false),
            (any(&["1", "2"]), range(i64::MIN, i64::MAX), false),
        ] {
            assert_eq!(outer.includes(&inner), included, "{outer:?} {inner:?}");
        }
    }
}
