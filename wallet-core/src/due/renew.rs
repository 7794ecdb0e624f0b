//! What falls due in a subscription by itself: allowances, renewals, plan changes, missing payments, ends.

use crate::catalog::Renewal;
use crate::decide::decision::Decision;
use crate::decide::periods::{end, give_all, with_subscription};
use crate::ledger::entry::EntryKind;
use crate::value::grant_key::Origin;
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::grant::Grant;
use crate::wallet::subscription::{Pending, Standing, Subscription};

/// What is due in a subscription; the order is that of events at the same instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    /// The period has ended, or the time to pay has.
    PeriodEnd,
    /// An allowance with a cadence of its own is given again.
    Allowance(usize),
}

/// The next event of a wallet's subscription that is due at `now`.
pub(crate) fn next_event(wallet: &Wallet, now: Timestamp) -> Option<(Timestamp, Event)> {
    let subscription = wallet.profile.subscription.as_ref()?;
    let end = match subscription.standing {
        Standing::Active => subscription.period_end(),
        Standing::PastDue => subscription.dunning_end(),
    };
    let allowances = (0..subscription.sold.allowances.len())
        .filter_map(|index| Some((subscription.next_given(index)?, Event::Allowance(index))));
    allowances.chain([(end, Event::PeriodEnd)]).filter(|(at, _)| *at <= now).min()
}

/// Carries out a due event.
pub(crate) fn happen(wallet: &Wallet, event: Event, at: Timestamp) -> Option<Decision> {
    let subscription = wallet.profile.subscription.clone()?;
    Some(match event {
        Event::Allowance(index) => allowance(wallet, subscription, index, at),
        Event::PeriodEnd => period_end(wallet, subscription, at),
    })
}

fn allowance(wallet: &Wallet, mut subscription: Subscription, index: usize, at: Timestamp) -> Decision {
    let mut decision = Decision::of(EntryKind::AllowanceGiven, at).because(&subscription.sold.plan);
    let extra = rolled_over(wallet, &subscription, index, at);
    if let Some(grant) = subscription.give(index, extra, at) {
        decision.issue(wallet, grant, at);
    }
    with_subscription(wallet, decision, Some(subscription))
}

fn period_end(wallet: &Wallet, mut subscription: Subscription, at: Timestamp) -> Decision {
    let unpaid = subscription.sold.renewal == Renewal::OnPayment
        && subscription.paid_periods <= subscription.period + 1;
    match (subscription.standing, subscription.pending.take()) {
        (Standing::PastDue, _) | (_, Some(Pending::End)) => end(wallet, &subscription, at),
        (Standing::Active, Some(Pending::Change(sold))) => {
            let next = Subscription { number: subscription.number + 1, sold, ..subscription };
            next_period(wallet, next.continued(at), EntryKind::PlanChanged, at)
        }
        (Standing::Active, None) if unpaid => {
            subscription.standing = Standing::PastDue;
            let decision = Decision::of(EntryKind::PaymentMissed, at).because(&subscription.sold.plan);
            with_subscription(wallet, decision, Some(subscription))
        }
        (Standing::Active, None) => {
            next_period(wallet, subscription.continued(at), EntryKind::PeriodBegan, at)
        }
    }
}

/// The next period begins at the instant at which the last one ends: with what may roll over.
fn next_period(wallet: &Wallet, subscription: Subscription, kind: EntryKind, at: Timestamp) -> Decision {
    let extras = (0..subscription.sold.allowances.len())
        .map(|index| rolled_over(wallet, &subscription, index, at))
        .collect();
    give_all(wallet, subscription, extras, kind, at)
}

/// What of the window before moves on, up to the allowance's cap: what lapses at this very instant, that of an
/// upgrade included. Such grants were open until now, so they are loaded whoever looks.
fn rolled_over(wallet: &Wallet, subscription: &Subscription, index: usize, at: Timestamp) -> i64 {
    let Some(allowance) = subscription.sold.allowances.get(index) else { return 0 };
    let before = |grant: &&Grant| {
        grant.key.origin == Origin::Period
            && usize::from(grant.key.n) == index
            && grant.unit == allowance.unit
            && grant.expire_time == at
    };
    let lapsed = |grant: &Grant| grant.parts.expired - given_as_grace(wallet, grant, at);
    let lapsed: i64 = wallet.grants.values().filter(before).map(lapsed).sum();
    lapsed.clamp(0, allowance.rollover_cap.max(0))
}

/// What a hold that expired at the same instant gave back has not lapsed.
fn given_as_grace(wallet: &Wallet, old: &Grant, at: Timestamp) -> i64 {
    let grace =
        |grant: &&Grant| grant.details.stems_from.as_ref() == Some(&old.key) && grant.effective_time == at;
    wallet.grants.values().filter(grace).map(|grant| grant.amount).sum()
}
