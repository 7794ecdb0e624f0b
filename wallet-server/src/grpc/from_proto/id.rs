//! Parses ids: all have the same alphabet and length.

use std::str::FromStr;

use wallet_core::InvalidId;
use wallet_core::grant::GrantKey;

use super::FieldReader;

impl FieldReader {
    /// Parses a required id.
    pub(crate) fn id<T: FromStr<Err = InvalidId>>(&mut self, path: &str, text: &str) -> Option<T> {
        text.parse().map_err(|error: InvalidId| self.add(path, error.to_string())).ok()
    }

    /// Parses an optional id.
    pub(crate) fn optional_id<T: FromStr<Err = InvalidId>>(&mut self, path: &str, text: &str) -> Option<T> {
        if text.is_empty() { None } else { self.id(path, text) }
    }

    /// Parses the id of a grant as ListGrants shows it, for example `grant:welcome` or `top_up:t-1#1`.
    pub(crate) fn grant_key(&mut self, path: &str, text: &str) -> Option<GrantKey> {
        GrantKey::parse(text).map_err(|error| self.add(path, error.to_string())).ok()
    }
}

#[cfg(test)]
mod tests {
    use wallet_core::{Actor, WalletId};

    use super::*;

    #[test]
    fn invalid_ids_are_reported_with_their_fault() {
        let mut fields = FieldReader::default();
        assert!(fields.id::<WalletId>("wallet_id", "w-1").is_some());
        assert!(fields.optional_id::<Actor>("actor", "").is_none());
        assert!(fields.lines().is_empty());

        fields.id::<WalletId>("wallet_id", "");
        fields.id::<WalletId>("reservation_id", &"x".repeat(129));
        fields.optional_id::<Actor>("actor", "a b");
        fields.grant_key("grant_id", "grant:a#b");
        assert_eq!(
            fields.lines(),
            [
                "wallet_id: must not be empty",
                "reservation_id: has 129 bytes, at most 128 are allowed",
                "actor: contains ' '; letters, digits and - _ . : @ / | + = ~ are allowed",
                "grant_id: must be a grant_id as ListGrants shows it: only # and a number may follow the id, from #1 on",
            ]
        );
    }
}
