//! Records of money that went back: the refund of a share of a purchase, and a chargeback.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::wallet::grant::{Clawback, GrantKey, Money};
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

/// A chargeback, as far as its withdrawal needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chargeback {
    /// True if the wallet is suspended for it and for no other reason than chargebacks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspends: bool,
    /// The clawbacks that grants of the purchase had before. Credits of the others return.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub before: BTreeMap<GrantKey, Clawback>,
}
