//! The conversion between JSON and protobuf messages.

use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use wallet_core::Rejection;

use super::faults::{wrong_names, wrong_values};
use super::text::Tree;
use crate::grpc::error::RpcError;

/// Converts a JSON text to an encoded message.
pub(super) fn to_message(text: &[u8], message: &MessageDescriptor) -> Result<Vec<u8>, RpcError> {
    let tree: Tree = serde_json::from_slice(text)
        .map_err(|error| RpcError::malformed(format!("is not a JSON text: {error}")))?;
    refuse(wrong_names(&tree, message))?;
    let mut reader = serde_json::Deserializer::from_slice(text);
    match DynamicMessage::deserialize(message.clone(), &mut reader) {
        Ok(read) => Ok(read.encode_to_vec()),
        Err(error) => {
            refuse(wrong_values(&tree, message))?;
            Err(RpcError::malformed(format!("is not of the method's type: {error}")))
        }
    }
}

fn refuse(faults: Vec<wallet_core::FieldViolation>) -> Result<(), RpcError> {
    if faults.is_empty() { Ok(()) } else { Err(Rejection::InvalidFields(faults).into()) }
}

/// Converts an encoded message to a JSON text. Fields without a value are left out.
pub(super) fn from_message(bytes: &[u8], message: &MessageDescriptor) -> Result<Vec<u8>, RpcError> {
    let defect = || RpcError::defect("a reply has no JSON form");
    let read = DynamicMessage::decode(message.clone(), bytes).map_err(|_| defect())?;
    serde_json::to_vec(&read).map_err(|_| defect())
}

#[cfg(test)]
mod tests {
    use tonic::Status;
    use tonic_types::StatusExt;

    use super::super::Methods;
    use super::*;

    fn reserve() -> MessageDescriptor {
        Methods::new().unwrap().find("/wallet.v1.WalletService/Reserve").unwrap().request.clone()
    }

    /// Returns the reason, the message and the faults of the fields.
    fn refused(text: &str) -> (String, String, Vec<String>) {
        let status = Status::from(to_message(text.as_bytes(), &reserve()).unwrap_err());
        let details = status.get_error_details();
        let faults = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
        let faults = faults.into_iter().map(|fault| format!("{}: {}", fault.field, fault.description));
        (details.error_info().unwrap().reason.clone(), status.message().to_owned(), faults.collect())
    }

    #[test]
    fn both_spellings_and_both_forms_of_numbers_are_read_and_texts_are_written() {
        let methods = Methods::new().unwrap();
        let message = &methods.find("/wallet.v1.WalletService/TopUp").unwrap().request;
        for text in [
            r#"{"walletId": "w", "amount": {"unit": "credits", "amount": "9007199254740993"}}"#,
            r#"{"wallet_id": "w", "amount": {"unit": "credits", "amount": 9007199254740993}, "pack_id": null}"#,
        ] {
            let bytes = to_message(text.as_bytes(), message).unwrap();
            let json = from_message(&bytes, message).unwrap();
            let expected = r#"{"walletId":"w","amount":{"unit":"credits","amount":"9007199254740993"}}"#;
            assert_eq!(String::from_utf8(json).unwrap(), expected);
        }
    }

    #[test]
    fn unknown_and_repeated_fields_are_named_all_at_once() {
        let (reason, _, faults) = refused(
            r#"{"walletId": "w", "wallet_id": "v", "amout": 1, "operation":
                {"kind": "k", "atributes": {}, "attributes": {"a": "1", "a": "2"}}}"#,
        );
        assert_eq!(reason, "INVALID_FIELD");
        assert_eq!(
            faults,
            [
                "wallet_id: occurs twice",
                "amout: is not a field of wallet.v1.ReserveRequest",
                "operation.atributes: is not a field of wallet.v1.Operation",
                "operation.attributes[\"a\"]: occurs twice",
            ]
        );
    }

    #[test]
    fn values_of_another_type_are_named() {
        let (_, _, faults) = refused(r#"{"walletId": 5, "operation": {"kind": true, "attributes": []}}"#);
        let fields: Vec<_> = faults.iter().filter_map(|fault| fault.split(':').next()).collect();
        assert_eq!(fields, ["wallet_id", "operation.kind", "operation.attributes"], "{faults:?}");
    }

    #[test]
    fn a_text_that_is_no_object_is_malformed() {
        for text in ["", "{", "[]", "5", "{} {}", "{\"walletId\": \"\\ud800\"}", &"[".repeat(100_000)] {
            let (reason, message, _) = refused(text);
            assert_eq!(reason, "MALFORMED_MESSAGE", "{text}: {message}");
        }
    }
}
