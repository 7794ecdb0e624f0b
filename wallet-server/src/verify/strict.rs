//! JSON as the server writes it, byte by byte: nothing that reading would lose on the way can hide in a row.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads a column. A field that the type does not have, another spacing or another order is an error.
pub(super) fn read<T: Serialize + DeserializeOwned>(column: &str, text: &str) -> Result<T, String> {
    let value: T = serde_json::from_str(text).map_err(|error| format!("{column}: {error}"))?;
    let written = serde_json::to_string(&value).map_err(|error| format!("{column}: {error}"))?;
    match written == text {
        true => Ok(value),
        false => Err(format!("{column}: is {text}, would be written as {written}")),
    }
}

#[cfg(test)]
mod tests {
    use wallet_core::reservation::Bill;

    #[test]
    fn only_the_text_that_would_be_written_is_read() {
        let read = |text| super::read::<Bill>("bill", text);
        assert_eq!(read(r#"{"late":false}"#), Ok(Bill::default()));
        for text in [r#"{"late": false}"#, r#"{"late":false,"paid":true}"#, "{}", "", r#"{"late":false} "#] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
