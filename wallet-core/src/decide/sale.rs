//! The sale of plans and packs.

use crate::catalog::{Catalog, Pack, Plan, Term};
use crate::decide::checks::check_units;
use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::periods::{begin_late, begin_period, with_subscription};
use crate::ledger::entry::EntryKind;
use crate::value::ids::UnitId;
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::rejection::Rejection;
use crate::wallet::subscription::{Overrides, Pending, Sold, Standing, Subscription};

/// Returns whether the wallet's plan may buy a pack.
pub(crate) fn for_sale(wallet: &Wallet, catalog: &Catalog, pack: &Pack) -> bool {
    let plan = wallet.plan_id(catalog);
    pack.plans.as_ref().is_none_or(|plans| plan.is_some_and(|plan| plans.iter().any(|id| id == plan)))
}

/// Sells a plan at `now` to a wallet without a subscription.
pub(crate) fn subscribed(wallet: &Wallet, sold: Sold, anchor: Timestamp, now: Timestamp) -> Decision {
    let subscription = Subscription::begin(wallet.profile.sales + 1, sold, anchor);
    begin_period(wallet, subscription, &[], EntryKind::Subscribed, now)
}

/// Returns the terms of a plan of the current catalog with the overrides. Allowances that the default plan gives
/// once per wallet are not given again.
pub(crate) fn sold(
    wallet: &Wallet,
    context: &Context<'_>,
    plan: &str,
    overrides: &Overrides,
) -> Result<Sold, Rejection> {
    check_units(context, &overrides.allowances, "overrides.allowances")?;
    let catalog = &context.catalogs.current;
    let unknown = overrides.unknown_names(catalog);
    if !unknown.is_empty() {
        return Err(Rejection::InvalidFields(unknown));
    }
    let plan = catalog.plan(plan).ok_or_else(|| Rejection::PlanNotFound(plan.to_owned()))?;
    let times = |unit: &UnitId| plan.allowances.iter().filter(|allowance| allowance.unit == *unit).count();
    if let Some(unit) = overrides.allowances.units().find(|unit| times(unit) > 1) {
        let text =
            format!("plan {} has {} allowances of {unit}, so an override is ambiguous", plan.id, times(unit));
        return Err(Rejection::field("overrides.allowances", text));
    }
    Ok(sold_to(wallet, catalog, plan, overrides))
}

/// Returns the terms of a plan for this wallet with the overrides.
pub(crate) fn sold_to(wallet: &Wallet, catalog: &Catalog, plan: &Plan, overrides: &Overrides) -> Sold {
    let mut sold = Sold::of(catalog, plan, overrides);
    let is_default = catalog.default_plan().is_some_and(|default| default.id == plan.id);
    if is_default && plan.term == Term::Once && wallet.profile.once_allowance_granted {
        sold.allowances.retain(|allowance| overrides.allowances.names(allowance.unit.as_str()));
    }
    sold
}

/// Changes the subscription to other terms at `now`, by the table in `change_plan.rs`.
pub(crate) fn change(
    wallet: &Wallet,
    catalog: &Catalog,
    present: &Subscription,
    next: Sold,
    now: Timestamp,
) -> Decision {
    if next.term != present.sold.term || present.sold.term == Term::Once {
        let subscription = Subscription::begin(present.number + 1, next, now);
        begin_period(wallet, subscription, &[], EntryKind::PlanChanged, now)
    } else if present.standing == Standing::PastDue {
        begin_late(wallet, changed(present, next), EntryKind::PlanChanged, now)
    } else if next.rank > present.sold.rank {
        upgrade(wallet, catalog, present, next, now)
    } else {
        later(wallet, present, cancelled(present).or(Some(Pending::Change(next))), now)
    }
}

/// Returns the pending end of the subscription, if it has been cancelled.
pub(crate) fn cancelled(present: &Subscription) -> Option<Pending> {
    present.pending.clone().filter(|pending| *pending == Pending::End)
}

/// Returns the subscription with other terms in the current period, of which no allowance has been issued yet.
fn changed(present: &Subscription, sold: Sold) -> Subscription {
    Subscription {
        number: present.number + 1,
        given: vec![0; sold.allowances.len()],
        sold,
        pending: cancelled(present),
        ..present.clone()
    }
}

/// Keeps the subscription as it is and sets the change at the end of its period.
pub(crate) fn later(
    wallet: &Wallet,
    present: &Subscription,
    pending: Option<Pending>,
    now: Timestamp,
) -> Decision {
    let decision = Decision::of(EntryKind::PlanChanged, now);
    with_subscription(wallet, decision, Some(Subscription { pending, ..present.clone() }))
}

/// Changes to a higher rank now, and issues the difference of the allowances for the rest of the period.
fn upgrade(
    wallet: &Wallet,
    catalog: &Catalog,
    present: &Subscription,
    next: Sold,
    now: Timestamp,
) -> Decision {
    let mut decision = Decision::of(EntryKind::PlanChanged, now).because(&next.plan);
    let mut subscription = changed(present, next);
    for index in 0..subscription.sold.allowances.len() {
        let allowance = subscription.sold.allowances[index].clone();
        let Some((k, window)) = subscription.window_at(&allowance, now) else { continue };
        let had = present
            .sold
            .allowances
            .iter()
            .find(|old| old.unit == allowance.unit && old.cadence == allowance.cadence)
            .map_or(0, |old| old.amount);
        let increment = catalog.unit(allowance.unit.as_str()).map_or(1, |unit| unit.increment);
        let amount = pro_rata(allowance.amount - had, window, now, increment);
        if amount > 0 {
            let unit = allowance.unit.clone();
            let grant = subscription.grant(index, k, unit, amount, (now, window.1), now);
            decision.issue(wallet, grant, now);
        }
        subscription.given[index] = k + 1;
    }
    with_subscription(wallet, decision, Some(subscription))
}

/// Returns `difference x remaining / whole` of a window in minor units, rounded up to the increment. Exact.
fn pro_rata(difference: i64, (from, until): (Timestamp, Timestamp), now: Timestamp, increment: i64) -> i64 {
    if difference <= 0 {
        return 0;
    }
    let remaining = i128::from(until.as_micros()) - i128::from(now.as_micros());
    let whole = (i128::from(until.as_micros()) - i128::from(from.as_micros())) * i128::from(increment);
    let steps = (i128::from(difference) * remaining + whole - 1) / whole.max(1);
    #[expect(clippy::expect_used, reason = "no other amount may be issued")]
    i64::try_from(steps * i128::from(increment)).expect("at most the difference, rounded up to the increment")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_is_given_for_the_rest_of_the_period_rounded_up() {
        let day = |n: i64| Timestamp::from_micros(n * 86_400_000_000);
        for (difference, left, increment, expected) in
            [(70, 20, 1, 47), (70, 30, 1, 70), (70, 0, 1, 0), (70, 20, 10, 50), (-70, 20, 1, 0), (1, 1, 1, 1)]
        {
            let given = pro_rata(difference, (day(0), day(30)), day(30 - left), increment);
            assert_eq!(given, expected, "{difference} with {left} days left");
        }
    }
}
