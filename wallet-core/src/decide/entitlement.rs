//! Entitlements: what a wallet's plan allows, asked before any credit is looked at.
//!
//! An operation is covered by kind and attributes, or not at all: NOT_ENTITLED. Covered, it may still be over a
//! number (outputs, images, seconds): LIMIT_EXCEEDED. Both name the plans that would do.

use crate::catalog::{Allowed, CONCURRENCY, Catalog, Limit, Plan, PricingError, allows};
use crate::value::operation::Operation;
use crate::wallet::Wallet;
use crate::wallet::catalogs::Catalogs;
use crate::wallet::rejection::Rejection;

/// Whether the wallet's plan, or what was negotiated, allows the operation. Without a plan everything is allowed.
pub(crate) fn entitled(wallet: &Wallet, catalogs: &Catalogs, operation: &Operation) -> Result<(), Rejection> {
    let catalog = &catalogs.current;
    let entitlements = wallet.entitlements(catalogs)?;
    match allows(entitlements, operation) {
        Allowed::Yes => {
            let quantities = catalog.uncounted(entitlements, operation);
            let kind = operation.kind.clone();
            match quantities.is_empty() {
                true => Ok(()),
                false => Err(Rejection::Unpriced(PricingError::UncountedQuantities { kind, quantities })),
            }
        }
        Allowed::No => Err(Rejection::NotEntitled {
            kind: operation.kind.clone(),
            plan: wallet.plan_id(catalog).unwrap_or_default().to_owned(),
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
pub(crate) fn has_room(wallet: &Wallet, catalogs: &Catalogs) -> Result<(), Rejection> {
    match wallet.limit(catalogs, CONCURRENCY)? {
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
