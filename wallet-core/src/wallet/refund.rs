//! Records of money that went back: the refund of a share of a purchase, and a chargeback.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::wallet::grant::{Clawback, GrantKey, Money};

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

/// The refund of a subscription, and how it was computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionRefund {
    /// The price in full, or the lower of the two shares of it, rounded down; plus the price of every period paid ahead.
    pub money: Money,
    /// True if the price of the present period is refunded in full.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_full: bool,
    /// The unused share of the period's credits, of the unit with the lowest share.
    pub unused_credits: Fraction,
    /// The unused share of the period's time.
    pub unused_time: Fraction,
    /// The number of periods that were paid and had not begun.
    pub periods_ahead: u32,
}

/// A share: `numerator` of `denominator`, neither below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fraction {
    pub numerator: i64,
    pub denominator: i64,
}

impl Fraction {
    pub const WHOLE: Fraction = Fraction { numerator: 1, denominator: 1 };

    /// Returns this share of an amount of money, rounded down.
    pub fn of_money(self, money: &Money) -> Money {
        let share =
            i128::from(money.minor_units) * i128::from(self.numerator) / i128::from(self.denominator.max(1));
        Money { minor_units: i64::try_from(share).unwrap_or(i64::MAX), ..money.clone() }
    }

    /// Returns the lower share, compared exactly; `self` if they are equal.
    #[must_use]
    pub fn min(self, other: Fraction) -> Fraction {
        let product = |a: i64, b: i64| i128::from(a) * i128::from(b);
        let is_lower =
            product(other.numerator, self.denominator) < product(self.numerator, other.denominator);
        if is_lower { other } else { self }
    }
}
