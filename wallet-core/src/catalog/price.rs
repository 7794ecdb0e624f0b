//! Prices: amounts with the lines that explain them. Data only; pinned with a reservation.

use serde::{Deserialize, Serialize};

use super::policies::Policies;
use crate::value::amount::Amounts;
use crate::value::decimal::Decimal;
use crate::value::ids::UnitId;

/// The price of one operation under one rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Price {
    pub rule_id: String,
    /// The amounts to reserve, in minor units.
    pub amounts: Amounts,
    /// The most that Settle may charge, in minor units. Never below `amounts`; equal to them unless the rule is
    /// output-priced.
    pub max_amounts: Amounts,
    /// True if Settle may charge any amount in the units that `max_amounts` does not name.
    pub max_unbounded: bool,
    /// The calculation: the lines of a unit add up to its amount exactly.
    pub lines: Vec<PriceLine>,
    /// The terms of a hold with this price.
    pub policies: Policies,
}

/// One line of a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceLine {
    /// The charged item; `minimum`, `maximum` or `rounding` for lines that adjust the sum.
    pub label: String,
    /// The number of charged blocks; 1 for items that are charged once.
    pub quantity: Decimal,
    /// The unit of `amount`.
    pub unit: UnitId,
    /// The exact amount in whole units, all factors included. Negative if the line lowers the sum.
    pub amount: Decimal,
}
