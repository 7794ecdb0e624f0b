//! Entitlements: what a wallet's plan allows, asked before any credit is looked at.
//!
//! An operation is covered by kind and attributes, or not at all: NOT_ENTITLED. Covered, it may still be over a
//! number (outputs, images, seconds): LIMIT_EXCEEDED. Both name the plans that would do.

use crate::catalog::{Catalog, Entitlement, Limit, Plan};
use crate::decimal::Decimal;
use crate::operation::Operation;
use crate::rejection::Rejection;
use crate::wallet::Wallet;

/// The name of the limit that counts open reservations.
pub const CONCURRENCY: &str = "concurrency";

/// Whether the wallet's plan allows the operation. Without a plan everything is allowed.
pub(super) fn entitled(wallet: &Wallet, catalog: &Catalog, operation: &Operation) -> Result<(), Rejection> {
    let Some(plan) = wallet.plan(catalog) else { return Ok(()) };
    match allows(plan, operation) {
        Allowed::Yes => Ok(()),
        Allowed::No => Err(Rejection::NotEntitled {
            kind: operation.kind.clone(),
            plan: plan.id.clone(),
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
        catalog.plans().iter().filter(|plan| matches!(allows(plan, operation), Allowed::Yes)).collect();
    plans.sort_by_key(|plan| plan.rank);
    plans.into_iter().map(|plan| plan.id.clone()).collect()
}

/// What a plan says of an operation.
pub(crate) enum Allowed {
    /// It may be done.
    Yes,
    /// The plan does not cover it.
    No,
    /// Covered, but for one quantity.
    Over { quantity: String, maximum: Decimal, requested: Decimal },
}

/// The most generous of the entitlements that cover the operation decides.
pub(crate) fn allows(plan: &Plan, operation: &Operation) -> Allowed {
    let Some(entitlements) = &plan.entitlements else { return Allowed::Yes };
    let mut verdict = Allowed::No;
    for entitlement in entitlements.iter().filter(|entitlement| entitlement.covers(operation)) {
        match excess(entitlement, operation) {
            None => return Allowed::Yes,
            Some(over) => verdict = over,
        }
    }
    verdict
}

/// The first quantity that is over its maximum.
fn excess(entitlement: &Entitlement, operation: &Operation) -> Option<Allowed> {
    entitlement.max.iter().find_map(|(quantity, maximum)| {
        let requested = operation.quantities.get(quantity)?;
        (requested > maximum).then(|| Allowed::Over {
            quantity: quantity.clone(),
            maximum: *maximum,
            requested: *requested,
        })
    })
}
