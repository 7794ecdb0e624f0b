//! The binary form of values: of the columns that no statement searches, and of everything that is hashed.
//!
//! [postcard](https://docs.rs/postcard) is compact and stable, and it writes a value in one way. The first byte is the
//! number of the format. A stored type whose fields change needs a new format.

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// The format of the types of this version.
const FORMAT: u8 = 1;

/// The reason why bytes are unreadable.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// Another format than this version reads.
    #[error("has the unknown format {0}")]
    Format(u8),
    /// No bytes, too few, too many, or bytes that no value of the type has.
    #[error("is damaged: {0}")]
    Damaged(String),
}

/// Most values have fewer bytes than this, so that they are written without moving them.
const USUAL_BYTES: usize = 128;

/// Returns the bytes of a value.
#[expect(clippy::expect_used, reason = "a row or a hash of anything else would be accepted silently")]
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    bytes.push(FORMAT);
    postcard::to_extend(value, bytes).expect("stored types have known lengths and no fallible parts")
}

/// Decodes exactly the bytes that [`encode`] returns for a value.
///
/// # Errors
///
/// The format is unknown, or the bytes are not those of a value.
pub fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, Unreadable> {
    let damaged = |why: &str| Unreadable::Damaged(format!("{why} in {}", hex::encode(bytes)));
    match bytes.split_first() {
        Some((&FORMAT, content)) => {
            let (value, rest) =
                postcard::take_from_bytes(content).map_err(|error| damaged(&error.to_string()))?;
            // Postcard also reads longer forms of a number and other orders of a map, which `encode` never writes.
            match rest.is_empty() && encode(&value) == bytes {
                true => Ok(value),
                false => Err(damaged("not the bytes that the server writes")),
            }
        }
        Some((format, _)) => Err(Unreadable::Format(*format)),
        None => Err(damaged("nothing")),
    }
}

/// Returns the bytes of a value; none for the default.
pub fn encode_sparse<T: Serialize + Default + PartialEq>(value: &T) -> Vec<u8> {
    if *value == T::default() { Vec::new() } else { encode(value) }
}

/// Decodes exactly the bytes that [`encode_sparse`] returns for a value.
///
/// # Errors
///
/// The format is unknown, or the bytes are not those of a value.
pub fn decode_sparse<T: Serialize + DeserializeOwned + Default + PartialEq>(
    bytes: &[u8],
) -> Result<T, Unreadable> {
    if bytes.is_empty() {
        return Ok(T::default());
    }
    let value = decode(bytes)?;
    match value == T::default() {
        true => Err(Unreadable::Damaged(format!("a default in {}", hex::encode(bytes)))),
        false => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_default_has_no_bytes_and_only_none() {
        assert!(encode_sparse(&Vec::<u8>::new()).is_empty());
        assert_eq!(decode_sparse::<Vec<u8>>(&[]), Ok(Vec::new()));
        assert_eq!(decode_sparse::<Vec<u8>>(&encode(&[7_u8].to_vec())), Ok(vec![7]));
        assert!(decode_sparse::<Vec<u8>>(&encode(&Vec::<u8>::new())).is_err());
    }

    #[test]
    fn only_the_bytes_that_are_written_are_read() {
        let value = (300_u32, BTreeMap::from([("a".to_owned(), 1_i64), ("b".to_owned(), -1)]));
        let bytes = encode(&value);
        assert_eq!(hex::encode(&bytes), "01ac0202016102016201");
        assert_eq!(decode::<(u32, BTreeMap<String, i64>)>(&bytes), Ok(value));
        let read = |hex: &str| decode::<(u32, BTreeMap<String, i64>)>(&hex::decode(hex).unwrap());
        assert_eq!(read("02ac0202016102016201"), Err(Unreadable::Format(2)));
        for (other, why) in [
            ("", "nothing"),
            ("01", "nothing after the format"),
            ("01ac02020161020162", "too short"),
            ("01ac020201610201620100", "too long"),
            ("01ac82000201610201620100", "a longer form of a number"),
            ("01ac0202016201016102", "another order of a map"),
            ("01ac0202016102016102", "a key twice"),
        ] {
            assert!(matches!(read(other), Err(Unreadable::Damaged(_))), "{why}");
        }
    }
}
