//! ChangePlan: sells another plan, from now on or from the end of the period on.
//!
//! | New plan | Effective | Credits |
//! |---|---|---|
//! | the current plan | now | none: a pending change is undone |
//! | same term, subscription past due | now, in the current anchored period | the full allowance |
//! | same term, higher rank | now | the difference, for the rest of the period, rounded up to the increment |
//! | another term, or the current one is ONCE | now, new anchor | the full allowance; old grants keep their expiry |
//! | same term, equal or lower rank | at the end of the period | - |
//!
//! A pending cancellation stays, and only ResumeSubscription undoes it. A change to an equal or lower rank is then
//! not kept.

use crate::catalog::{Catalog, Term};
use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::periods::{begin_period, with_subscription};
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::subscribe::sold;
use crate::decide::verdict::{Subject, Verdict};
use crate::ledger::entry::EntryKind;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::RequestId;
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::rejection::Rejection;
use crate::wallet::subscription::{Overrides, Pending, Sold, Standing, Subscription};

/// The command that changes the plan of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangePlan {
    /// The idempotency key.
    pub request: RequestId,
    /// The id of a plan of the current catalog.
    pub plan: String,
    /// The terms negotiated for this wallet, instead of those of the plan.
    pub overrides: Overrides,
}

impl ChangePlan {
    fn fingerprint(&self) -> Fingerprint {
        let negotiated = self.overrides != Overrides::default();
        Fingerprint::default()
            .with("plan_id", Some(&self.plan))
            .with("overrides", negotiated.then_some(&self.overrides))
    }
}

/// Decides a [`ChangePlan`].
pub fn change_plan(
    wallet: &Wallet,
    context: &Context<'_>,
    change: &ChangePlan,
) -> Result<Verdict, Rejection> {
    let fingerprint = change.fingerprint();
    if replay_of_request(wallet, &change.request, EntryKind::PlanChanged, &fingerprint)? {
        return Ok(Verdict::replay(Subject::Wallet));
    }
    let present = wallet.profile.subscription.as_ref().ok_or(Rejection::SubscriptionNotFound)?;
    let next = sold(wallet, context, &change.plan, &change.overrides)?;
    let now = context.now;
    let decision = if next.plan == present.sold.plan && change.overrides == Overrides::default() {
        later(wallet, present, cancelled(present), now)
    } else {
        self::change(wallet, &context.catalogs.current, present, next, now)
    };
    Ok(Verdict::new(with_request(decision, &change.request, fingerprint), Subject::Wallet))
}

/// Changes the subscription to other terms at `now`.
pub(crate) fn change(
    wallet: &Wallet,
    catalog: &Catalog,
    present: &Subscription,
    next: Sold,
    now: Timestamp,
) -> Decision {
    if next.term != present.sold.term || present.sold.term == Term::Once {
        let subscription = Subscription::begin(present.number + 1, next, now);
        begin_period(wallet, subscription, EntryKind::PlanChanged, now)
    } else if present.standing == Standing::PastDue {
        begin_period(wallet, changed(present, next).continued(now), EntryKind::PlanChanged, now)
    } else if next.rank > present.sold.rank {
        upgrade(wallet, catalog, present, next, now)
    } else {
        later(wallet, present, cancelled(present).or(Some(Pending::Change(next))), now)
    }
}

/// Returns the pending end of the subscription, if it has been cancelled.
fn cancelled(present: &Subscription) -> Option<Pending> {
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
fn later(wallet: &Wallet, present: &Subscription, pending: Option<Pending>, now: Timestamp) -> Decision {
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
    i64::try_from(steps * i128::from(increment)).unwrap_or(i64::MAX)
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
