//! The part of Protobuf's wire format that changing one field of a message needs.

/// A field of a message: its number and its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) number: u64,
    pub(super) value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Varint(u64),
    Fixed64([u8; 8]),
    /// A text, bytes, or a nested message.
    Bytes(Vec<u8>),
    Fixed32([u8; 4]),
}

/// The fields of a message, or `None` if the bytes are not a message.
pub(super) fn read(mut bytes: &[u8]) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let value = match key & 7 {
            0 => Value::Varint(varint(&mut bytes)?),
            1 => Value::Fixed64(take(&mut bytes, 8)?.try_into().ok()?),
            2 => {
                let length = varint(&mut bytes)?.try_into().ok()?;
                Value::Bytes(take(&mut bytes, length)?.to_vec())
            }
            5 => Value::Fixed32(take(&mut bytes, 4)?.try_into().ok()?),
            _ => return None,
        };
        fields.push(Field { number: key >> 3, value });
    }
    Some(fields)
}

/// Encodes the fields as a message.
pub(super) fn write(fields: &[Field]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for Field { number, value } in fields {
        let key = |kind: u64| (number << 3) | kind;
        match value {
            Value::Varint(value) => {
                put(&mut bytes, key(0));
                put(&mut bytes, *value);
            }
            Value::Fixed64(value) => {
                put(&mut bytes, key(1));
                bytes.extend(value);
            }
            Value::Bytes(value) => {
                put(&mut bytes, key(2));
                put(&mut bytes, value.len() as u64);
                bytes.extend(value);
            }
            Value::Fixed32(value) => {
                put(&mut bytes, key(5));
                bytes.extend(value);
            }
        }
    }
    bytes
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn put(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
}

#[test]
fn a_decoded_message_is_encoded_unchanged() {
    use prost::Message;
    use wallet_client::v1;
    let bytes = v1::TopUpRequest::amount("w", "t", v1::Amount::new("credits", -1)).encode_to_vec();
    let fields = read(&bytes).unwrap();
    assert_eq!(fields.iter().map(|field| field.number).collect::<Vec<_>>(), [1, 2, 4]);
    assert_eq!(write(&fields), bytes);
}
