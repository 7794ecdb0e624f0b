//! The subject of a payment: a purchase, or a period of a subscription.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use crate::value::ids::{InvalidId, OriginId, Parsed};
use crate::value::time::Timestamp;

/// The identity of a period within its wallet. Periods of two subscriptions may start at the same instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct PeriodId {
    /// The number of the sale with which the subscription began. Changes of plan keep it.
    pub subscription: u32,
    /// The start of the period.
    pub start: Timestamp,
}

/// The subject of a payment, which is the key of a recorded refund.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub enum PaymentSubject {
    /// A purchase, by its `top_up_id`.
    Purchase(OriginId),
    /// A period of a subscription.
    Period(PeriodId),
}

/// The reason why a string is not the text of a [`PaymentSubject`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidPaymentSubject {
    #[error("must begin with top_up: or period:")]
    Kind,
    #[error("must have the number of a subscription and the microseconds of the start of a period")]
    Period,
    #[error("{0}")]
    Id(#[from] InvalidId),
}

impl PeriodId {
    /// Parses the output of [`fmt::Display`].
    pub fn parse(text: &str) -> Result<Self, InvalidPaymentSubject> {
        let parsed = text.split_once(':').and_then(|(subscription, micros)| {
            let start = Timestamp::from_micros(micros.parse().ok()?);
            Some(Self { subscription: subscription.parse().ok()?, start })
        });
        parsed.filter(|period| period.to_string() == text).ok_or(InvalidPaymentSubject::Period)
    }
}

impl fmt::Display for PeriodId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.subscription, self.start.as_micros())
    }
}

impl<'de> Deserialize<'de> for PeriodId {
    fn deserialize<D: Deserializer<'de>>(text: D) -> Result<Self, D::Error> {
        text.deserialize_str(Parsed(Self::parse))
    }
}

impl From<PeriodId> for String {
    fn from(period: PeriodId) -> Self {
        period.to_string()
    }
}

impl PaymentSubject {
    /// Returns the period, if the payment is for one.
    pub fn period(&self) -> Option<PeriodId> {
        match self {
            Self::Purchase(_) => None,
            Self::Period(period) => Some(*period),
        }
    }

    /// Parses the output of [`fmt::Display`].
    pub fn parse(text: &str) -> Result<Self, InvalidPaymentSubject> {
        match text.split_once(':') {
            Some(("top_up", id)) => Ok(Self::Purchase(OriginId::parse(id)?)),
            Some(("period", period)) => Ok(Self::Period(PeriodId::parse(period)?)),
            _ => Err(InvalidPaymentSubject::Kind),
        }
    }
}

impl fmt::Display for PaymentSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Purchase(id) => write!(f, "top_up:{id}"),
            Self::Period(period) => write!(f, "period:{period}"),
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
        for text in ["top_up:t-1", "period:3:1780000000000000"] {
            assert_eq!(PaymentSubject::parse(text).unwrap().to_string(), text);
        }
        for text in
            ["t-1", "period:", "period:1780000000000000", "period:x:1", "period:+3:1", "top_up:", "grant:a"]
        {
            assert!(PaymentSubject::parse(text).is_err(), "{text}");
        }
    }
}
