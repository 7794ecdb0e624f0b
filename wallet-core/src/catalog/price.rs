//! What a job costs, told so that people can check it. Data only; pinned with a reservation.

use serde::{Deserialize, Serialize};

use super::policies::Policies;
use crate::value::amount::Amounts;
use crate::value::decimal::Decimal;
use crate::value::ids::UnitId;

/// The price of one operation under one rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// The rule that gave it.
    pub rule_id: String,
    /// What is reserved.
    pub amounts: Amounts,
    /// The most that can be charged, never below `amounts`; equal to it unless the rule is output-priced.
    pub max_amounts: Amounts,
    /// How the amounts come about: the lines of a unit add up to its amount exactly.
    pub lines: Vec<PriceLine>,
    /// What was agreed about the hold.
    pub policies: Policies,
}

/// One line of a price.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PriceLine {
    /// What is charged for; `minimum`, `maximum` and `rounding` for the lines that adjust the sum.
    pub label: String,
    /// How much of it, in the blocks that are charged; 1 for what is charged once.
    pub quantity: Decimal,
    /// The unit of `amount`.
    pub unit: UnitId,
    /// The exact amount in whole units, all factors included; below zero where a line lowers the sum.
    pub amount: Decimal,
}
