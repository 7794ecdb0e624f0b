//! Parses negotiated entitlements: matchers of kinds and attributes, and limits of quantities.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use wallet_core::catalog::{Conditions, Entitlement, Matcher};
use wallet_proto::v1::{self, matcher::Accepts};

use super::FieldReader;
use super::text::key_path;

const MAX_ENTITLEMENTS: usize = 64;
const MAX_ATTRIBUTES: usize = 32;
const MAX_VALUES: usize = 100;
const MAX_NAME_BYTES: usize = 128;
const MAX_VALUE_BYTES: usize = 256;

impl FieldReader {
    /// Parses a set of entitlements. An empty set allows nothing.
    pub(crate) fn entitlements(&mut self, path: &str, set: v1::EntitlementSet) -> Vec<Entitlement> {
        let path = format!("{path}.entitlements");
        if self.too_many(&path, set.entitlements.len(), MAX_ENTITLEMENTS) {
            return Vec::new();
        }
        let read = |(n, one)| self.entitlement(&format!("{path}[{n}]"), one);
        set.entitlements.into_iter().enumerate().filter_map(read).collect()
    }

    fn entitlement(&mut self, path: &str, entitlement: v1::Entitlement) -> Option<Entitlement> {
        let v1::Entitlement { kind, attributes, max } = entitlement;
        let kind = self.matcher(&format!("{path}.kind"), kind);
        let conditions = self.conditions(&format!("{path}.attributes"), attributes);
        let max = self.quantities(&format!("{path}.max"), max);
        Some(Entitlement { kind: kind?, conditions, max })
    }

    fn conditions(&mut self, path: &str, attributes: HashMap<String, v1::Matcher>) -> Conditions {
        if self.too_many(path, attributes.len(), MAX_ATTRIBUTES) {
            return Conditions::default();
        }
        let read = |(name, matcher): (String, v1::Matcher)| {
            let path = key_path(path, &name).to_string();
            let name = self.required_name(&path, name, MAX_NAME_BYTES);
            Some((name, self.matcher(&path, Some(matcher))?))
        };
        attributes.into_iter().collect::<BTreeMap<_, _>>().into_iter().filter_map(read).collect()
    }

    fn matcher(&mut self, path: &str, matcher: Option<v1::Matcher>) -> Option<Matcher> {
        match matcher.and_then(|matcher| matcher.accepts) {
            None => {
                self.add(path, "is required: any_of, prefix or whole_numbers");
                None
            }
            Some(Accepts::AnyOf(v1::AnyOf { values })) => {
                self.any_of(&format!("{path}.any_of.values"), values)
            }
            Some(Accepts::Prefix(prefix)) => {
                Some(Matcher::Prefix(self.name(&format!("{path}.prefix"), prefix, MAX_VALUE_BYTES)))
            }
            Some(Accepts::WholeNumbers(v1::WholeNumbers { min, max })) => {
                if min > max {
                    self.add(
                        format!("{path}.whole_numbers"),
                        format!("accepts nothing: {min} is above {max}"),
                    );
                }
                Some(Matcher::Range { min, max })
            }
        }
    }

    fn any_of(&mut self, path: &str, values: Vec<String>) -> Option<Matcher> {
        if values.is_empty() {
            self.add(path, "accepts nothing: it is empty");
        }
        if self.too_many(path, values.len(), MAX_VALUES) {
            return None;
        }
        let read = |(n, value)| self.name(&format!("{path}[{n}]"), value, MAX_VALUE_BYTES);
        Some(Matcher::AnyOf(values.into_iter().enumerate().map(read).collect::<BTreeSet<_>>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(accepts: Accepts) -> v1::Matcher {
        v1::Matcher { accepts: Some(accepts) }
    }

    fn any_of(values: &[&str]) -> v1::Matcher {
        accepts(Accepts::AnyOf(v1::AnyOf { values: values.iter().map(|v| (*v).to_owned()).collect() }))
    }

    fn set(entitlements: Vec<v1::Entitlement>) -> v1::EntitlementSet {
        v1::EntitlementSet { entitlements }
    }

    #[test]
    fn every_matcher_is_parsed_as_in_a_catalog() {
        let mut fields = FieldReader::default();
        let numbers = accepts(Accepts::WholeNumbers(v1::WholeNumbers { min: 1, max: 9 }));
        let read = fields.entitlements(
            "e",
            set(vec![
                v1::Entitlement {
                    kind: Some(any_of(&["video", "image"])),
                    attributes: [("steps".to_owned(), numbers)].into(),
                    max: [("count".to_owned(), "4.0".to_owned())].into(),
                },
                v1::Entitlement {
                    kind: Some(accepts(Accepts::Prefix(String::new()))),
                    ..v1::Entitlement::default()
                },
            ]),
        );
        let [first, all] = read.as_slice() else { panic!("{read:?}") };
        assert_eq!(first.kind, Matcher::AnyOf(["image".to_owned(), "video".to_owned()].into()));
        let steps: Vec<_> = first.conditions.iter().collect();
        assert_eq!(steps, [("steps", &Matcher::Range { min: 1, max: 9 })]);
        assert_eq!(first.max["count"].to_string(), "4");
        assert_eq!(all.kind, Matcher::Prefix(String::new()));
        assert!(fields.entitlements("e", set(Vec::new())).is_empty() && fields.lines().is_empty());
    }

    #[test]
    fn every_invalid_part_is_reported() {
        let mut fields = FieldReader::default();
        let numbers = accepts(Accepts::WholeNumbers(v1::WholeNumbers { min: 2, max: 1 }));
        fields.entitlements(
            "e",
            set(vec![
                v1::Entitlement::default(),
                v1::Entitlement {
                    kind: Some(any_of(&[])),
                    attributes: [(String::new(), any_of(&["a\nb"])), ("steps".to_owned(), numbers)].into(),
                    max: [("count".to_owned(), "-1".to_owned())].into(),
                },
            ]),
        );
        fields.entitlements("e", set(vec![v1::Entitlement::default(); 65]));
        let expected = [
            "e.entitlements[0].kind: is required: any_of, prefix or whole_numbers",
            "e.entitlements[1].kind.any_of.values: accepts nothing: it is empty",
            "e.entitlements[1].attributes[\"\"]: must not be empty",
            "e.entitlements[1].attributes[\"\"].any_of.values[0]: contains the control character U+000A; no control character is allowed",
            "e.entitlements[1].attributes[\"steps\"].whole_numbers: accepts nothing: 2 is above 1",
            "e.entitlements[1].max[\"count\"]: must not be negative",
            "e.entitlements: has 65 entries, at most 64 are allowed",
        ];
        assert_eq!(fields.lines(), expected);
    }
}
