//! Where credits came from, which decides when they are spent.

use serde::{Deserialize, Serialize};

/// The source of a grant, in the default order of spending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Source {
    /// Credits given back after their own grant had expired; short-lived.
    Grace,
    /// Included with a plan's period.
    Subscription,
    /// Given once, for nothing.
    Free,
    /// A correction by the platform.
    Adjustment,
    /// Bought.
    Purchased,
    /// From a promotion.
    Promotional,
    /// Earned by referring others.
    Referral,
}

impl Source {
    /// All sources, in the default order of spending.
    pub const ALL: [Source; 7] = [
        Source::Grace,
        Source::Subscription,
        Source::Free,
        Source::Adjustment,
        Source::Purchased,
        Source::Promotional,
        Source::Referral,
    ];

    /// The stable name: `SUBSCRIPTION`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Source::Grace => "GRACE",
            Source::Subscription => "SUBSCRIPTION",
            Source::Free => "FREE",
            Source::Adjustment => "ADJUSTMENT",
            Source::Purchased => "PURCHASED",
            Source::Promotional => "PROMOTIONAL",
            Source::Referral => "REFERRAL",
        }
    }
}
