//! Postings: movements of credits from one part of an account to another.
//!
//! A posting names the part that credits leave and the part that they enter, so a set of postings sums to zero by
//! construction. `Issued` stands for the outside of the wallet.

use serde::{Deserialize, Serialize};

use crate::value::amount::Amounts;
use crate::value::grant_key::GrantKey;
use crate::value::ids::UnitId;

/// A part of a grant, or of the wallet's debt in one unit. The numbers are part of the entry hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Part {
    /// The outside of the wallet.
    Issued = 1,
    /// Granted and not yet effective.
    Pending = 2,
    /// Can be reserved.
    Available = 3,
    /// Set aside for a reservation.
    Held = 4,
    /// Charged to a job or to a debt.
    Consumed = 5,
    /// Expired without being charged.
    Expired = 6,
    /// Clawed back by the platform.
    Revoked = 7,
    /// Refunded in money.
    PaidOut = 8,
    /// The debt: credits that the wallet owes.
    Owed = 9,
}

/// The account within which a posting moves credits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Account {
    Grant(GrantKey),
    /// The wallet's debt in the unit of the posting.
    Debt,
}

/// Returns the sums of the amounts that postings move to `part`, per unit.
pub fn moved_to(postings: &[Posting], part: Part) -> Amounts {
    let there = postings.iter().filter(|posting| posting.to == part);
    there.map(|posting| (posting.unit.clone(), posting.amount)).collect()
}

/// Returns the sums of the amounts that postings move from `part`, per unit.
pub fn moved_from(postings: &[Posting], part: Part) -> Amounts {
    let there = postings.iter().filter(|posting| posting.from == part);
    there.map(|posting| (posting.unit.clone(), posting.amount)).collect()
}

/// A movement of credits within one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    pub unit: UnitId,
    /// The grant, or the debt, that the credits stay in.
    pub account: Account,
    /// The part that becomes smaller.
    pub from: Part,
    /// The part that becomes larger.
    pub to: Part,
    /// The amount in minor units, above 0.
    pub amount: i64,
}
