//! Grants: lots of one unit, each with its source, its priority and its lifetime.
//!
//! Owns the parts a grant is divided into and the one function that moves credits between them.

use std::collections::BTreeMap;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::catalog::RefundRule;
use crate::ledger::posting::Part;
use crate::value::ids::{OriginId, UnitId};
use crate::value::payment_subject::{PaymentSubject, PeriodId};
use crate::value::source::Source;
use crate::value::stored::is_default;
use crate::value::time::Timestamp;

pub use crate::value::grant_key::{GrantKey, InvalidGrantId, Origin};

/// The identity of a payment at its payment provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalRef {
    /// The payment provider.
    pub provider: OriginId,
    /// The provider's id of the payment.
    pub id: OriginId,
}

impl fmt::Display for ExternalRef {
    /// `provider#id`: unambiguous, since `#` is in no id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.provider, self.id)
    }
}

/// Money, in minor units of its currency. It is recorded, never moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// The ISO 4217 code of the currency.
    pub currency: String,
    /// The amount, for example in cents.
    pub minor_units: i64,
}

/// The properties of a grant that never change and that spending does not need.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GrantDetails {
    /// The reason that the platform gave.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The pack it was bought as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pack: Option<String>,
    /// The payment for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_ref: Option<ExternalRef>,
    /// The line of the payment, if it has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<OriginId>,
    /// The price of the whole purchase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid_amount: Option<Money>,
    /// The time of the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid_time: Option<Timestamp>,
    /// The grant that first issued grace credits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stems_from: Option<GrantKey>,
    /// The source of the grant that first issued grace credits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_source: Option<Source>,
    /// The latest expiry of grace credits and of the grace credits that stem from them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_bound: Option<Timestamp>,
    /// The period that was paid for these credits; none for those of another origin, and for those that have rolled over
    /// into another window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<PeriodId>,
    /// The number of times that these credits have rolled over, or 1 if their rule has no limit.
    #[serde(skip_serializing_if = "is_default")]
    pub rolled: u32,
    /// The caller's own labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The rule by which the purchase is refunded; that of packs if none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund: Option<RefundRule>,
    /// True if the grant expires with the subscription, if that ends earlier.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub with_subscription: bool,
    /// The fingerprint of the command that issued it, which distinguishes replays from mismatches.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub fingerprint: String,
}

/// The reason of a clawback: credits of the grant that are still held are revoked when they return. The highest wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[repr(u8)]
pub enum Clawback {
    /// The platform revoked the grant.
    Revoked = 1,
    /// The purchase was refunded in money.
    Refunded = 2,
    /// The payment was charged back: everything charged to the grant is owed.
    ChargedBack = 3,
}

impl Clawback {
    pub const ALL: [Clawback; 3] = [Clawback::Revoked, Clawback::Refunded, Clawback::ChargedBack];
}

/// The parts of a grant's amount, in minor units; none is ever negative.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts {
    /// Not effective yet.
    pub pending: i64,
    /// Can be reserved.
    pub available: i64,
    /// Held by reservations.
    pub held: i64,
    pub consumed: i64,
    pub expired: i64,
    pub revoked: i64,
    /// Refunded in money.
    pub paid_out: i64,
}

impl Parts {
    fn part(&mut self, part: Part) -> Option<&mut i64> {
        match part {
            Part::Pending => Some(&mut self.pending),
            Part::Available => Some(&mut self.available),
            Part::Held => Some(&mut self.held),
            Part::Consumed => Some(&mut self.consumed),
            Part::Expired => Some(&mut self.expired),
            Part::Revoked => Some(&mut self.revoked),
            Part::PaidOut => Some(&mut self.paid_out),
            Part::Issued | Part::Owed => None,
        }
    }

    /// Moves `amount` between two parts; `Issued` is the outside. Returns `None` if a part would leave 0..=i64::MAX,
    /// or is not one of a grant.
    #[must_use]
    pub fn moved(mut self, from: Part, to: Part, amount: i64) -> Option<Self> {
        if from != Part::Issued {
            let part = self.part(from)?;
            *part = part.checked_sub(amount).filter(|left| *left >= 0)?;
        }
        if to != Part::Issued {
            let part = self.part(to)?;
            *part = part.checked_add(amount)?;
        }
        Some(self)
    }

    /// Returns the sum of all parts, which is the grant's amount; `None` on overflow.
    pub fn total(&self) -> Option<i64> {
        [self.available, self.held, self.consumed, self.expired, self.revoked, self.paid_out]
            .into_iter()
            .try_fold(self.pending, i64::checked_add)
    }
}

/// A lot of one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The identity of the grant within its wallet.
    pub key: GrantKey,
    pub unit: UnitId,
    /// The source of its credits.
    pub source: Source,
    /// The lower number is spent first among grants of equal source.
    pub priority: i32,
    /// The instant from which it can be spent.
    pub effective_time: Timestamp,
    /// The instant at which the rest expires; [`Timestamp::NEVER`] for none.
    pub expire_time: Timestamp,
    /// The instant of the notification that it will expire; [`Timestamp::NEVER`] if that was given, or will not be.
    pub warn_time: Timestamp,
    /// The time of the entry that issued it.
    pub create_time: Timestamp,
    /// The amount it was issued for, in minor units. Never changes.
    pub amount: i64,
    /// The parts of the amount.
    pub parts: Parts,
    /// The reason of the clawback, if there was one.
    pub clawback: Option<Clawback>,
    /// The properties that never change.
    pub details: GrantDetails,
}

impl Grant {
    /// Returns whether any credits are pending, available or held.
    pub fn is_open(&self) -> bool {
        self.parts.pending > 0 || self.parts.available > 0 || self.parts.held > 0
    }

    /// Returns the purchase it belongs to: its own, or, for grace credits, that of the grant they stem from.
    pub fn purchase(&self) -> Option<&OriginId> {
        let first = self.details.stems_from.as_ref().unwrap_or(&self.key);
        (first.origin == Origin::TopUp).then_some(&first.id)
    }

    /// Returns the subject of the payment that bought it, or that bought the grant that grace credits stem from.
    pub fn paid_with(&self) -> Option<PaymentSubject> {
        let purchase = self.purchase().cloned().map(PaymentSubject::Purchase);
        purchase.or_else(|| self.details.period.map(PaymentSubject::Period))
    }

    /// Returns the number of the sale whose plan issued it, or the grant that its credits stem from.
    pub(crate) fn first_sale(&self) -> Option<u32> {
        self.details.stems_from.as_ref().unwrap_or(&self.key).sale()
    }

    /// Returns whether the credits are those of a paid plan: an allowance, or its rollover.
    pub fn is_of_plan(&self) -> bool {
        self.is_allowance() && self.source == Source::Subscription
    }

    /// Returns whether the credits are an allowance of a plan, paid or free, or its rollover.
    pub fn is_allowance(&self) -> bool {
        matches!(self.key.origin, Origin::Period | Origin::Rollover)
    }

    /// Returns whether the grant has expired at `now`. The expiry itself is the first instant at which it has.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expire_time <= now
    }

    /// Returns the instant at which the rest expires, if there is a rest.
    pub(crate) fn expiry(&self) -> Option<Timestamp> {
        (self.parts.available > 0 || self.parts.pending > 0).then_some(self.expire_time)
    }

    /// Returns the instant at which the pending part becomes available, if anything is pending.
    pub(crate) fn effect(&self) -> Option<Timestamp> {
        (self.parts.pending > 0).then_some(self.effective_time)
    }

    /// Returns the instant of the notification that it will expire, if there will be one.
    pub(crate) fn warning(&self) -> Option<Timestamp> {
        (self.warn_time < Timestamp::NEVER).then_some(self.warn_time)
    }

    /// Returns the instant of its next due event, due events that have not been processed at `now` included. After the
    /// last one, returns [`Timestamp::NEVER`], so that no sweep finds the grant again.
    pub fn next_time(&self, now: Timestamp) -> Timestamp {
        let next = match self.effect() {
            Some(effective) => effective,
            None => self.warn_time.min(self.expire_time),
        };
        let due = [self.expiry(), self.effect(), self.warning()];
        let is_due = due.into_iter().flatten().any(|at| at <= now);
        if next > now || is_due { next } else { Timestamp::NEVER }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_never_go_below_zero_and_keep_their_sum() {
        let parts = Parts { available: 10, ..Parts::default() };
        let parts = parts.moved(Part::Available, Part::Held, 10).unwrap();
        assert_eq!(parts.total(), Some(10));
        assert_eq!(parts.moved(Part::Available, Part::Held, 1), None);
        assert_eq!(parts.moved(Part::Owed, Part::Held, 1), None);
    }
}
