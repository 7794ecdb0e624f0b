//! The decoding of JSON columns that accepts only the bytes that the server writes, so that a row contains nothing
//! that decoding would drop.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Decodes a column. Unknown fields, other spacing and another order of fields are errors.
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
    use wallet_core::reservation::Bill;

    #[test]
    fn only_the_text_that_the_server_writes_is_accepted() {
        let read = |text| super::read::<Bill>("bill", text);
        assert_eq!(read(r#"{"late":false}"#), Ok(Bill::default()));
        for text in [r#"{"late": false}"#, r#"{"late":false,"paid":true}"#, "{}", "", r#"{"late":false} "#] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
