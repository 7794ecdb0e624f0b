//! Mutations of a message: a field removed, doubled, taken from another message or given another value; or changed
//! bytes, which may not decode any more.

use wallet_workload::Rng;

use super::wire::{self, Field, Value};

/// The longest message in bytes: a little more than the server reads.
const LONGEST: usize = 70_000;

/// Numbers at the limits of fields.
const NUMBERS: [u64; 18] = [
    0,
    1,
    2,
    7,
    40,
    127,
    128,
    500,
    501,
    86_400,
    86_401,
    1_000_000_000,
    1_000_000_000_000_000,
    1_000_000_000_000_001,
    i64::MAX.cast_unsigned(),
    i64::MIN.cast_unsigned(),
    u64::MAX,
    u64::MAX - 1,
];

/// Texts with a meaning for some field, and texts without.
const TEXTS: [&str; 24] = [
    "",
    " ",
    "w",
    "v",
    "job",
    "first",
    "credits",
    "trainings",
    "creator",
    "starter",
    "video.generate",
    "standard",
    "720p",
    "5",
    "-5",
    "1e9",
    "0.000000001",
    "99999999999999999999999999999999999999",
    "NaN",
    "grant:gift",
    "top_up:first#65535",
    "ü☃\u{0}\u{feff}",
    "'; DROP TABLE wallets; --",
    "../../../../etc/passwd",
];

/// A mutation of a message; `donor` is the message that fields are taken from.
pub(super) fn mutate(bytes: &[u8], donor: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..rng.within(1, 3) {
        bytes = match wire::read(&bytes) {
            Some(fields) if !rng.percent(8) => {
                let donated = wire::read(donor).unwrap_or_default();
                wire::write(&change_field(fields, &donated, rng))
            }
            _ => change_bytes(bytes, rng),
        };
        bytes.truncate(LONGEST);
    }
    bytes
}

fn change_field(mut fields: Vec<Field>, donated: &[Field], rng: &mut Rng) -> Vec<Field> {
    let Some(at) = position(fields.len(), rng) else {
        fields.extend(rng.pick(donated).cloned());
        return fields;
    };
    match rng.within(0, 9) {
        0 => drop(fields.remove(at)),
        1 => fields.push(fields[at].clone()),
        2 => fields.extend(rng.pick(donated).cloned()),
        3 => fields[at].number = rng.one_of([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 99, (1 << 29) - 1]),
        4 => fields.swap(0, at),
        _ => fields[at].value = other(&fields[at].value, rng),
    }
    fields
}

fn other(value: &Value, rng: &mut Rng) -> Value {
    match value {
        Value::Varint(value) if rng.percent(30) => {
            Value::Varint(value.wrapping_add(rng.one_of([1, u64::MAX])))
        }
        Value::Varint(_) => Value::Varint(rng.one_of(NUMBERS)),
        Value::Bytes(inner) => match wire::read(inner).filter(|fields| !fields.is_empty()) {
            Some(fields) if rng.percent(70) => Value::Bytes(wire::write(&change_field(fields, &[], rng))),
            _ if rng.percent(10) => Value::Bytes(inner.repeat(usize::try_from(rng.within(2, 300)).unwrap())),
            _ => Value::Bytes(rng.one_of(TEXTS).into()),
        },
        Value::Fixed64(_) => Value::Fixed64(rng.next().to_le_bytes()),
        Value::Fixed32(_) => Value::Varint(rng.one_of(NUMBERS)),
    }
}

fn change_bytes(mut bytes: Vec<u8>, rng: &mut Rng) -> Vec<u8> {
    match position(bytes.len(), rng) {
        None => bytes.push(any_byte(rng)),
        Some(at) => match rng.within(0, 2) {
            0 => bytes.truncate(at),
            1 => bytes[at] ^= 1 << rng.within(0, 7),
            _ => bytes.insert(at, any_byte(rng)),
        },
    }
    bytes
}

fn any_byte(rng: &mut Rng) -> u8 {
    rng.next().to_le_bytes()[0]
}

fn position(length: usize, rng: &mut Rng) -> Option<usize> {
    let last = i64::try_from(length.checked_sub(1)?).ok()?;
    usize::try_from(rng.within(0, last)).ok()
}
