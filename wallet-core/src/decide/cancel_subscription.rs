//! CancelSubscription: ends a subscription with its period, or at once.

use crate::command::{Context, Subject, Verdict};
use crate::decide::subscribe::requested;
use crate::decide::update_wallet::made_before;
use crate::decision::Decision;
use crate::entry::EntryKind;
use crate::fingerprint::Fingerprint;
use crate::ids::RequestId;
use crate::rejection::Rejection;
use crate::renew::{end, with_subscription};
use crate::subscription::{Pending, Subscription};
use crate::wallet::Wallet;

/// The command that ends a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelSubscription {
    /// The idempotency key.
    pub request: RequestId,
    /// If true, the subscription ends at once instead of at the end of its period.
    pub now: bool,
    /// Recorded in the entry.
    pub reason: String,
}

/// Decides a [`CancelSubscription`].
pub fn cancel_subscription(
    wallet: &Wallet,
    context: &Context<'_>,
    cancel: &CancelSubscription,
) -> Result<Verdict, Rejection> {
    let fingerprint = Fingerprint::default().with("when", cancel.now.then_some(&true));
    if made_before(wallet, &cancel.request, EntryKind::SubscriptionCancelled, &fingerprint)? {
        return Ok(Verdict::replay(Subject::Wallet));
    }
    let present = wallet.profile.subscription.as_ref().ok_or(Rejection::SubscriptionNotFound)?;
    let at = context.now;
    let decision = if cancel.now {
        let mut decision = end(wallet, present, at);
        if let Some(said) = &mut decision.entry {
            said.kind = EntryKind::SubscriptionCancelled;
        }
        decision
    } else {
        let decision = Decision::of(EntryKind::SubscriptionCancelled, at);
        let pending = Some(Pending::End);
        with_subscription(wallet, decision, Some(Subscription { pending, ..present.clone() }))
    };
    let decision = decision.because(&cancel.reason);
    Ok(Verdict::new(requested(decision, &cancel.request, fingerprint), Subject::Wallet))
}
