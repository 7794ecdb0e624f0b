//! Postings: credits moving from one part of an account to another.
//!
//! A posting names where credits come from and where they go, so a set of postings sums to zero by
//! construction. What is not in the wallet is `Issued`: the outside.

use serde::{Deserialize, Serialize};

use crate::amount::Amounts;
use crate::grant::GrantKey;
use crate::ids::UnitId;

/// A part of a grant, or of the wallet's debt in one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Part {
    /// Outside the wallet.
    Issued = 1,
    /// Granted, not yet effective.
    Pending = 2,
    /// Can be reserved.
    Available = 3,
    /// Set aside for a reservation.
    Held = 4,
    /// Charged.
    Consumed = 5,
    /// Lapsed.
    Expired = 6,
    /// Taken back by the platform.
    Revoked = 7,
    /// Refunded in money.
    PaidOut = 8,
    /// Of the debt: what is owed.
    Owed = 9,
}

/// What a posting moves credits within.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Account {
    /// One grant.
    #[serde(rename = "grant")]
    Grant(GrantKey),
    /// What the wallet owes in the posting's unit.
    #[serde(rename = "debt")]
    Debt,
}

/// The sums of what was moved to a part, per unit.
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
    /// How much, in minor units.
    #[serde(rename = "n")]
    pub amount: i64,
}
