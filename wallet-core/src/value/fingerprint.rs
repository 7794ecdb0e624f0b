//! Fingerprints: what a command said, field by field, for telling a replay from a mistake.
//!
//! Made of normalised client fields only, never of raw bytes or of what the server worked out. Each field
//! is kept as a short digest, so that a mismatch can name the fields and the row stays small.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};

/// The digests of a command's fields, by field name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fingerprint(BTreeMap<String, String>);

impl Fingerprint {
    /// Adds a field. `None` and a field never added are the same.
    #[must_use]
    pub fn with<T: Serialize>(mut self, field: &str, value: Option<&T>) -> Self {
        if let Some(value) = value {
            // Maps of ours are ordered, so their JSON is canonical; a value that has no JSON has no fields.
            let json = serde_json::to_vec(value).unwrap_or_default();
            let digest = Sha256::digest(&json);
            self.0.insert(field.to_owned(), hex::encode(&digest[..8]));
        }
        self
    }

    /// The fields in which two fingerprints differ.
    pub fn differences(&self, other: &Fingerprint) -> Vec<String> {
        let fields = self.0.keys().chain(other.0.keys());
        let mut differing: Vec<String> =
            fields.filter(|field| self.0.get(*field) != other.0.get(*field)).cloned().collect();
        differing.sort();
        differing.dedup();
        differing
    }

    /// Reads the form that [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Self {
        Self(
            text.split(';')
                .filter_map(|pair| pair.split_once('='))
                .map(|(field, digest)| (field.to_owned(), digest.to_owned()))
                .collect(),
        )
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (field, digest)) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { ";" };
            write!(f, "{separator}{field}={digest}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mismatch_names_the_fields_that_differ() {
        let a = Fingerprint::default().with("amount", Some(&1)).with("actor", Some(&"ann"));
        let b = Fingerprint::default().with("amount", Some(&2)).with::<String>("actor", None);
        assert_eq!(a.differences(&b), ["actor", "amount"]);
        assert!(a.differences(&a.clone()).is_empty());
        assert_eq!(Fingerprint::parse(&a.to_string()), a);
        assert_eq!(Fingerprint::parse(""), Fingerprint::default());
    }
}
