//! The catalog: one versioned, immutable document of units, plans, packs, price rules and policies.
//!
//! A catalog is written in TOML and published whole or not at all. `text` reads it and `check` checks it; both
//! collect every problem that they find. [`Catalog::price`] evaluates the rules exactly. `docs/catalog.md`
//! describes the format.

mod check;
mod component;
mod conditions;
mod document;
mod entitlement;
mod evaluate;
mod golden;
mod kinds;
mod pack;
mod plan;
mod policies;
mod price;
mod pricing_error;
mod problems;
mod refund;
mod rule;
mod select;
mod text;
mod unit;
mod unusable;

pub use component::{Band, Block, Charge, Component, Factor, Measure};
pub use conditions::{Conditions, Matcher};
pub use document::Catalog;
pub use entitlement::{Allowed, Entitlement, allows};
pub use golden::{Expectation, Golden};
pub use pack::{MAX_PACKS, Pack, PackExpiry, Span};
pub use plan::{Allowance, CONCURRENCY, Existing, Limit, ListPrice, Plan, Renewal, Rollover, Threshold};
pub use policies::{CancelFees, MAX_GRACE_PERIOD, MAX_HOLD, Overage, Phase, Policies};
pub use price::{Price, PriceLine};
pub use pricing_error::PricingError;
pub use problems::{CatalogProblems, Problem};
pub use refund::{PartialRefund, RefundRule};
pub use rule::Rule;
pub use unit::Unit;
pub use unusable::Unusable;

pub use crate::value::term::{Term, TermUnit};

#[cfg(test)]
mod tests;
