//! Golden cases: examples within the document that it must price, or refuse, as it says.

use crate::value::amount::Amounts;
use crate::value::operation::Operation;

/// An operation and what it must cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Golden {
    /// What the case shows.
    pub name: String,
    /// The operation.
    pub operation: Operation,
    /// The tier of the plan it is priced for.
    pub tier: Option<String>,
    /// The plan it is asked for, whose tier prices it and whose entitlements must allow it.
    pub plan: Option<String>,
    /// What must come out.
    pub expectation: Expectation,
}

/// What a golden case expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expectation {
    /// A price of exactly these amounts.
    Price {
        /// What is reserved.
        amounts: Amounts,
        /// The most that can be charged, if the case says so.
        max_amounts: Option<Amounts>,
    },
    /// A refusal for this reason: `NO_PRICE_RULE`, or on a plan `NOT_ENTITLED`.
    Error(String),
}
