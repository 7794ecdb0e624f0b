//! Packs: credits for sale. Data only.

use serde::{Deserialize, Serialize};

use super::plan::ListPrice;
use crate::value::amount::Amounts;

/// Credits for sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pack {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it contains; every amount is above zero.
    pub amounts: Amounts,
    /// When what was bought is lost.
    pub expiry: PackExpiry,
    /// What it costs.
    pub list_price: Option<ListPrice>,
    /// The plans whose subscribers may buy it; `None` for everybody.
    pub plans: Option<Vec<String>>,
}

/// When bought credits expire: the earlier of what is set, never if nothing is. Kept on the grant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackExpiry {
    /// So long after the purchase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Span>,
    /// When the subscription ends.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub with_subscription: bool,
}

/// A stretch of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Span {
    /// Days of 24 hours.
    Days(u32),
    /// Calendar months.
    Months(u32),
}

impl PackExpiry {
    /// Bought credits are kept for good.
    pub const NEVER: PackExpiry = PackExpiry { after: None, with_subscription: false };
}
