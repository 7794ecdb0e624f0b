//! Refund rules of packs and plans. Data only.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::value::term::Term;
use crate::value::time::Timestamp;

/// The rule by which the price of a pack or of a plan's period is refunded. Stored with the sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundRule {
    /// The time after the payment in which the whole price is refunded, in seconds; none if it never is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_seconds: Option<u64>,
    /// True if the whole price is refunded only while nothing is used.
    pub only_unused: bool,
    /// The refund of a price that is not refunded as a whole.
    pub partial: PartialRefund,
}

/// The refund of a price that is not refunded as a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PartialRefund {
    #[default]
    None,
    /// The unused share of the price, rounded down: of a pack by its credits, of a plan by the smaller of the unused
    /// shares of credits and time.
    Unused,
}

impl RefundRule {
    /// The rule of packs that name none, and of amounts that are in no pack.
    pub const PACK: RefundRule =
        RefundRule { window_seconds: Some(24 * 3600), only_unused: true, partial: PartialRefund::None };

    /// Returns the rule of plans of a term that name none: terms of a year or longer are refunded in part, others not
    /// at all.
    pub fn of_term(term: Term) -> Self {
        let is_long = !term.is_once() && term >= Term::YEAR;
        let partial = if is_long { PartialRefund::Unused } else { PartialRefund::None };
        Self { window_seconds: None, only_unused: true, partial }
    }

    /// Returns whether nothing is ever refunded.
    pub const fn is_none(&self) -> bool {
        self.window_seconds.is_none() && matches!(self.partial, PartialRefund::None)
    }

    /// Returns whether a refund requested at `requested` is in time for the whole price, paid at `paid`. The end of the
    /// window is exclusive.
    pub fn is_in_window(&self, paid: Timestamp, requested: Timestamp) -> bool {
        self.window_seconds.is_some_and(|window| requested < paid.plus(Duration::from_secs(window)))
    }
}
