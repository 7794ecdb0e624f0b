//! The identity of a grant within its wallet, and its public form.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::value::ids::{InvalidId, OriginId, Parsed};

/// The kind of command or event that issued a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Origin {
    /// A purchase; the id is the `top_up_id`.
    TopUp = 1,
    /// The platform; the id is the `grant_id` that it chose.
    Grant = 2,
    /// Credits of a job that came back after their grant had expired; the id is that of the reservation.
    Grace = 3,
    /// Unused credits of a plan that continue in the next window; the id is that of the window's allowance, with the
    /// number of times that they have rolled over.
    Rollover = 4,
    /// Credits that come back because a chargeback or a refund was withdrawn after its debt had been repaid or the
    /// grant had expired; the id is that of the request.
    Correction = 6,
    /// An allowance of a plan; the id names the subscription, the period and the number of the allowance within it.
    Period = 5,
}

impl Origin {
    pub const ALL: [Origin; 6] =
        [Origin::TopUp, Origin::Grant, Origin::Grace, Origin::Rollover, Origin::Period, Origin::Correction];

    /// Returns the prefix of a grant's public id, without the colon.
    pub const fn as_str(self) -> &'static str {
        match self {
            Origin::TopUp => "top_up",
            Origin::Grant => "grant",
            Origin::Grace => "grace",
            Origin::Rollover => "rollover",
            Origin::Period => "period",
            Origin::Correction => "correction",
        }
    }

    /// Returns the origin whose prefix a text begins with, and the text after the prefix.
    pub fn named(text: &str) -> Option<(Self, &str)> {
        let (word, id) = text.split_once(':')?;
        Self::ALL.into_iter().find(|origin| origin.as_str() == word).map(|origin| (origin, id))
    }
}

/// The identity of a grant within its wallet: its origin, the id of the origin, and a number.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantKey {
    /// The kind of its origin.
    pub origin: Origin,
    /// The id of its origin.
    pub id: OriginId,
    /// 0, 1, 2... among the grants of one origin and id.
    pub n: u16,
}

impl GrantKey {
    /// Returns the key of the `n`-th grant of an origin, counted from 0.
    pub fn new(origin: Origin, id: OriginId, n: u16) -> Self {
        Self { origin, id, n }
    }

    /// Returns the public form in one allocation: a key is written several times per command.
    fn text(&self) -> String {
        let (origin, id) = (self.origin.as_str(), self.id.as_str());
        let number = if self.n > 0 { format!("#{}", self.n) } else { String::new() };
        [origin, ":", id, &number].concat()
    }

    /// Returns the number of the sale whose plan issued the grant, if one did.
    pub fn sale(&self) -> Option<u32> {
        let of_plan = matches!(self.origin, Origin::Period | Origin::Rollover);
        self.id.as_str().split('.').next().filter(|_| of_plan)?.parse().ok()
    }

    /// Parses the public form exactly as it is displayed: `top_up:t-1`, `grace:job#2`.
    pub fn parse(text: &str) -> Result<Self, InvalidGrantId> {
        let (body, n) = text.rsplit_once('#').map_or((text, "0"), |(body, n)| (body, n));
        let (origin, id) = Origin::named(body).ok_or(InvalidGrantId::NoOrigin)?;
        let n = n.parse().map_err(|_| InvalidGrantId::Number)?;
        let key = Self::new(origin, OriginId::parse(id)?, n);
        // "#0", "#02" and "#+2" are not other names of a grant.
        if key.to_string() == text { Ok(key) } else { Err(InvalidGrantId::Number) }
    }
}

/// The reason why a string is not the public id of a grant. The text follows the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidGrantId {
    /// The id begins with no origin.
    #[error(
        "must be a grant_id as ListGrants shows it, which begins with top_up:, grant:, grace:, rollover:, \
         period: or correction:"
    )]
    NoOrigin,
    /// No number of a grant follows the #.
    #[error("must be a grant_id as ListGrants shows it: only # and a number may follow the id, from #1 on")]
    Number,
    /// The text after the origin is not an id.
    #[error("{0}")]
    Id(#[from] InvalidId),
}

impl fmt::Display for GrantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl fmt::Debug for GrantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for GrantKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for GrantKey {
    fn deserialize<D: Deserializer<'de>>(text: D) -> Result<Self, D::Error> {
        text.deserialize_str(Parsed(Self::parse))
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
}
