//! What falls due in a subscription by itself: allowances, renewals, plan changes, missing payments, ends.

use crate::catalog::{Renewal, Term};
use crate::decision::{Change, Decision};
use crate::entry::EntryKind;
use crate::grant::{Grant, GrantKey, Origin};
use crate::ids::OriginId;
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
    if let Some(grant) = subscription.give(index, 0, at) {
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
            let next = Subscription::begin(subscription.number + 1, sold, at);
            begin_period(wallet, next, EntryKind::PlanChanged, at)
        }
        (Standing::Active, None) if unpaid => {
            subscription.standing = Standing::PastDue;
            let decision = Decision::of(EntryKind::PaymentMissed, at).because(&subscription.sold.plan);
            with_subscription(wallet, decision, Some(subscription))
        }
        (Standing::Active, None) => next_period(wallet, subscription, at),
    }
}

/// The next period begins and gives its allowances, with what may roll over.
pub(crate) fn next_period(wallet: &Wallet, mut subscription: Subscription, at: Timestamp) -> Decision {
    subscription.period += 1;
    subscription.standing = Standing::Active;
    subscription.given.fill(0);
    begin_period(wallet, subscription, EntryKind::PeriodBegan, at)
}

/// Gives every allowance for its first window in the present period.
pub(crate) fn begin_period(
    wallet: &Wallet,
    mut subscription: Subscription,
    kind: EntryKind,
    at: Timestamp,
) -> Decision {
    let mut decision = Decision::of(kind, at).because(&subscription.sold.plan);
    for index in 0..subscription.sold.allowances.len() {
        let extra = rolled_over(wallet, &subscription, index);
        if let Some(grant) = subscription.give(index, extra, at) {
            decision.issue(wallet, grant, at);
        }
    }
    with_subscription(wallet, decision, Some(subscription))
}

/// What of the period before moves on, up to the allowance's cap.
fn rolled_over(wallet: &Wallet, subscription: &Subscription, index: usize) -> i64 {
    let Some(allowance) = subscription.sold.allowances.get(index) else { return 0 };
    let Some(before) = subscription.period.checked_sub(1) else { return 0 };
    if allowance.rollover_cap == 0 || allowance.cadence != subscription.sold.term {
        return 0;
    }
    let n = u16::try_from(index).unwrap_or(u16::MAX);
    let key = GrantKey::new(Origin::Period, OriginId::of_period(subscription.number, before, 0), n);
    wallet.grants.get(&key).map_or(0, |grant| grant.parts.expired.min(allowance.rollover_cap))
}

/// The subscription is over: what it included and what was bought for its time end with it.
pub(crate) fn end(wallet: &Wallet, subscription: &Subscription, at: Timestamp) -> Decision {
    let mut decision = Decision::of(EntryKind::SubscriptionEnded, at).because(&subscription.sold.plan);
    let ends_with_it = |grant: &&Grant| {
        let included = grant.key.origin == Origin::Period && subscription.sold.term != Term::Once;
        grant.is_open() && !grant.has_expired(at) && (included || grant.details.with_subscription)
    };
    decision.expiring = wallet.grants.values().filter(ends_with_it).map(|grant| grant.key.clone()).collect();
    with_subscription(wallet, decision, None)
}

/// The decision that also leaves the wallet with this subscription.
pub(crate) fn with_subscription(
    wallet: &Wallet,
    mut decision: Decision,
    subscription: Option<Subscription>,
) -> Decision {
    let mut change = Change::none(wallet);
    if let Some(subscription) = &subscription {
        change.profile.sales = change.profile.sales.max(subscription.number);
    }
    change.profile.subscription = subscription;
    decision.change = Some(change);
    decision
}
