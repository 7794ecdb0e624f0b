//! The source of credits. It decides when they are spent.

use serde::{Deserialize, Serialize};

/// The source of a grant, in the default order of spending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Source {
    /// Credits that were returned after their grant had expired. They live for a short time.
    Grace,
    /// Allowances of a plan.
    Subscription,
    /// Credits given once, free of charge.
    Free,
    /// Corrections by the platform.
    Adjustment,
    Purchased,
    /// Credits of a promotion.
    Promotional,
    /// Rewards for referrals.
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

    /// Returns the stable name, for example `SUBSCRIPTION`.
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
