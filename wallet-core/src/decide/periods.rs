//! Subscription periods: decisions that begin one or end the subscription, of commands and of due events alike.

use crate::decide::decision::{Change, Decision};
use crate::ledger::entry::EntryKind;
use crate::ledger::posting::Part;
use crate::value::grant_key::Origin;
use crate::value::source::Source;
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::grant::Grant;
use crate::wallet::subscription::Subscription;

/// Begins a period that does not continue another one. Nothing rolls over: credits of earlier grants have expired
/// or remain in them.
pub(crate) fn begin_period(
    wallet: &Wallet,
    subscription: Subscription,
    kind: EntryKind,
    at: Timestamp,
) -> Decision {
    let extras = vec![0; subscription.sold.allowances.len()];
    give_all(wallet, subscription, extras, kind, at)
}

/// Issues every allowance for its window in the current period. `extras` has the amount added to each.
pub(crate) fn give_all(
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

/// Ends the subscription. Its allowances and the credits bought with the expiry `with_subscription` expire in the
/// same entry. Credits with another source stay.
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

/// Returns the decision with `subscription` as the wallet's subscription afterwards.
pub(crate) fn with_subscription(
    wallet: &Wallet,
    mut decision: Decision,
    subscription: Option<Subscription>,
) -> Decision {
    let mut change = Change::none(wallet);
    change.profile.once_allowance_granted |= decision.issued.iter().any(|grant| grant.source == Source::Free);
    if let Some(subscription) = &subscription {
        change.profile.sales = change.profile.sales.max(subscription.number);
    }
    change.profile.subscription = subscription;
    decision.change = Some(change);
    decision
}
