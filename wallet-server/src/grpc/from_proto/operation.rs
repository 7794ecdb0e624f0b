//! Parses operations into the normal form that replays compare. The core checks that an operation has a price.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

use wallet_core::{Decimal, Operation};
use wallet_proto::v1;

use super::FieldReader;
use super::text::key_path;

const MAX_ENTRIES: usize = 32;
const MAX_NAME_BYTES: usize = 128;
const MAX_VALUE_BYTES: usize = 256;

impl FieldReader {
    /// Parses a required operation.
    pub(crate) fn operation(&mut self, path: &str, operation: Option<v1::Operation>) -> Option<Operation> {
        let Some(v1::Operation { kind, attributes, quantities }) = operation else {
            self.missing(path);
            return None;
        };
        self.check_required_name(format_args!("{path}.kind"), &kind, MAX_NAME_BYTES);
        Some(Operation {
            kind,
            attributes: self.attributes(format_args!("{path}.attributes"), attributes),
            quantities: self.quantities(format_args!("{path}.quantities"), quantities),
        })
    }

    /// Parses 1 to `max` operations.
    pub(crate) fn operations(
        &mut self,
        path: &str,
        operations: Vec<v1::Operation>,
        max: usize,
    ) -> Vec<Operation> {
        if !self.count(path, operations.len(), max) {
            return Vec::new();
        }
        let read = |(n, operation)| self.operation(&format!("{path}[{n}]"), Some(operation));
        operations.into_iter().enumerate().filter_map(read).collect()
    }

    /// Parses exact decimals by name, which must not be negative.
    pub(super) fn quantities(
        &mut self,
        path: impl Display + Copy,
        quantities: HashMap<String, String>,
    ) -> BTreeMap<String, Decimal> {
        let mut read = BTreeMap::new();
        if self.too_many(path, quantities.len(), MAX_ENTRIES) {
            return read;
        }
        for (name, text) in quantities.into_iter().collect::<BTreeMap<_, _>>() {
            let path = key_path(path, &name);
            self.check_required_name(path, &name, MAX_NAME_BYTES);
            match Decimal::parse(&text) {
                Ok(quantity) if quantity < Decimal::ZERO => {
                    self.add(path.to_string(), "must not be negative")
                }
                Ok(quantity) => {
                    read.insert(name, quantity);
                }
                Err(error) => self.add(path.to_string(), error.to_string()),
            }
        }
        read
    }

    fn attributes(
        &mut self,
        path: impl Display + Copy,
        attributes: HashMap<String, String>,
    ) -> BTreeMap<String, String> {
        let mut read = BTreeMap::new();
        if self.too_many(path, attributes.len(), MAX_ENTRIES) {
            return read;
        }
        for (name, value) in attributes.into_iter().collect::<BTreeMap<_, _>>() {
            let path = key_path(path, &name);
            self.check_required_name(path, &name, MAX_NAME_BYTES);
            self.check_name(path, &value, MAX_VALUE_BYTES);
            read.insert(name, value);
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn equal_numbers_with_other_digits_make_the_same_operation() {
        let mut fields = FieldReader::default();
        let mut read = |duration: &str| {
            let quantities = map(&[("duration_s", duration), ("count", "4")]);
            fields.operation(
                "operation",
                Some(v1::Operation {
                    kind: "video".to_owned(),
                    attributes: map(&[("model", "x")]),
                    quantities,
                }),
            )
        };
        assert_eq!(read("5.0"), read("5"));
        assert!(read("5").is_some());
        assert!(fields.lines().is_empty());
    }

    #[test]
    fn every_invalid_part_of_an_operation_is_reported() {
        let mut fields = FieldReader::default();
        fields.operation("operation", None);
        fields.operation(
            "explicit.operation",
            Some(v1::Operation {
                kind: "k".repeat(129),
                attributes: map(&[("", "x"), ("model", &"v".repeat(257)), ("style", "a\tb")]),
                quantities: map(&[("a", ""), ("b", "-1"), ("c", "1e3"), ("d", "0.0000000001")]),
            }),
        );
        let many = (0..33).map(|n| (format!("a{n}"), String::new())).collect();
        fields.operation(
            "operation",
            Some(v1::Operation { kind: "k".to_owned(), attributes: many, ..v1::Operation::default() }),
        );
        assert_eq!(
            fields.lines(),
            [
                "operation: is required",
                "explicit.operation.kind: has 129 bytes, at most 128 are allowed",
                "explicit.operation.attributes[\"\"]: must not be empty",
                "explicit.operation.attributes[\"model\"]: has 257 bytes, at most 256 are allowed",
                "explicit.operation.attributes[\"style\"]: contains the control character U+0009; no control character is allowed",
                "explicit.operation.quantities[\"a\"]: must not be empty",
                "explicit.operation.quantities[\"b\"]: must not be negative",
                "explicit.operation.quantities[\"c\"]: must be a plain decimal number such as \"5\" or \"2.5\"",
                "explicit.operation.quantities[\"d\"]: has 10 digits after the point, at most 9 are allowed",
                "operation.attributes: has 33 entries, at most 32 are allowed",
            ]
        );
    }
}
