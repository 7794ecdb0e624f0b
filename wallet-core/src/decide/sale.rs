//! The sale of plans and packs.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{Catalog, Pack, Plan};
use crate::decide::checks::check_units;
use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::periods::{
    begin_late, begin_period, lapse, pay_provisional, revoke_unpaid, with_subscription,
};
use crate::decide::refund_claims::issue_paid;
use crate::ledger::entry::EntryKind;
use crate::value::amount::MAX_AMOUNT;
use crate::value::ids::UnitId;
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::rejection::Rejection;
use crate::wallet::sold::{Overrides, Sold};
use crate::wallet::subscription::{PlanChange, Standing, Subscription, UnusedCredits, When};
use crate::wallet::window::Window;

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

/// Returns the terms of a plan of the current catalog with the overrides. Allowances that the default plan gives
/// once per wallet are not given again.
pub(crate) fn sold(
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
    let times = |unit: &UnitId| plan.allowances.iter().filter(|allowance| allowance.unit == *unit).count();
    if let Some(unit) = overrides.allowances.units().find(|unit| times(unit) > 1) {
        let text =
            format!("plan {} has {} allowances of {unit}, so an override is ambiguous", plan.id, times(unit));
        return Err(Rejection::field("overrides.allowances", text));
    }
    let sold = sold_to(wallet, catalog, plan, overrides, quantity);
    if let Some(allowance) = sold.allowances.iter().find(|allowance| allowance.amount > MAX_AMOUNT) {
        let text = format!("{quantity} seats give more than {MAX_AMOUNT} {}", allowance.unit);
        return Err(Rejection::field("quantity", text));
    }
    Ok(sold)
}

/// Returns the terms of a plan for this wallet and a number of seats, with the overrides.
pub(crate) fn sold_to(
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
    match sold.once && wallet.profile.trials.contains(&sold.plan) {
        true => Err(Rejection::PlanUsed(sold.plan.clone())),
        false => Ok(()),
    }
}

/// The time of a change of plan and the fate of the present plan's credits; none if the caller does not name them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct HowToChange {
    pub(crate) when: Option<When>,
    pub(crate) unused: Option<UnusedCredits>,
}

/// Returns whether a change to these terms is an upgrade: to a higher rank, to a longer term or more seats of the same
/// rank, or from the default plan or a plan of term ONCE.
pub(crate) fn is_upgrade(catalog: &Catalog, present: &Sold, next: &Sold) -> bool {
    let is_default = catalog.default_plan().is_some_and(|plan| plan.id == present.plan);
    let longer = next.term > present.term && !next.term.is_once();
    let from_free = present.term.is_once() || is_default;
    let more_seats = next.term == present.term && next.quantity > present.quantity;
    from_free || next.rank > present.rank || (next.rank == present.rank && (longer || more_seats))
}

/// Changes the subscription to other terms, by the table in `change_plan.rs`.
pub(crate) fn change(
    wallet: &Wallet,
    catalog: &Catalog,
    present: &Subscription,
    next: Sold,
    how: HowToChange,
    now: Timestamp,
) -> Result<Decision, Rejection> {
    let upgrade = is_upgrade(catalog, &present.sold, &next);
    let past_due = present.standing == Standing::PastDue;
    let at_once = upgrade || past_due || present.sold.term.is_once();
    let when = how.when.unwrap_or(if at_once { When::Now } else { When::AtPeriodEnd });
    let same_term = next.term == present.sold.term && !next.term.is_once() && !present.is_paused();
    if how.unused.is_some() && (when == When::AtPeriodEnd || same_term) {
        let text =
            "only a change to a plan of another term now decides about unused credits; otherwise they stay";
        return Err(Rejection::field("unused", text));
    }
    if when == When::AtPeriodEnd {
        if present.sold.term.is_once() {
            let text = "the present plan has term ONCE, so no period ends; use CHANGE_TIME_NOW";
            return Err(Rejection::field("when", text));
        }
        // A provisional period has begun, and keeps its plan.
        let change = PlanChange { sold: next, period: present.unpaid_period().max(present.period + 1) };
        return Ok(later(wallet, present, Some(change), now));
    }
    let provisional = present.standing == Standing::Provisional;
    if provisional && !upgrade {
        let text =
            "the present period is not paid; record its payment first, or use CHANGE_TIME_AT_PERIOD_END";
        return Err(Rejection::field("when", text));
    }
    if !same_term {
        let unused = if upgrade { UnusedCredits::Keep } else { UnusedCredits::Lapse };
        let lapses = how.unused.unwrap_or(unused) == UnusedCredits::Lapse;
        let subscription = Subscription::begin(present.number + 1, next, now);
        let unused = if present.is_paused() { present.unused.as_slice() } else { &[] };
        let mut decision = begin_period(wallet, subscription, unused, EntryKind::PlanChanged, now);
        revoke_unpaid(wallet, &mut decision, present, now);
        if lapses {
            lapse(wallet, &mut decision, present, now);
        }
        return Ok(decision);
    }
    let kind = EntryKind::PlanChanged;
    Ok(match present.standing {
        Standing::PastDue => begin_late(wallet, changed(present, next), kind, now),
        Standing::Provisional => pay_provisional(wallet, present, next, kind, now),
        Standing::Active | Standing::Paused => replaced(wallet, catalog, present, next, now),
    })
}

/// Returns the subscription with other terms in the current period, of which no allowance has been issued yet.
fn changed(present: &Subscription, sold: Sold) -> Subscription {
    Subscription { change: None, ..present.clone().with_terms(sold) }
}

/// Keeps the subscription as it is and sets the change to come.
pub(crate) fn later(
    wallet: &Wallet,
    present: &Subscription,
    change: Option<PlanChange>,
    now: Timestamp,
) -> Decision {
    let decision = Decision::of(EntryKind::PlanChanged, now);
    with_subscription(wallet, decision, Some(Subscription { change, ..present.clone() }))
}

/// Changes to another plan of the same term now. By unit: the new plan's share of its present windows from now on is
/// issued, less the old plan's share of those that it has given. A negative difference was given in advance, and the
/// windows to come in the period give less.
fn replaced(
    wallet: &Wallet,
    catalog: &Catalog,
    present: &Subscription,
    next: Sold,
    now: Timestamp,
) -> Decision {
    let decision = Decision::of(EntryKind::PlanChanged, now).because(&next.plan);
    let mut subscription = changed(present, next);
    let mut grants = Vec::new();
    // A unit that the new plan lacks counts too: a later plan of the term may have it again.
    let given = present.sold.allowances.iter().chain(&subscription.sold.allowances);
    let given = given.map(|allowance| &allowance.unit).chain(present.advance.units());
    let units: BTreeSet<UnitId> = given.cloned().collect();
    for unit in units {
        let increment = catalog.unit(unit.as_str()).map_or(1, |unit| unit.increment);
        let mut left = difference(present, &subscription, &unit, now, increment);
        left -= present.advance.get(unit.as_str());
        subscription.advance.set(&unit, (-left).max(0));
        let mut windows: Vec<_> = (0..subscription.sold.allowances.len())
            .filter(|index| subscription.sold.allowances[*index].unit == unit)
            .filter_map(|index| {
                let (k, window) = subscription.window_at(&subscription.sold.allowances[index], now)?;
                Some((index, k, window))
            })
            .collect();
        // The credits go to the windows that last longest.
        windows.sort_by_key(|(index, _, window)| (std::cmp::Reverse(window.until), *index));
        for (index, k, window) in windows {
            let most = window.rest(subscription.sold.allowances[index].amount, now, increment);
            let amount = left.clamp(0, most);
            left -= amount;
            if amount > 0 {
                let lifetime = (now, window.until);
                grants.push(subscription.grant(index, k, unit.clone(), amount, lifetime, now));
            }
            subscription.given[index] = k + 1;
        }
    }
    subscription.advance =
        subscription.advance.iter().filter(|(_, n)| *n > 0).map(|(u, n)| (u.clone(), n)).collect();
    issue_paid(wallet, decision, grants, subscription, now)
}

/// Returns the new plan's share of the windows that contain `now`, less that of the old plan, rounded up. Amounts for the
/// same window are compared before they are rounded.
fn difference(old: &Subscription, new: &Subscription, unit: &UnitId, now: Timestamp, increment: i64) -> i64 {
    let mut windows: BTreeMap<Window, i64> = BTreeMap::new();
    for (subscription, sign) in [(new, 1), (old, -1)] {
        for allowance in subscription.sold.allowances.iter().filter(|allowance| allowance.unit == *unit) {
            if let Some((_, window)) = subscription.window_at(allowance, now) {
                *windows.entry(window).or_default() += sign * allowance.amount;
            }
        }
    }
    windows.into_iter().map(|(window, amount)| window.rest(amount, now, increment)).sum()
}
