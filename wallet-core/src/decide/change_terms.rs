//! The change of a subscription to other terms, by the table in `change_plan.rs`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Catalog;
use crate::decide::decision::Decision;
use crate::decide::periods::{
    begin_late, begin_period, expire_credits, pay_provisional, revoke_unpaid, with_subscription,
};
use crate::decide::refund_claims::issue_paid;
use crate::ledger::entry::EntryKind;
use crate::value::amount::Amounts;
use crate::value::ids::UnitId;
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::grant::Money;
use crate::wallet::payment::{PeriodPrice, carry_over};
use crate::wallet::rejection::Rejection;
use crate::wallet::rollover::Unused;
use crate::wallet::sold::{PlanChange, Sold};
use crate::wallet::subscription::{Standing, Subscription, UnusedCredits, When};
use crate::wallet::window::Window;

/// The time of a change and the fate of the present plan's credits; none if the caller does not name them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ChangeOptions {
    pub(crate) when: Option<When>,
    pub(crate) unused: Option<UnusedCredits>,
}

/// The beginning of the new terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beginning {
    /// At the end of what was paid.
    AtPeriodEnd,
    /// Now. Periods and windows stay, because both terms are the same.
    WithinPeriod,
    /// Now, with a new period. The credits of the present plan stay or expire.
    WithNewPeriod(UnusedCredits),
}

/// Changes the subscription to other terms.
pub(crate) fn change(
    wallet: &Wallet,
    catalog: &Catalog,
    present: &Subscription,
    next: Sold,
    options: ChangeOptions,
    now: Timestamp,
) -> Result<Decision, Rejection> {
    let kind = EntryKind::PlanChanged;
    Ok(match beginning(catalog, present, &next, options)? {
        Beginning::AtPeriodEnd => {
            let change = change_to_come(wallet, present, next)?;
            later(wallet, present, change, now)
        }
        Beginning::WithNewPeriod(unused) => begin_new_terms(wallet, present, next, unused, now),
        Beginning::WithinPeriod => {
            let changed = changed(catalog, present, next);
            match present.standing {
                Standing::PastDue => begin_late(wallet, changed, kind, now),
                Standing::Provisional => pay_provisional(wallet, present, changed, kind, now),
                Standing::Active | Standing::Paused => replaced(wallet, catalog, present, changed, now),
            }
        }
    })
}

/// Returns the change to these terms at the end of what was paid. One to the same terms whose first period is paid stays there.
fn change_to_come(wallet: &Wallet, present: &Subscription, next: Sold) -> Result<PlanChange, Rejection> {
    if let Some(change) = present.change.as_ref().filter(|change| change.sold.is_same_sale(&next))
        && present.first_paid_of_change().is_some()
    {
        return Ok(PlanChange { sold: next, period: change.period });
    }
    check_change_is_unpaid(wallet, present)?;
    // A provisional period has begun, and keeps its plan.
    Ok(PlanChange { sold: next, period: present.unpaid_period().max(present.period + 1) })
}

/// Refuses to give up a change to come if a period of its terms is paid: that begins as the plan that was paid for.
pub(crate) fn check_change_is_unpaid(wallet: &Wallet, present: &Subscription) -> Result<(), Rejection> {
    let (Some(change), Some(period)) = (&present.change, present.first_paid_of_change()) else {
        return Ok(());
    };
    let period_start = present.start_of(period);
    let mut payments = wallet.profile.payments.iter();
    let payment = payments.find(|payment| payment.pays(present.period_id_at(period_start)));
    Err(Rejection::PlanChangePaid {
        plan: change.sold.plan.clone(),
        period_start,
        reference: payment.and_then(|payment| payment.paid.reference.clone()),
    })
}

/// Returns the beginning of the new terms, or the option that does not fit the subscription.
fn beginning(
    catalog: &Catalog,
    present: &Subscription,
    next: &Sold,
    options: ChangeOptions,
) -> Result<Beginning, Rejection> {
    let term = present.sold.term;
    let is_upgrade = is_upgrade(catalog, &present.sold, next);
    let usual = match present.standing {
        Standing::PastDue => When::Now,
        _ if is_upgrade || term.is_once() => When::Now,
        _ => When::AtPeriodEnd,
    };
    let beginning = match options.when.unwrap_or(usual) {
        When::AtPeriodEnd => Beginning::AtPeriodEnd,
        When::Now if next.term == term && !term.is_once() && !present.is_paused() => Beginning::WithinPeriod,
        When::Now => {
            let usual = if is_upgrade { UnusedCredits::Keep } else { UnusedCredits::Expire };
            Beginning::WithNewPeriod(options.unused.unwrap_or(usual))
        }
    };
    let refused = |field: &str, text: &str| Err(Rejection::field(field, text));
    match beginning {
        Beginning::AtPeriodEnd | Beginning::WithinPeriod if options.unused.is_some() => refused(
            "unused",
            "only a change to a plan of another term now decides about unused credits; otherwise they stay",
        ),
        Beginning::AtPeriodEnd if term.is_once() => {
            refused("when", "the present plan has term ONCE, so no period ends; use CHANGE_TIME_NOW")
        }
        Beginning::WithinPeriod | Beginning::WithNewPeriod(_)
            if present.standing == Standing::Provisional && !is_upgrade =>
        {
            refused(
                "when",
                "the present period is not paid; record its payment first, or use CHANGE_TIME_AT_PERIOD_END",
            )
        }
        _ => Ok(beginning),
    }
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

/// Keeps the subscription as it is and sets the change to come.
fn later(wallet: &Wallet, present: &Subscription, change: PlanChange, now: Timestamp) -> Decision {
    let decision = Decision::of(EntryKind::PlanChanged, now);
    with_subscription(wallet, decision, Some(Subscription { change: Some(change), ..present.clone() }))
}

/// Begins a subscription with the new terms now. Its periods are counted from now, so a pending cancellation takes effect
/// after the first one.
fn begin_new_terms(
    wallet: &Wallet,
    present: &Subscription,
    next: Sold,
    unused: UnusedCredits,
    now: Timestamp,
) -> Decision {
    let end = present.end.filter(|_| !next.term.is_once()).map(|_| 1);
    let advance = given_once(present, &next);
    let subscription = Subscription { end, advance, ..present.restarted(next, now) };
    let mut decision =
        begin_period(wallet, subscription, left_unused(present, now), EntryKind::PlanChanged, now);
    revoke_unpaid(wallet, &mut decision, present, now);
    if unused == UnusedCredits::Expire {
        expire_credits(wallet, &mut decision, present, now);
    }
    carry_payments_over(wallet, &mut decision, present, now);
    decision
}

/// Returns the credits that expired unused at the end of the last period, if they roll over into new terms: during a
/// pause, and while the period that followed is unpaid. Later, a period without credits lies between.
fn left_unused(present: &Subscription, now: Timestamp) -> &[Unused] {
    match present.standing {
        Standing::Paused => &present.unused,
        Standing::PastDue if now < present.start_of(present.period + 2) => &present.unused,
        Standing::PastDue | Standing::Active | Standing::Provisional => &[],
    }
}

/// Carries the payments for later periods over to the first period of the new terms, which begins instead of them.
fn carry_payments_over(wallet: &Wallet, decision: &mut Decision, present: &Subscription, now: Timestamp) {
    let Some(change) = &mut decision.change else { return };
    for start in present.paid.iter().map(|period| present.start_of(*period)) {
        let price = present.price_of(start, &wallet.profile.payments);
        let price = price.map(|PeriodPrice { whole, paid, .. }| Money { minor_units: paid, ..whole });
        let (from, to) = (present.period_id_at(start), present.period_id_at(now));
        carry_over(&mut change.profile.payments, from, price, to);
    }
}

/// Returns what the plan has given, if it has the term ONCE and goes on with other terms: these give only the difference.
fn given_once(present: &Subscription, next: &Sold) -> Amounts {
    let sold = &present.sold;
    if sold.plan != next.plan || !sold.term.is_once() || !next.term.is_once() {
        return Amounts::none();
    }
    let mut given = present.advance.clone();
    for (allowance, _) in sold.allowances.iter().zip(&present.given).filter(|(_, windows)| **windows > 0) {
        given.add(&allowance.unit, allowance.amount);
    }
    given
}

/// Returns the subscription with other terms in the current period, of which no allowance has been issued yet.
fn changed(catalog: &Catalog, present: &Subscription, sold: Sold) -> Subscription {
    let change = change_that_stays(catalog, present, &sold);
    Subscription { change, ..present.clone().with_terms(sold) }
}

/// Returns the change to come that stays although other terms begin now: one with a period that is paid begins with that. An
/// upgrade of its terms holds for that period too.
fn change_that_stays(catalog: &Catalog, present: &Subscription, next: &Sold) -> Option<PlanChange> {
    let (change, period) = (present.change.as_ref()?, present.first_paid_of_change()?);
    let is_better = next.term == change.sold.term && is_upgrade(catalog, &change.sold, next);
    let is_over = is_better || next.is_same_sale(&change.sold);
    (!is_over).then(|| PlanChange { period, ..change.clone() })
}

/// Changes to another plan of the same term now. By unit: the new plan's share of its present windows from now on is
/// issued, less the old plan's share of those that it has given. A negative difference was given in advance, and the
/// windows to come in the period give less.
fn replaced(
    wallet: &Wallet,
    catalog: &Catalog,
    present: &Subscription,
    changed: Subscription,
    now: Timestamp,
) -> Decision {
    let decision = Decision::of(EntryKind::PlanChanged, now).because(&changed.sold.plan);
    let prices = present.prices_with(&changed.sold, now);
    let mut subscription = Subscription { prices, ..changed };
    let mut grants = Vec::new();
    // A unit that the new plan lacks counts too: a later plan of the term may have it again.
    let given = present.sold.allowances.iter().chain(&subscription.sold.allowances);
    let given = given.map(|allowance| &allowance.unit).chain(present.advance.units());
    let units: BTreeSet<UnitId> = given.cloned().collect();
    for unit in units {
        let increment = catalog.increment(&unit);
        let mut left = difference(present, &subscription, &unit, now, increment);
        left -= present.advance.get(unit.as_str());
        subscription.advance.set(&unit, (-left).max(0));
        for (index, k, window) in windows_at(&subscription, &unit, now) {
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
    subscription.advance = subscription.advance.above_zero();
    issue_paid(wallet, decision, grants, subscription, now)
}

/// Returns the windows of a unit that contain `now`, with the index of their allowance and their own number. Credits go
/// to those first that last longest.
fn windows_at(subscription: &Subscription, unit: &UnitId, now: Timestamp) -> Vec<(usize, u32, Window)> {
    let allowances = subscription.sold.allowances.iter().enumerate();
    let mut windows: Vec<_> = allowances
        .filter(|(_, allowance)| allowance.unit == *unit)
        .filter_map(|(index, allowance)| {
            let (k, window) = subscription.window_at(allowance, now)?;
            Some((index, k, window))
        })
        .collect();
    windows.sort_by_key(|(index, _, window)| (Reverse(window.until), *index));
    windows
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
