//! The due events of a subscription: allowances, renewals, plan changes, missed payments and ends.

use crate::catalog::Renewal;
use crate::decide::decision::Decision;
use crate::decide::periods::{end, give_all, with_subscription};
use crate::ledger::entry::EntryKind;
use crate::value::grant_key::Origin;
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::grant::Grant;
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

/// Begins the next period at the end of the last one, with the amounts that roll over.
fn next_period(wallet: &Wallet, subscription: Subscription, kind: EntryKind, at: Timestamp) -> Decision {
    let extras = (0..subscription.sold.allowances.len())
        .map(|index| rolled_over(wallet, &subscription, index, at))
        .collect();
    give_all(wallet, subscription, extras, kind, at)
}

/// Returns the amount carried into the next window: what expires exactly at `at` (including grants of an upgrade),
/// up to the allowance's `rollover_cap`. These grants were open until `at`, so they are always loaded.
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

/// Returns the amount of `old` that came back as GRACE grants from holds that expired at `at`. It does not count as
/// expired.
fn given_as_grace(wallet: &Wallet, old: &Grant, at: Timestamp) -> i64 {
    let grace =
        |grant: &&Grant| grant.details.stems_from.as_ref() == Some(&old.key) && grant.effective_time == at;
    wallet.grants.values().filter(grace).map(|grant| grant.amount).sum()
}
