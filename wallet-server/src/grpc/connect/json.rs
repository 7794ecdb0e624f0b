//! The conversion between JSON and protobuf messages.

use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use wallet_core::Rejection;

use super::faults::{wrong_names, wrong_values};
use super::text::Tree;
use crate::grpc::error::RpcError;

/// Converts a JSON text to an encoded message.
pub(super) fn to_message(text: &[u8], message: &MessageDescriptor) -> Result<Vec<u8>, RpcError> {
    let tree =
        Tree::read(text).map_err(|error| RpcError::malformed(format!("is not a JSON text: {error}")))?;
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
        Methods::new().unwrap().find("/wallet.v1.WalletService/Reserve", false).unwrap().request.clone()
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
        let message = &methods.find("/wallet.v1.WalletService/TopUp", false).unwrap().request;
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
    fn strange_values_of_every_field_are_read_or_refused() {
        let values = [
            "null",
            "0",
            "-1",
            "1.5",
            "1e400",
            "-1e400",
            "9223372036854775808",
            "18446744073709551616",
            "\"\"",
            "\"NaN\"",
            "\"-9223372036854775809\"",
            "\"9999-12-31T23:59:60Z\"",
            "\"0000-00-00T00:00:00Z\"",
            "\"99999999-01-01T00:00:00Z\"",
            "\"2026-02-30T24:00:00+99:99\"",
            "\"9223372036854775807.999999999s\"",
            "\"-0.0000000001s\"",
            "\".s\"",
            "\"s\"",
            "\"\\u0000\"",
            "\"\\ud83d\"",
            "true",
            "[]",
            "[null]",
            "[[[]]]",
            "{}",
            "{\"\": {}}",
            "[{}, {\"x\": 1}]",
            "\"SCOPE_UNKNOWN\"",
            "2147483648",
        ];
        let methods = Methods::new().unwrap();
        let (mut read, mut refused) = (0, 0);
        for method in methods.all() {
            let message = &method.request;
            for (field, value) in
                message.fields().flat_map(|field| values.map(|value| (field.clone(), value)))
            {
                let text = format!("{{\"{}\": {value}}}", field.json_name());
                match to_message(text.as_bytes(), message) {
                    Ok(bytes) => {
                        let again = from_message(&bytes, message).unwrap();
                        assert_eq!(
                            to_message(&again, message).unwrap(),
                            bytes,
                            "{} {text}",
                            message.full_name()
                        );
                        read += 1;
                    }
                    Err(error) => {
                        let status = Status::from(error);
                        assert_eq!(status.code(), tonic::Code::InvalidArgument, "{text}");
                        refused += 1;
                    }
                }
            }
        }
        assert!(read > 500 && refused > 2_000, "{read} {refused}");
    }

    #[test]
    fn a_text_that_is_no_object_is_malformed() {
        let many = format!("{{\"x\": [{}0]}}", "{},".repeat(50_000));
        for text in [&many, "", "{", "[]", "5", "{} {}", "{\"walletId\": \"\\ud800\"}", &"[".repeat(100_000)]
        {
            let (reason, message, _) = refused(text);
            assert_eq!(reason, "MALFORMED_MESSAGE", "{text}: {message}");
            assert_eq!(message.contains("more than 50000 values"), text == many, "{message}");
        }
    }
}
