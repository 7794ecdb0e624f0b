//! Subscription periods: decisions that begin one or end the subscription, of commands and of due events alike.

use std::collections::BTreeMap;

use crate::catalog::Renewal;
use crate::decide::decision::{Change, Decision};
use crate::ledger::entry::EntryKind;
use crate::ledger::posting::Part;
use crate::value::amount::Amounts;
use crate::value::ids::UnitId;
use crate::value::payment_subject::PeriodId;
use crate::value::source::Source;
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::grant::{Clawback, Grant, Parts};
use crate::wallet::payment::{Paid, remember};
use crate::wallet::rollover::Unused;
use crate::wallet::subscription::{Standing, Subscription};

/// Begins a period: issues every allowance for its window in the period, with the unused credits that roll over.
pub(crate) fn begin_period(
    wallet: &Wallet,
    mut subscription: Subscription,
    unused: &[Unused],
    kind: EntryKind,
    at: Timestamp,
) -> Decision {
    let mut decision = Decision::of(kind, at).because(&subscription.sold.plan);
    for index in 0..subscription.sold.allowances.len() {
        for grant in subscription.give(index, unused, at) {
            decision.issue(wallet, grant, at);
        }
    }
    with_subscription(wallet, decision, Some(subscription))
}

/// Begins the period that contains `at`, after the boundary at which it was not paid. The unused credits of the period
/// before it roll over as if it had been paid in time.
pub(crate) fn begin_late(
    wallet: &Wallet,
    subscription: Subscription,
    kind: EntryKind,
    at: Timestamp,
) -> Decision {
    let boundary = subscription.period_end();
    let unused = subscription.unused.clone();
    let next = Subscription { paid_late: Some(at), ..subscription.continued(at) };
    let unused = if next.period_start() == boundary { unused } else { Vec::new() };
    begin_period(wallet, next, &unused, kind, at)
}

/// Keeps a subscription whose change of plan, cancel or pause was undone. If it is past due because of the change, and
/// no payment is needed without it, the period that contains `at` begins as if in time.
pub(crate) fn undone(
    wallet: &Wallet,
    subscription: Subscription,
    kind: EntryKind,
    at: Timestamp,
) -> Decision {
    let subscription = subscription.with_follow_up();
    let goes_on = subscription.end.is_none() && subscription.pause.is_none();
    let needs_no_payment = subscription.next_condition() == Renewal::Automatic;
    match subscription.standing {
        Standing::PastDue if goes_on && needs_no_payment => begin_late(wallet, subscription, kind, at),
        _ => with_subscription(wallet, Decision::of(kind, at), Some(subscription)),
    }
}

/// Returns the credits of a subscription that expired unused exactly at `at`. These grants were open until `at`, so
/// they are always loaded. Credits that came back as GRACE grants from holds that expired at `at` are not unused.
pub(crate) fn unused_at(wallet: &Wallet, at: Timestamp) -> Vec<Unused> {
    unused_of(wallet, Source::Subscription, at)
}

/// Returns the credits of plans from this source that expired unused exactly at `at`: those of subscriptions, or the free
/// credits of the default plan.
pub(crate) fn unused_of(wallet: &Wallet, source: Source, at: Timestamp) -> Vec<Unused> {
    let mut unused: BTreeMap<(&UnitId, u32), i64> = BTreeMap::new();
    let of_plan = |grant: &&Grant| grant.is_allowance() && grant.source == source;
    for grant in wallet.grants.values().filter(|grant| grant.expire_time == at).filter(of_plan) {
        let amount = grant.parts.expired - given_as_grace(wallet, grant, at);
        *unused.entry((&grant.unit, grant.details.rolled)).or_default() += amount.max(0);
    }
    let some = unused.into_iter().filter(|(_, amount)| *amount > 0);
    some.map(|((unit, rolled), amount)| Unused { unit: unit.clone(), rolled, amount }).collect()
}

/// Returns the amount of `old` that came back as GRACE grants from holds that expired at `at`.
fn given_as_grace(wallet: &Wallet, old: &Grant, at: Timestamp) -> i64 {
    let grace =
        |grant: &&Grant| grant.details.stems_from.as_ref() == Some(&old.key) && grant.effective_time == at;
    wallet.grants.values().filter(grace).map(|grant| grant.amount).sum()
}

/// Ends the subscription. The credits bought with the expiry `with_subscription` expire in the same entry. Those of a
/// period live on until its end: they were paid for.
pub(crate) fn end(wallet: &Wallet, subscription: &Subscription, at: Timestamp) -> Decision {
    let mut decision = Decision::of(EntryKind::SubscriptionEnded, at).because(&subscription.sold.plan);
    revoke_unpaid(wallet, &mut decision, subscription, at);
    expire_now(wallet, &mut decision, at, |grant| grant.details.with_subscription);
    let mut decision = with_subscription(wallet, decision, None);
    skip_free_credits(&mut decision, at);
    decision
}

/// Pauses the subscription: the plan of wallets without a subscription takes its place.
pub(crate) fn pause(wallet: &Wallet, subscription: Subscription, kind: EntryKind, at: Timestamp) -> Decision {
    let decision = Decision::of(kind, at).because(&subscription.sold.plan);
    let paused = Subscription { standing: Standing::Paused, ..subscription };
    let mut decision = with_subscription(wallet, decision, Some(paused));
    skip_free_credits(&mut decision, at);
    decision
}

/// Ends the pause of the subscription: a period with a new anchor begins. The unused credits of the last one roll over.
pub(crate) fn resume(
    wallet: &Wallet,
    subscription: &Subscription,
    kind: EntryKind,
    at: Timestamp,
) -> Decision {
    begin_period(wallet, subscription.resumed(at), &subscription.unused, kind, at)
}

/// Skips the windows of the default plan that began before `at`, because a subscription ran then.
fn skip_free_credits(decision: &mut Decision, at: Timestamp) {
    if let Some(free) = decision.change.as_mut().and_then(|change| change.profile.free.as_mut()) {
        free.skip_before(at);
    }
}

/// Ends the subscription and its credits, because the customer is paid back. [`end`] keeps the credits.
pub(crate) fn end_with_credits(wallet: &Wallet, subscription: &Subscription, at: Timestamp) -> Decision {
    let mut decision = end(wallet, subscription, at);
    expire_credits(wallet, &mut decision, subscription, at);
    decision
}

/// Ends the subscription like [`end_with_credits`]. The credits of a plan of term ONCE end too, and those that another
/// term gave at the instant at which the present period began: their payment is one of the period.
pub(crate) fn end_refunded(wallet: &Wallet, subscription: &Subscription, at: Timestamp) -> Decision {
    let mut decision = end_with_credits(wallet, subscription, at);
    let is_of_period =
        |grant: &Grant| grant.is_allowance() && grant.details.period == Some(subscription.period_id());
    expire_now(wallet, &mut decision, at, |grant| subscription.gave_once(grant) || is_of_period(grant));
    decision
}

/// Expires the credits of the subscription now, except those of an earlier anchor.
pub(crate) fn expire_credits(
    wallet: &Wallet,
    decision: &mut Decision,
    subscription: &Subscription,
    at: Timestamp,
) {
    let of_it = |grant: &Grant| {
        let number = grant.key.sale();
        grant.is_of_plan() && number.is_some_and(|number| number >= subscription.first)
    };
    expire_now(wallet, decision, at, of_it);
}

/// Revokes what is left of the credits that a provisional period has given. Held credits are revoked when they return.
pub(crate) fn revoke_unpaid(
    wallet: &Wallet,
    decision: &mut Decision,
    subscription: &Subscription,
    at: Timestamp,
) {
    if subscription.standing != Standing::Provisional {
        return;
    }
    let of_period = |grant: &&Grant| {
        grant.is_of_plan()
            && grant.key.sale() == Some(subscription.number)
            && subscription.is_in_period(grant.effective_time)
            && !grant.has_expired(at)
    };
    for grant in wallet.grants.values().filter(|grant| grant.is_open()).filter(of_period) {
        decision.move_in_grant(
            &grant.key,
            &grant.unit,
            Part::Available,
            Part::Revoked,
            grant.parts.available,
        );
        decision.clawback.push((grant.key.clone(), Clawback::Revoked));
        // The entry commits to the grants that it ends.
        decision.expiring.insert(grant.key.clone());
    }
}

/// Pays the provisional period at hand: issues what `paid`, which has its terms or better ones, gives for the present
/// windows, less what was given for them without the payment, by unit.
pub(crate) fn pay_provisional(
    wallet: &Wallet,
    present: &Subscription,
    mut paid: Subscription,
    kind: EntryKind,
    at: Timestamp,
) -> Decision {
    let mut decision = Decision::of(kind, at).because(&paid.sold.plan);
    let mut given = Amounts::none();
    for allowance in &present.sold.allowances {
        if let Some((_, window)) = present.window_at(allowance, at) {
            let before = given.get(allowance.unit.as_str());
            given.set(&allowance.unit, before + present.given_for(allowance, &window));
        }
    }
    (paid.standing, paid.paid_late) = (Standing::Active, Some(at));
    let mut windows: Vec<_> = (0..paid.sold.allowances.len())
        .filter_map(|index| Some((index, paid.window_at(&paid.sold.allowances[index], at)?)))
        .collect();
    // The earlier amounts count for the windows that end first, so that the rest lives longest.
    windows.sort_by_key(|(index, (_, window))| (window.until, *index));
    for (index, (k, window)) in windows {
        let allowance = paid.sold.allowances[index].clone();
        let before = given.get(allowance.unit.as_str());
        let share = allowance.share_of(&window);
        given.set(&allowance.unit, (before - share).max(0));
        let rest = share - before.min(share);
        if rest > 0 {
            let grant = paid.grant(index, k, allowance.unit, rest, (at, window.until), at);
            decision.issue(wallet, grant, at);
        }
        paid.given[index] = k + 1;
    }
    paid.advance = given.above_zero();
    with_subscription(wallet, decision, Some(paid))
}

fn expire_now(wallet: &Wallet, decision: &mut Decision, at: Timestamp, is_expiring: impl Fn(&Grant) -> bool) {
    let open = wallet.grants.values().filter(|grant| grant.is_open() && !grant.has_expired(at));
    for grant in open.filter(|grant| is_expiring(grant)) {
        if !decision.expiring.insert(grant.key.clone()) {
            continue;
        }
        let Parts { available, pending, .. } = grant.parts;
        decision.move_in_grant(&grant.key, &grant.unit, Part::Available, Part::Expired, available);
        decision.move_in_grant(&grant.key, &grant.unit, Part::Pending, Part::Expired, pending);
    }
}

/// Returns the decision with `subscription` as the wallet's subscription afterwards.
pub(crate) fn with_subscription(
    wallet: &Wallet,
    mut decision: Decision,
    subscription: Option<Subscription>,
) -> Decision {
    let subscription = subscription.map(Subscription::with_follow_up);
    let mut change = Change::none(wallet);
    change.profile.once_allowance_granted |= decision.issued.iter().any(|grant| grant.source == Source::Free);
    if let Some(subscription) = &subscription {
        change.profile.sales = change.profile.sales.max(subscription.number);
        if subscription.sold.once {
            change.profile.trials.insert(subscription.sold.plan.clone());
        }
    }
    change.profile.replace_subscription(subscription);
    decision.change = Some(change);
    decision
}

/// Returns the decision with the payment for a period recorded.
pub(crate) fn with_payment(mut decision: Decision, paid: &Paid, period: PeriodId) -> Decision {
    if let Some(change) = &mut decision.change {
        remember(&mut change.profile.payments, paid, period);
    }
    decision
}
