//! The decoding of columns that accepts only the bytes that the server writes, so that a row contains nothing that
//! decoding would drop.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Decodes a column in its binary form.
pub(super) fn binary<T: Serialize + DeserializeOwned>(column: &str, bytes: &[u8]) -> Result<T, String> {
    wallet_core::binary::decode(bytes).map_err(|error| format!("{column}: {error}"))
}

/// Decodes a column in its binary form; no bytes are the default.
pub(super) fn sparse<T>(column: &str, bytes: &[u8]) -> Result<T, String>
where
    T: Serialize + DeserializeOwned + Default + PartialEq,
{
    wallet_core::binary::decode_sparse(bytes).map_err(|error| format!("{column}: {error}"))
}

/// Decodes a JSON column. Unknown fields, other spacing and another order of fields are errors.
pub(super) fn read<T: Serialize + DeserializeOwned>(column: &str, text: &str) -> Result<T, String> {
    let value: T = serde_json::from_str(text).map_err(|error| format!("{column}: {error}"))?;
    let written = serde_json::to_string(&value).map_err(|error| format!("{column}: {error}"))?;
    match written == text {
        true => Ok(value),
        false => Err(format!("{column}: is {text}, but the server writes {written}")),
    }
}

#[cfg(test)]
mod tests {
    use wallet_core::grant::GrantDetails;

    #[test]
    fn only_the_text_that_the_server_writes_is_accepted() {
        let read = |text| super::read::<GrantDetails>("details", text);
        assert_eq!(read("{}"), Ok(GrantDetails::default()));
        for text in
            [r#"{"reason": "gift"}"#, r#"{"reason":"gift","paid":true}"#, r#"{"reason":""}"#, "", "{} "]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
