//! The sale of plans and packs.

use crate::catalog::{Catalog, Pack, Plan};
use crate::decide::checks::check_units;
use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::periods::begin_period;
use crate::ledger::entry::EntryKind;
use crate::value::amount::MAX_AMOUNT;
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::rejection::Rejection;
use crate::wallet::sold::{Overrides, Sold};
use crate::wallet::subscription::Subscription;

/// The most seats of a subscription.
const MAX_SEATS: u32 = 10_000;

/// Returns whether the wallet's plan may buy a pack.
pub(crate) fn for_sale(wallet: &Wallet, catalog: &Catalog, pack: &Pack) -> bool {
    let plan = wallet.plan_id(catalog);
    pack.plans.as_ref().is_none_or(|plans| plan.is_some_and(|plan| plans.iter().any(|id| id == plan)))
}

/// Sells a plan at `now` to a wallet without a subscription. The period that contains `now` is the first that is paid.
pub(crate) fn subscribed(wallet: &Wallet, sold: Sold, anchor: Timestamp, now: Timestamp) -> Decision {
    let subscription = Subscription::begin(wallet.profile.sales + 1, sold, anchor).at(now);
    begin_period(wallet, subscription, &[], EntryKind::Subscribed, now)
}

/// Checks a sale and returns its terms: those of a plan of the current catalog, with the overrides.
pub(crate) fn checked_terms(
    wallet: &Wallet,
    context: &Context<'_>,
    plan: &str,
    overrides: &Overrides,
    quantity: u32,
) -> Result<Sold, Rejection> {
    if !(1..=MAX_SEATS).contains(&quantity) {
        let text = format!("must be from 1 to {MAX_SEATS} seats, is {quantity}");
        return Err(Rejection::field("quantity", text));
    }
    check_units(context, &overrides.allowances, "overrides.allowances")?;
    let catalog = &context.catalogs.current;
    let unknown = overrides.unknown_names(catalog);
    if !unknown.is_empty() {
        return Err(Rejection::InvalidFields(unknown));
    }
    let plan = catalog.plan(plan).ok_or_else(|| Rejection::PlanNotFound(plan.to_owned()))?;
    if let Some((unit, times)) = overrides.ambiguous_unit(plan) {
        let text = format!("plan {} has {times} allowances of {unit}, so an override is ambiguous", plan.id);
        return Err(Rejection::field("overrides.allowances", text));
    }
    let sold = terms(wallet, catalog, plan, overrides, quantity);
    if let Some(allowance) = sold.too_large() {
        let text = format!("{quantity} seats give more than {MAX_AMOUNT} {}", allowance.unit);
        return Err(Rejection::field("quantity", text));
    }
    Ok(sold)
}

/// Returns the terms of a plan for this wallet and a number of seats, with the overrides. Allowances that the default
/// plan gives once per wallet are not given again.
pub(crate) fn terms(
    wallet: &Wallet,
    catalog: &Catalog,
    plan: &Plan,
    overrides: &Overrides,
    quantity: u32,
) -> Sold {
    let mut sold = Sold::of(catalog, plan, overrides, quantity);
    let is_default = catalog.default_plan().is_some_and(|default| default.id == plan.id);
    if is_default && plan.term.is_once() && wallet.profile.once_allowance_granted {
        sold.allowances.retain(|allowance| overrides.allowances.names(allowance.unit.as_str()));
    }
    sold
}

/// Checks that the plan is no trial that the wallet has had.
pub(crate) fn check_first(wallet: &Wallet, sold: &Sold) -> Result<(), Rejection> {
    if sold.once && wallet.profile.trials.contains(&sold.plan) {
        return Err(Rejection::PlanUsed(sold.plan.clone()));
    }
    Ok(())
}
