//! The refund of a share of a purchase.

use serde::{Deserialize, Serialize};

use crate::wallet::grant::Money;
use crate::wallet::subscription::Fraction;

/// The refund of a share of a purchase, as it was computed: entries contain no money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseRefund {
    /// The unused share of the price, rounded down; none if the price is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<Money>,
    /// The unused share of the purchase's credits, of the unit with the lowest share.
    pub unused_credits: Fraction,
}
