//! Fingerprints: digests of a command's fields that distinguish a replay from a mismatch.
//!
//! A fingerprint covers the normalised fields of the client, never raw bytes or values computed by the server. Each
//! field has a short digest of its own, so that a mismatch can name the fields and the row stays small.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The digests of a command's fields, by field name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint(BTreeMap<String, [u8; 8]>);

impl Fingerprint {
    /// Adds a field. `None` is the same as a field that was not added.
    #[must_use]
    pub fn with<T: Serialize>(mut self, field: &str, value: Option<&T>) -> Self {
        if let Some(value) = value {
            // Our maps are ordered, so their JSON is canonical.
            #[expect(
                clippy::expect_used,
                reason = "a fingerprint of anything else would accept every replay"
            )]
            let json =
                serde_json::to_vec(value).expect("fields are numbers, texts and maps with texts as keys");
            let digest = Sha256::digest(&json);
            self.0.insert(field.to_owned(), std::array::from_fn(|i| digest[i]));
        }
        self
    }

    /// Returns whether a field has this value, or was not added.
    pub fn agrees<T: Serialize>(&self, field: &str, value: &T) -> bool {
        let expected = Self::default().with(field, Some(value));
        self.0.get(field).is_none_or(|digest| expected.0.get(field) == Some(digest))
    }

    /// Returns the names of the fields in which two fingerprints differ, sorted.
    pub fn differences(&self, other: &Fingerprint) -> Vec<String> {
        let fields = self.0.keys().chain(other.0.keys());
        let mut differing: Vec<String> =
            fields.filter(|field| self.0.get(*field) != other.0.get(*field)).cloned().collect();
        differing.sort();
        differing.dedup();
        differing
    }

    /// Parses the output of [`fmt::Display`]. Pieces that are not pairs are ignored.
    pub fn parse(text: &str) -> Self {
        Self(
            text.split(';')
                .filter_map(|pair| pair.split_once('='))
                .filter_map(|(field, digest)| {
                    let digest = hex::decode(digest).ok()?.try_into().ok()?;
                    Some((field.to_owned(), digest))
                })
                .collect(),
        )
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (field, digest)) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { ";" };
            write!(f, "{separator}{field}={}", hex::encode(digest))?;
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
        assert!(a.agrees("amount", &1) && !a.agrees("amount", &2) && a.agrees("reason", &"none"));
        assert_eq!(Fingerprint::parse(&a.to_string()), a);
        assert_eq!(Fingerprint::parse(""), Fingerprint::default());
    }
}
