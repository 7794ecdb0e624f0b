//! Grants: lots of one unit, each with its source, its priority and its life.
//!
//! Owns the parts a grant is divided into and the one function that moves credits between them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use crate::ids::{InvalidId, OriginId, Parsed, UnitId};
use crate::posting::Part;
use crate::source::Source;
use crate::time::Timestamp;

/// What made a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Origin {
    /// A purchase; the id is the `top_up_id`.
    TopUp = 1,
    /// The platform; the id is the `grant_id` it chose.
    Grant = 2,
    /// A hold that returned after its grant had expired; the id is the reservation's.
    Grace = 3,
    /// A plan's allowance; the id tells what was sold, the period, and the how-manieth time in it.
    Period = 4,
}

impl Origin {
    /// All origins.
    pub const ALL: [Origin; 4] = [Origin::TopUp, Origin::Grant, Origin::Grace, Origin::Period];

    /// The word in front of a grant's public id.
    pub const fn as_str(self) -> &'static str {
        match self {
            Origin::TopUp => "top_up",
            Origin::Grant => "grant",
            Origin::Grace => "grace",
            Origin::Period => "period",
        }
    }

    /// The origin whose word stands in front of a text, and what follows.
    pub fn named(text: &str) -> Option<(Self, &str)> {
        let (word, id) = text.split_once(':')?;
        Self::ALL.into_iter().find(|origin| origin.as_str() == word).map(|origin| (origin, id))
    }
}

/// The identity of a grant within its wallet: what made it, under which id, and the how-manieth of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct GrantKey {
    /// What made it.
    pub origin: Origin,
    /// The id of what made it.
    pub id: OriginId,
    /// 0, 1, 2... among the grants of one origin and id.
    pub n: u16,
}

impl GrantKey {
    /// The `n`-th grant of an origin.
    pub fn new(origin: Origin, id: OriginId, n: u16) -> Self {
        Self { origin, id, n }
    }

    /// Reads the public form, and nothing else: `top_up:t-1`, `grace:job#2`.
    pub fn parse(text: &str) -> Result<Self, InvalidGrantId> {
        let (body, n) = text.rsplit_once('#').map_or((text, "0"), |(body, n)| (body, n));
        let (origin, id) = Origin::named(body).ok_or(InvalidGrantId::NoOrigin)?;
        let n = n.parse().map_err(|_| InvalidGrantId::Number)?;
        let key = Self::new(origin, OriginId::parse(id)?, n);
        // "#0", "#02" and "#+2" are no other names of a grant.
        if key.to_string() == text { Ok(key) } else { Err(InvalidGrantId::Number) }
    }
}

/// Why a string is not the public id of a grant. The text is written to stand behind a field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidGrantId {
    /// No origin stands in front of it.
    #[error(
        "must be a grant_id as ListGrants shows it, which begins with top_up:, grant:, grace: or period:"
    )]
    NoOrigin,
    /// No number of a grant follows the #.
    #[error("must be a grant_id as ListGrants shows it: only # and a number may follow the id, from #1 on")]
    Number,
    /// What stands behind the origin is no id.
    #[error("{0}")]
    Id(#[from] InvalidId),
}

impl fmt::Display for GrantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.origin.as_str(), self.id)?;
        if self.n > 0 { write!(f, "#{}", self.n) } else { Ok(()) }
    }
}

impl fmt::Debug for GrantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for GrantKey {
    fn deserialize<D: Deserializer<'de>>(text: D) -> Result<Self, D::Error> {
        text.deserialize_str(Parsed(Self::parse))
    }
}

impl From<GrantKey> for String {
    fn from(key: GrantKey) -> String {
        key.to_string()
    }
}

/// A payment, as the payment provider calls it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalRef {
    /// The payment provider.
    pub provider: OriginId,
    /// Its id of the payment.
    pub id: OriginId,
}

impl fmt::Display for ExternalRef {
    /// `provider#id`: unambiguous, since `#` is in no id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.provider, self.id)
    }
}

/// Money in a currency's minor units; kept, never moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// ISO 4217.
    pub currency: String,
    /// Cents.
    pub minor_units: i64,
}

/// What of a grant never changes and no decision but a refund looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GrantDetails {
    /// Why, in the platform's words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The pack it was bought as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pack: Option<String>,
    /// The payment behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_ref: Option<ExternalRef>,
    /// What was paid for the whole purchase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid_amount: Option<Money>,
    /// When it was paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid_time: Option<Timestamp>,
    /// For grace credits: the grant that first issued them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stems_from: Option<GrantKey>,
    /// For grace credits: the instant beyond which they never live, grace of grace included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_bound: Option<Timestamp>,
    /// Whether it ends with the subscription, if that ends before its own expiry.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub with_subscription: bool,
    /// What the command that made it said, for telling replays from mistakes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub fingerprint: String,
}

/// Why the platform has taken a grant back: what is still held of it goes when it returns. The last one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum TakenBack {
    /// By its own decision.
    Revoked = 1,
    /// The purchase was refunded in money.
    Refunded = 2,
    /// The payment was charged back: whatever is charged to it is owed.
    ChargedBack = 3,
}

impl TakenBack {
    /// All reasons.
    pub const ALL: [TakenBack; 3] = [TakenBack::Revoked, TakenBack::Refunded, TakenBack::ChargedBack];
}

/// The parts a grant's amount is divided into, in minor units; none is ever negative.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts {
    /// Granted, not yet effective.
    pub pending: i64,
    /// Can be reserved.
    pub available: i64,
    /// Set aside for reservations.
    pub held: i64,
    /// Charged.
    pub consumed: i64,
    /// Lapsed.
    pub expired: i64,
    /// Taken back.
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

    /// Moves `amount` between two parts; `Issued` is the outside. `None` if a part would leave 0..=i64::MAX,
    /// or is not a grant's.
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

    /// The sum of all parts, which is the grant's amount; `None` on overflow.
    pub fn total(&self) -> Option<i64> {
        [self.available, self.held, self.consumed, self.expired, self.revoked, self.paid_out]
            .into_iter()
            .try_fold(self.pending, i64::checked_add)
    }
}

/// A lot of one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its identity in the wallet.
    pub key: GrantKey,
    /// The unit.
    pub unit: UnitId,
    /// Where it came from.
    pub source: Source,
    /// Lower is spent first among grants of equal source.
    pub priority: i32,
    /// From when it can be spent.
    pub effective_time: Timestamp,
    /// When what is left lapses, [`Timestamp::NEVER`] if it does not.
    pub expire_time: Timestamp,
    /// When people are told that it will lapse, [`Timestamp::NEVER`] if they were or will not be.
    pub warn_time: Timestamp,
    /// When it was recorded.
    pub create_time: Timestamp,
    /// What it was for. Never changes.
    pub amount: i64,
    /// Where its credits are now.
    pub parts: Parts,
    /// Whether and why the platform has taken it back.
    pub taken_back: Option<TakenBack>,
    /// What does not change.
    pub details: GrantDetails,
}

impl Grant {
    /// Whether any of it may still move by itself or be spent.
    pub fn is_open(&self) -> bool {
        self.parts.pending > 0 || self.parts.available > 0 || self.parts.held > 0
    }

    /// The purchase it belongs to: its own, or, for grace credits, that of the grant they stem from.
    pub fn purchase(&self) -> Option<&OriginId> {
        let first = self.details.stems_from.as_ref().unwrap_or(&self.key);
        (first.origin == Origin::TopUp).then_some(&first.id)
    }

    /// Whether its life is over at `now`. The end is exclusive.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expire_time <= now
    }

    /// When what is left of it lapses, if anything is.
    pub(crate) fn expiry(&self) -> Option<Timestamp> {
        (self.parts.available > 0 || self.parts.pending > 0).then_some(self.expire_time)
    }

    /// When what is pending can be spent, if anything is pending.
    pub(crate) fn effect(&self) -> Option<Timestamp> {
        (self.parts.pending > 0).then_some(self.effective_time)
    }

    /// When people are told that it will lapse, if they will be.
    pub(crate) fn warning(&self) -> Option<Timestamp> {
        (self.warn_time < Timestamp::NEVER).then_some(self.warn_time)
    }

    /// When it changes by itself next, as far as is known at `now`; never once its calendar is done, so that no sweep
    /// finds it again. What is due and not carried out yet stays.
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
    fn a_grant_id_reads_back_as_it_was_shown() {
        for text in ["top_up:t-1", "grant:welcome", "grace:job:7#3"] {
            assert_eq!(GrantKey::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(GrantKey::parse("grant:stripe:cs_1").unwrap().id.as_str(), "stripe:cs_1");
        for text in ["welcome", "stripe:cs_1", "", "TOP_UP:t"] {
            assert_eq!(GrantKey::parse(text), Err(InvalidGrantId::NoOrigin), "{text}");
        }
        for text in ["grant:a#b", "grant:a#0", "grant:a#01", "grant:a#+1", "grant:a#", "grant:a#65536"] {
            assert_eq!(GrantKey::parse(text), Err(InvalidGrantId::Number), "{text}");
        }
        assert_eq!(GrantKey::parse("top_up:"), Err(InvalidGrantId::Id(InvalidId::Empty)));
        assert!(GrantKey::parse("grant:a#1#2").is_err());
    }

    #[test]
    fn parts_never_go_below_zero_and_keep_their_sum() {
        let parts = Parts { available: 10, ..Parts::default() };
        let parts = parts.moved(Part::Available, Part::Held, 10).unwrap();
        assert_eq!(parts.total(), Some(10));
        assert_eq!(parts.moved(Part::Available, Part::Held, 1), None);
        assert_eq!(parts.moved(Part::Owed, Part::Held, 1), None);
    }
}
