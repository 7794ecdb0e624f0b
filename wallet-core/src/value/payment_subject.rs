//! The subject of a payment: a purchase, or a period of a subscription.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use crate::value::ids::{InvalidId, OriginId, Parsed};
use crate::value::time::Timestamp;

/// The subject of a payment, which is the key of a recorded refund.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub enum PaymentSubject {
    /// A purchase, by its `top_up_id`.
    Purchase(OriginId),
    /// A period of a subscription, by its start.
    Period(Timestamp),
}

/// The reason why a string is not the text of a [`PaymentSubject`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidPaymentSubject {
    #[error("must begin with top_up: or period:")]
    Kind,
    #[error("must have the microseconds of the start of a period")]
    Period,
    #[error("{0}")]
    Id(#[from] InvalidId),
}

impl PaymentSubject {
    /// Parses the output of [`fmt::Display`].
    pub fn parse(text: &str) -> Result<Self, InvalidPaymentSubject> {
        match text.split_once(':') {
            Some(("top_up", id)) => Ok(Self::Purchase(OriginId::parse(id)?)),
            Some(("period", micros)) => {
                let micros = micros.parse().map_err(|_| InvalidPaymentSubject::Period)?;
                Ok(Self::Period(Timestamp::from_micros(micros)))
            }
            _ => Err(InvalidPaymentSubject::Kind),
        }
    }
}

impl fmt::Display for PaymentSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Purchase(id) => write!(f, "top_up:{id}"),
            Self::Period(start) => write!(f, "period:{}", start.as_micros()),
        }
    }
}

impl<'de> Deserialize<'de> for PaymentSubject {
    fn deserialize<D: Deserializer<'de>>(text: D) -> Result<Self, D::Error> {
        text.deserialize_str(Parsed(Self::parse))
    }
}

impl From<PaymentSubject> for String {
    fn from(subject: PaymentSubject) -> Self {
        subject.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_reads_back_from_its_text() {
        for text in ["top_up:t-1", "period:1780000000000000"] {
            assert_eq!(PaymentSubject::parse(text).unwrap().to_string(), text);
        }
        for text in ["t-1", "period:", "period:x", "top_up:", "grant:a"] {
            assert!(PaymentSubject::parse(text).is_err(), "{text}");
        }
    }
}
