//! Golden cases: examples in the document with their expected price or refusal.

use crate::value::amount::Amounts;
use crate::value::operation::Operation;

/// An operation with its expected result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Golden {
    /// The name of the case, shown if it fails.
    pub name: String,
    pub operation: Operation,
    /// The tier to price the operation for.
    pub tier: Option<String>,
    /// The plan whose tier prices the operation and whose entitlements must allow it.
    pub plan: Option<String>,
    pub expectation: Expectation,
}

/// The expected result of a golden case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expectation {
    /// A price of exactly these amounts.
    Price {
        /// The amounts to reserve, in minor units.
        amounts: Amounts,
        /// The most that Settle may charge, in minor units. Not checked if `None`.
        max_amounts: Option<Amounts>,
    },
    /// A refusal with this reason, for example `NO_PRICE_RULE`, or, on a plan, `NOT_ENTITLED`.
    Error(String),
}
