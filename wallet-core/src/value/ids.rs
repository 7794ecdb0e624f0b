//! Identifiers chosen by callers. Each is parsed once and is a type from then on.
//!
//! Most of them have one alphabet. It covers database keys, URLs, most e-mail addresses and the ids of payment providers,
//! and has no character that needs escaping in a log line. The ids of wallets are those of the platform's customers, and
//! may have any printable ASCII character but a space.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// The maximum length of an id, in bytes.
pub const MAX_ID_BYTES: usize = 128;

/// The reason why a string is not an id. The text continues a sentence that begins with a field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidId {
    #[error("must not be empty")]
    Empty,
    /// The string is longer than [`MAX_ID_BYTES`]; the field is its length in bytes.
    #[error("has {0} bytes, at most {MAX_ID_BYTES} are allowed")]
    TooLong(usize),
    /// The string contains this character, which is not in the alphabet.
    #[error("contains {0:?}; letters, digits and - _ . : @ / | + = ~ are allowed")]
    BadCharacter(char),
    /// The string contains this character, which is no printable ASCII character, or is a space.
    #[error("contains {0:?}; printable ASCII characters without spaces are allowed")]
    NotPrintable(char),
}

fn check_alphabet(text: &str) -> Result<(), InvalidId> {
    let allowed = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '@' | '/' | '|' | '+' | '=' | '~')
    };
    check(text, allowed, InvalidId::BadCharacter)
}

fn check_printable(text: &str) -> Result<(), InvalidId> {
    check(text, |c| c.is_ascii_graphic(), InvalidId::NotPrintable)
}

fn check(text: &str, allowed: fn(char) -> bool, refused: fn(char) -> InvalidId) -> Result<(), InvalidId> {
    if text.is_empty() {
        return Err(InvalidId::Empty);
    }
    if text.len() > MAX_ID_BYTES {
        return Err(InvalidId::TooLong(text.len()));
    }
    match text.chars().find(|c| !allowed(*c)) {
        Some(c) => Err(refused(c)),
        None => Ok(()),
    }
}

/// Deserializes a value by parsing borrowed text, without a copy.
pub(crate) struct Parsed<T, E>(pub(crate) fn(&str) -> Result<T, E>);

impl<T, F: fmt::Display> Visitor<'_> for Parsed<T, F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $check:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses an id of 1 to 128 bytes.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                $check(text)?;
                Ok(Self(text.into()))
            }

            /// Returns the id in the caller's spelling.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(text: D) -> Result<Self, D::Error> {
                text.deserialize_str(Parsed(Self::parse))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

id!(
    /// The platform's id of a customer's wallet: printable ASCII characters without spaces.
    WalletId, check_printable
);
id!(
    /// The caller's id of a job. It is the idempotency key of Reserve and of every later command for the hold.
    ReservationId, check_alphabet
);
id!(
    /// The id of a unit: `credits`, `trainings`.
    UnitId, check_alphabet
);
id!(
    /// The member of an organisation who caused a command.
    Actor, check_alphabet
);
id!(
    /// The id of the command or event that issued a grant. Unique in a wallet for each kind of origin.
    OriginId, check_alphabet
);
id!(
    /// The idempotency key of a command that creates no row. Unique in a wallet.
    RequestId, check_alphabet
);
id!(
    /// The id of a worker that runs a job.
    WorkerId, check_alphabet
);
id!(
    /// The author of a command: an API key, `local` or `system`.
    Principal, check_alphabet
);
id!(
    /// The request id of a call, as its caller sent it.
    CallId, check_alphabet
);

impl Principal {
    /// Returns the principal of callers without credentials.
    pub fn local() -> Self {
        Self("local".into())
    }

    /// Returns the principal of due events and of the server's own commands.
    pub fn system() -> Self {
        Self("system".into())
    }
}

impl OriginId {
    /// Returns the origin id of a plan's allowance: `<number of the sale>.<period>.<window in the period>`.
    pub fn of_period(number: u32, period: u32, window: u32) -> Self {
        Self(format!("{number}.{period}.{window}").into())
    }

    /// Returns the origin id of credits that have rolled over `times` times into the window of an allowance.
    pub fn of_rollover(number: u32, period: u32, window: u32, times: u32) -> Self {
        Self(format!("{number}.{period}.{window}.{times}").into())
    }
}

impl From<RequestId> for OriginId {
    /// Converts the id of a request into the origin id of the corrections issued for it.
    fn from(id: RequestId) -> Self {
        Self(id.0)
    }
}

impl From<ReservationId> for OriginId {
    /// Converts the id of a hold into the origin id of the GRACE grants issued for it.
    fn from(id: ReservationId) -> Self {
        Self(id.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_to_128_bytes_of_the_alphabet() {
        assert!(WalletId::parse("user:42@example.org/team|a+b=c~d").is_ok());
        assert_eq!(WalletId::parse(""), Err(InvalidId::Empty));
        assert_eq!(WalletId::parse(&"x".repeat(129)), Err(InvalidId::TooLong(129)));
        assert_eq!(OriginId::parse("a b"), Err(InvalidId::BadCharacter(' ')));
        assert_eq!(OriginId::parse("a#1"), Err(InvalidId::BadCharacter('#')));
        assert_eq!(OriginId::parse("é"), Err(InvalidId::BadCharacter('é')));
    }

    #[test]
    fn the_id_of_a_wallet_is_of_printable_ascii_characters_without_spaces() {
        let all: String = ('!'..='~').collect();
        assert_eq!(WalletId::parse(&all).unwrap().as_str(), all);
        let json = serde_json::to_string(&WalletId::parse(&all).unwrap()).unwrap();
        assert_eq!(serde_json::from_str::<WalletId>(&json).unwrap().as_str(), all);
        for bad in [' ', '\n', '\0', '\u{7f}', 'é', '’'] {
            assert_eq!(WalletId::parse(&format!("a{bad}")), Err(InvalidId::NotPrintable(bad)));
        }
    }
}
