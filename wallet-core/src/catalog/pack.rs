//! Packs: credits for sale. Data only.

use serde::{Deserialize, Serialize};

use super::plan::ListPrice;
use super::refund::RefundRule;
use crate::value::amount::Amounts;

/// The most packs of one purchase.
pub const MAX_PACKS: u32 = 1_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pack {
    pub id: String,
    /// The display name.
    pub name: String,
    /// The contents in minor units; every amount is above zero.
    pub amounts: Amounts,
    /// The expiry of the bought credits.
    pub expiry: PackExpiry,
    pub list_price: Option<ListPrice>,
    /// The plans whose subscribers may buy the pack; `None` for all wallets.
    pub plans: Option<Vec<String>>,
    /// The rule by which its price is refunded; that of all packs if none.
    pub refund: Option<RefundRule>,
}

/// The expiry of bought credits: the earlier of the conditions that are set, never if none is. Stored with the
/// grant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackExpiry {
    /// Expires this long after the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Span>,
    /// Expires when the subscription ends.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub with_subscription: bool,
}

/// A length of time on the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Span {
    /// Days of 24 hours.
    Days(u32),
    /// A number of calendar months.
    Months(u32),
}

impl PackExpiry {
    /// Credits that never expire.
    pub const NEVER: PackExpiry = PackExpiry { after: None, with_subscription: false };
}
