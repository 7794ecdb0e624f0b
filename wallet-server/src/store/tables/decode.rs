//! Decodes values of several tables. A value that cannot be decoded is an error of its wallet; nothing is guessed.

use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use wallet_core::{InvalidId, binary};

use crate::store::StoreError;

pub(in crate::store) fn id<T: FromStr<Err = InvalidId>>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|error| StoreError::unreadable(format!("id {text:?} {error}")))
}

/// Decodes an id that may be missing; an empty text means none.
pub(super) fn optional<T: FromStr<Err = InvalidId>>(text: &str) -> Result<Option<T>, StoreError> {
    if text.is_empty() { Ok(None) } else { id(text).map(Some) }
}

pub(in crate::store) fn json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(StoreError::unreadable)
}

/// Decodes a column in its binary form.
pub(in crate::store) fn bytes<T: Serialize + DeserializeOwned>(
    column: &str,
    bytes: &[u8],
) -> Result<T, StoreError> {
    binary::decode(bytes).map_err(|error| StoreError::unreadable(format!("{column} {error}")))
}

/// Decodes a column in its binary form; no bytes are the default.
pub(super) fn sparse<T>(column: &str, bytes: &[u8]) -> Result<T, StoreError>
where
    T: Serialize + DeserializeOwned + Default + PartialEq,
{
    binary::decode_sparse(bytes).map_err(|error| StoreError::unreadable(format!("{column} {error}")))
}

pub(in crate::store) fn hash(bytes: &[u8]) -> Result<[u8; 32], StoreError> {
    bytes.try_into().map_err(|_| StoreError::unreadable("a stored hash does not have 32 bytes"))
}

/// Decodes a value from its stored number. `what` names the kind of values in the error.
pub(super) fn numbered<T: Copy, const N: usize>(
    what: &str,
    values: [T; N],
    stored: i16,
    number: impl Fn(T) -> i16,
) -> Result<T, StoreError> {
    let value = values.into_iter().find(|value| number(*value) == stored);
    value.ok_or_else(|| StoreError::unreadable(format!("unknown {what} {stored}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_without_a_value_is_unreadable() {
        let number = |letter: char| if letter == 'a' { 1 } else { 2 };
        assert_eq!(numbered("letter", ['a', 'b'], 2, number).unwrap(), 'b');
        assert!(numbered("letter", ['a', 'b'], 0, number).is_err());
    }
}
