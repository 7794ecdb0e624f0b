//! Entitlements: checks whether the wallet's plan allows an operation, before its credits are checked.
//!
//! An operation that no entitlement covers by kind and attributes is NOT_ENTITLED. An operation with a covered kind
//! and a quantity above its maximum (outputs, images, seconds) is LIMIT_EXCEEDED. Both rejections name the plans
//! that allow it.

use crate::catalog::{Allowed, CONCURRENCY, Catalog, Limit, Plan, PricingError, allows};
use crate::value::operation::Operation;
use crate::wallet::Wallet;
use crate::wallet::catalogs::Catalogs;
use crate::wallet::rejection::Rejection;

/// Checks that the wallet's plan, or the entitlements negotiated instead, allow the operation. A wallet without a
/// plan may run every operation.
pub(crate) fn check_entitlement(
    wallet: &Wallet,
    catalogs: &Catalogs,
    operation: &Operation,
) -> Result<(), Rejection> {
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

/// Checks that one more reservation may be open.
pub(crate) fn check_concurrency(wallet: &Wallet, catalogs: &Catalogs) -> Result<(), Rejection> {
    match wallet.limit(catalogs, CONCURRENCY)? {
        Limit::AtMost(limit) if i128::from(wallet.open_reservations) >= i128::from(limit) => {
            Err(Rejection::ConcurrencyLimit { limit, open: wallet.open_reservations })
        }
        Limit::AtMost(_) | Limit::Unlimited => Ok(()),
    }
}

/// Returns the ids of the plans that allow the operation, ordered by rank.
pub fn plans_that_allow(catalog: &Catalog, operation: &Operation) -> Vec<String> {
    ids_by_rank(catalog.plans().iter().filter(|plan| admits(catalog, plan, operation)))
}

/// Returns the ids of plans, ordered by rank.
pub(crate) fn ids_by_rank<'a>(plans: impl Iterator<Item = &'a Plan>) -> Vec<String> {
    let mut plans: Vec<&Plan> = plans.collect();
    plans.sort_by_key(|plan| plan.rank);
    plans.into_iter().map(|plan| plan.id.clone()).collect()
}

/// Returns whether a plan allows the operation, and caps no quantity that the operation leaves out.
pub(crate) fn admits(catalog: &Catalog, plan: &Plan, operation: &Operation) -> bool {
    plan.allows(operation) == Allowed::Yes
        && catalog.uncounted(plan.entitlements.as_deref(), operation).is_empty()
}
