//! The due events of a subscription: allowances, renewals, plan changes, missed payments and ends.

use crate::catalog::Renewal;
use crate::decide::decision::Decision;
use crate::decide::periods::{begin_period, end, unused_at, with_subscription};
use crate::ledger::entry::EntryKind;
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::subscription::{Pending, Standing, Subscription};

/// A due event of a subscription. The variants are in the order of events at the same instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    /// The end of the period, or of the dunning time.
    PeriodEnd,
    /// The next window of the allowance with this index, which has a cadence of its own.
    Allowance(usize),
}

/// Returns the first event of a wallet's subscription that is due at `now`, with its instant.
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

/// Decides a due event. Returns `None` if the wallet has no subscription.
pub(crate) fn happen(wallet: &Wallet, event: Event, at: Timestamp) -> Option<Decision> {
    let subscription = wallet.profile.subscription.clone()?;
    Some(match event {
        Event::Allowance(index) => allowance(wallet, subscription, index, at),
        Event::PeriodEnd => period_end(wallet, subscription, at),
    })
}

fn allowance(wallet: &Wallet, mut subscription: Subscription, index: usize, at: Timestamp) -> Decision {
    let mut decision = Decision::of(EntryKind::AllowanceGiven, at).because(&subscription.sold.plan);
    for grant in subscription.give(index, &unused_at(wallet, at), at) {
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
            subscription.unused = unused_at(wallet, at);
            let decision = Decision::of(EntryKind::PaymentMissed, at).because(&subscription.sold.plan);
            with_subscription(wallet, decision, Some(subscription))
        }
        (Standing::Active, None) => {
            next_period(wallet, subscription.continued(at), EntryKind::PeriodBegan, at)
        }
    }
}

/// Begins the next period at the end of the last one, with the unused credits that roll over.
fn next_period(wallet: &Wallet, subscription: Subscription, kind: EntryKind, at: Timestamp) -> Decision {
    begin_period(wallet, subscription, &unused_at(wallet, at), kind, at)
}
