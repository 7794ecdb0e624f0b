//! The due events of a subscription: allowances, renewals, plan changes, missed payments and ends.

use crate::catalog::Renewal;
use crate::decide::decision::{Change, Decision};
use crate::decide::periods::{
    begin_period, end, pause, resume, revoke_unpaid, unused_at, unused_of, with_subscription,
};
use crate::decide::refund_claims::issue_paid;
use crate::ledger::entry::EntryKind;
use crate::value::source::Source;
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::subscription::{Pause, Standing, Subscription};

/// A due event of a subscription. The variants are in the order of events at the same instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    /// The end of the period, of the dunning time, or of the pause.
    PeriodEnd,
    /// The next window of the allowance with this index, which has a cadence of its own.
    Allowance(usize),
    /// The next window of the default plan.
    FreeCredits,
}

/// Returns the first event of a wallet's plan that is due at `now`, with its instant.
pub(crate) fn next_event(wallet: &Wallet, now: Timestamp) -> Option<(Timestamp, Event)> {
    let free = wallet.next_free_credits().map(|at| (at, Event::FreeCredits));
    let of_subscription = wallet.profile.subscription.iter().flat_map(|subscription| {
        let allowances = (0..subscription.sold.allowances.len())
            .filter_map(|index| Some((subscription.next_given(index)?, Event::Allowance(index))));
        allowances.chain([(subscription.turn(), Event::PeriodEnd)])
    });
    of_subscription.chain(free).filter(|(at, _)| *at <= now).min()
}

/// Decides a due event. Returns `None` if the wallet has no such plan.
pub(crate) fn decide(wallet: &Wallet, event: Event, at: Timestamp) -> Option<Decision> {
    let subscription = || wallet.profile.subscription.as_deref().cloned();
    match event {
        Event::PeriodEnd => Some(period_end(wallet, subscription()?, at)),
        Event::Allowance(index) => Some(allowance(wallet, subscription()?, index, at)),
        Event::FreeCredits => free_credits(wallet, at),
    }
}

fn allowance(wallet: &Wallet, mut subscription: Subscription, index: usize, at: Timestamp) -> Decision {
    let decision = Decision::of(EntryKind::AllowanceGiven, at).because(&subscription.sold.plan);
    let grants = subscription.give(index, &unused_at(wallet, at), at);
    issue_paid(wallet, decision, grants, subscription, at)
}

fn free_credits(wallet: &Wallet, at: Timestamp) -> Option<Decision> {
    let mut change = Change::none(wallet);
    let free = change.profile.free.as_mut()?;
    let mut decision = Decision::of(EntryKind::AllowanceGiven, at).because(&free.sold().plan);
    for grant in free.give(&unused_of(wallet, Source::Free, at), at) {
        decision.issue(wallet, grant, at);
    }
    decision.change = Some(change);
    Some(decision)
}

fn period_end(wallet: &Wallet, mut subscription: Subscription, at: Timestamp) -> Decision {
    if subscription.standing == Standing::Provisional {
        return not_paid(wallet, subscription, at);
    }
    if subscription.is_paused() {
        return resume(wallet, &subscription, EntryKind::PeriodBegan, at);
    }
    let past_due = subscription.standing == Standing::PastDue;
    // A past-due subscription continues with the next period that is paid.
    let next = if past_due { subscription.paid.first().copied() } else { Some(subscription.period + 1) };
    if next.is_none_or(|next| subscription.end.is_some_and(|end| end <= next)) {
        return end(wallet, &subscription, at);
    }
    // A pause begins after all periods that are paid, although an earlier one may not be.
    let is_paid = past_due || !subscription.paid.is_empty();
    match subscription.pause.filter(|_| !is_paid) {
        Some(Pause { until: Some(until) }) if until <= at => subscription.pause = None,
        Some(_) => {
            subscription.unused = unused_at(wallet, at);
            return pause(wallet, subscription, EntryKind::PauseBegan, at);
        }
        None => {}
    }
    let condition = if past_due { Renewal::Automatic } else { subscription.next_condition() };
    if condition == Renewal::OnPayment {
        let subscription = subscription.past_due(unused_at(wallet, at));
        let decision = Decision::of(EntryKind::PaymentMissed, at).because(&subscription.sold.plan);
        return with_subscription(wallet, decision, Some(subscription));
    }
    let number = subscription.number;
    let mut next = subscription.continued(at);
    if condition == Renewal::Provisional {
        next.standing = Standing::Provisional;
    }
    let kind = if next.number == number { EntryKind::PeriodBegan } else { EntryKind::PlanChanged };
    next_period(wallet, next, kind, at)
}

/// Revokes what is left of a provisional period that was not paid. The subscription ends, or waits for a later period that
/// is paid.
fn not_paid(wallet: &Wallet, subscription: Subscription, at: Timestamp) -> Decision {
    if subscription.paid.is_empty() {
        return end(wallet, &subscription, at);
    }
    let mut decision = Decision::of(EntryKind::PaymentMissed, at).because(&subscription.sold.plan);
    revoke_unpaid(wallet, &mut decision, &subscription, at);
    with_subscription(wallet, decision, Some(subscription.unpaid()))
}

/// Begins the next period at the end of the last one, with the unused credits that roll over.
fn next_period(wallet: &Wallet, subscription: Subscription, kind: EntryKind, at: Timestamp) -> Decision {
    begin_period(wallet, subscription, &unused_at(wallet, at), kind, at)
}
