//! Identifiers chosen by callers. Each is parsed once and is a type from then on.
//!
//! All of them have one alphabet. It covers database keys, URLs, e-mail addresses and the ids of payment providers,
//! and has no character that needs escaping in a log line.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
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
}

fn check(text: &str) -> Result<(), InvalidId> {
    if text.is_empty() {
        return Err(InvalidId::Empty);
    }
    if text.len() > MAX_ID_BYTES {
        return Err(InvalidId::TooLong(text.len()));
    }
    let allowed = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '@' | '/' | '|' | '+' | '=' | '~')
    };
    match text.chars().find(|c| !allowed(*c)) {
        Some(c) => Err(InvalidId::BadCharacter(c)),
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
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses an id: 1 to 128 bytes, each an ASCII letter, a digit or one of `- _ . : @ / | + = ~`.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                check(text)?;
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
    /// The platform's id of a customer's wallet.
    WalletId
);
id!(
    /// The caller's id of a job. It is the idempotency key of Reserve and of every later command for the hold.
    ReservationId
);
id!(
    /// The id of a unit: `credits`, `trainings`.
    UnitId
);
id!(
    /// The member of an organisation who caused a command.
    Actor
);
id!(
    /// The id of the command or event that issued a grant. Unique in a wallet for each kind of origin.
    OriginId
);
id!(
    /// The idempotency key of a command that creates no row. Unique in a wallet.
    RequestId
);
id!(
    /// The id of a worker that runs a job.
    WorkerId
);
id!(
    /// The holder of the rights with which a command was given.
    Principal
);
id!(
    /// The request id of a call, as its caller sent it.
    CallId
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
        assert_eq!(WalletId::parse("a b"), Err(InvalidId::BadCharacter(' ')));
        assert_eq!(WalletId::parse("a#1"), Err(InvalidId::BadCharacter('#')));
        assert_eq!(WalletId::parse("é"), Err(InvalidId::BadCharacter('é')));
    }
}
