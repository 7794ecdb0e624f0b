//! What falls due in a subscription by itself: allowances, renewals, plan changes, missing payments, ends.

use crate::catalog::Renewal;
use crate::decision::{Change, Decision};
use crate::entry::EntryKind;
use crate::grant::{Grant, Origin};
use crate::posting::Part;
use crate::source::Source;
use crate::subscription::{Pending, Standing, Subscription};
use crate::time::Timestamp;
use crate::wallet::Wallet;

/// What is due in a subscription; the order is that of events at the same instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// The period has ended, or the time to pay has.
    PeriodEnd,
    /// An allowance with a cadence of its own is given again.
    Allowance(usize),
}

/// The next event of a wallet's subscription that is due at `now`.
pub fn next_event(wallet: &Wallet, now: Timestamp) -> Option<(Timestamp, Event)> {
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
pub fn happen(wallet: &Wallet, event: Event, at: Timestamp) -> Option<Decision> {
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

/// A period begins that continues none: nothing rolls over, what was left has lapsed earlier or lives on.
pub(crate) fn begin_period(
    wallet: &Wallet,
    subscription: Subscription,
    kind: EntryKind,
    at: Timestamp,
) -> Decision {
    let extras = vec![0; subscription.sold.allowances.len()];
    give_all(wallet, subscription, extras, kind, at)
}

/// Gives every allowance for its window in the present period, each with so much more than was sold.
fn give_all(
    wallet: &Wallet,
    mut subscription: Subscription,
    extras: Vec<i64>,
    kind: EntryKind,
    at: Timestamp,
) -> Decision {
    let mut decision = Decision::of(kind, at).because(&subscription.sold.plan);
    for (index, extra) in extras.into_iter().enumerate() {
        if let Some(grant) = subscription.give(index, extra, at) {
            decision.issue(wallet, grant, at);
        }
    }
    with_subscription(wallet, decision, Some(subscription))
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

/// The subscription is over: what it included and what was bought for its time lapse with it, in the same entry.
/// What was given once stays.
pub(crate) fn end(wallet: &Wallet, subscription: &Subscription, at: Timestamp) -> Decision {
    let mut decision = Decision::of(EntryKind::SubscriptionEnded, at).because(&subscription.sold.plan);
    let ends_with_it = |grant: &&Grant| {
        let included = grant.key.origin == Origin::Period && grant.source == Source::Subscription;
        grant.is_open() && !grant.has_expired(at) && (included || grant.details.with_subscription)
    };
    for grant in wallet.grants.values().filter(ends_with_it) {
        decision.move_in_grant(
            &grant.key,
            &grant.unit,
            Part::Available,
            Part::Expired,
            grant.parts.available,
        );
        decision.move_in_grant(&grant.key, &grant.unit, Part::Pending, Part::Expired, grant.parts.pending);
        decision.expiring.push(grant.key.clone());
    }
    with_subscription(wallet, decision, None)
}

/// The decision that also leaves the wallet with this subscription.
pub(crate) fn with_subscription(
    wallet: &Wallet,
    mut decision: Decision,
    subscription: Option<Subscription>,
) -> Decision {
    let mut change = Change::none(wallet);
    change.profile.welcomed |= decision.issued.iter().any(|grant| grant.source == Source::Free);
    if let Some(subscription) = &subscription {
        change.profile.sales = change.profile.sales.max(subscription.number);
    }
    change.profile.subscription = subscription;
    decision.change = Some(change);
    decision
}
