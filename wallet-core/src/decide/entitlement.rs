//! Entitlements: what a wallet's plan allows, asked before any credit is looked at.
//!
//! An operation is covered by kind and attributes, or not at all: NOT_ENTITLED. Covered, it may still be over a
//! number (outputs, images, seconds): LIMIT_EXCEEDED. Both name the plans that would do.

use crate::catalog::{Allowed, Catalog, Limit, Plan, allows};
use crate::operation::Operation;
use crate::rejection::Rejection;
use crate::wallet::Wallet;

/// The name of the limit that counts open reservations.
pub const CONCURRENCY: &str = "concurrency";

/// Whether the wallet's plan, or what was negotiated, allows the operation. Without a plan everything is allowed.
pub(super) fn entitled(wallet: &Wallet, catalog: &Catalog, operation: &Operation) -> Result<(), Rejection> {
    match allows(wallet.entitlements(catalog), operation) {
        Allowed::Yes => Ok(()),
        Allowed::No => Err(Rejection::NotEntitled {
            kind: operation.kind.clone(),
            plan: wallet.plan(catalog).map(|plan| plan.id.clone()).unwrap_or_default(),
            plans: plans_that_allow(catalog, operation),
        }),
        Allowed::Over { quantity, maximum, requested } => Err(Rejection::LimitExceeded {
            limit: quantity,
            maximum: maximum.to_string(),
            requested: requested.to_string(),
            plans: plans_that_allow(catalog, operation),
        }),
    }
}

/// Whether one more reservation may be open.
pub(super) fn has_room(wallet: &Wallet, catalog: &Catalog) -> Result<(), Rejection> {
    match wallet.limit(catalog, CONCURRENCY) {
        Limit::AtMost(limit) if u64::try_from(wallet.open_reservations).unwrap_or(0) >= limit => {
            Err(Rejection::ConcurrencyLimit { limit, open: wallet.open_reservations })
        }
        Limit::AtMost(_) | Limit::Unlimited => Ok(()),
    }
}

/// The plans that allow the operation as it is, by rank.
pub fn plans_that_allow(catalog: &Catalog, operation: &Operation) -> Vec<String> {
    let mut plans: Vec<&Plan> =
        catalog.plans().iter().filter(|plan| plan.allows(operation) == Allowed::Yes).collect();
    plans.sort_by_key(|plan| plan.rank);
    plans.into_iter().map(|plan| plan.id.clone()).collect()
}
