//! Postings: movements of credits from one part of an account to another.
//!
//! A posting names the part that shrinks and the part that grows, so a set of postings sums to zero by construction.
//! The part `Issued` is the outside of the wallet.

use serde::{Deserialize, Serialize};

use crate::value::amount::Amounts;
use crate::value::grant_key::GrantKey;
use crate::value::ids::UnitId;

/// A part of a grant, or of the wallet's debt in one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Part {
    /// Outside the wallet.
    Issued = 1,
    /// Not effective yet.
    Pending = 2,
    /// Can be reserved.
    Available = 3,
    /// Set aside for a reservation.
    Held = 4,
    /// Charged.
    Consumed = 5,
    /// Expired.
    Expired = 6,
    /// Clawed back.
    Revoked = 7,
    /// Refunded in money.
    PaidOut = 8,
    /// The part of the debt that is owed.
    Owed = 9,
}

/// The account within which a posting moves credits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Account {
    /// One grant.
    #[serde(rename = "grant")]
    Grant(GrantKey),
    /// The debt of the wallet in the unit of the posting.
    #[serde(rename = "debt")]
    Debt,
}

/// Returns the sums that postings moved to a part, per unit.
pub fn moved_to(postings: &[Posting], part: Part) -> Amounts {
    let there = postings.iter().filter(|posting| posting.to == part);
    there.map(|posting| (posting.unit.clone(), posting.amount)).collect()
}

/// `amount` (above 0, minor units) of `unit` moved within `account`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// The unit moved.
    #[serde(rename = "u")]
    pub unit: UnitId,
    /// The grant or debt it moves within.
    #[serde(rename = "a")]
    pub account: Account,
    /// The part that shrinks.
    #[serde(rename = "f")]
    pub from: Part,
    /// The part that grows.
    #[serde(rename = "t")]
    pub to: Part,
    /// The amount, above 0, in minor units.
    #[serde(rename = "n")]
    pub amount: i64,
}
