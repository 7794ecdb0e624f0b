//! ResumeSubscription: undoes a cancellation before it takes effect.

use crate::command::{Context, Subject, Verdict};
use crate::decide::subscribe::requested;
use crate::decide::update_wallet::made_before;
use crate::decision::Decision;
use crate::entry::EntryKind;
use crate::fingerprint::Fingerprint;
use crate::ids::RequestId;
use crate::rejection::Rejection;
use crate::renew::with_subscription;
use crate::subscription::{Pending, Subscription};
use crate::wallet::Wallet;

/// The command that undoes the cancellation of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumeSubscription {
    /// The idempotency key.
    pub request: RequestId,
}

/// Decides a [`ResumeSubscription`]. A pending plan change stays.
pub fn resume_subscription(
    wallet: &Wallet,
    context: &Context<'_>,
    resume: &ResumeSubscription,
) -> Result<Verdict, Rejection> {
    let fingerprint = Fingerprint::default();
    if made_before(wallet, &resume.request, EntryKind::SubscriptionResumed, &fingerprint)? {
        return Ok(Verdict::replay(Subject::Wallet));
    }
    let present = wallet.profile.subscription.as_ref().ok_or(Rejection::SubscriptionNotFound)?;
    let pending = present.pending.clone().filter(|pending| *pending != Pending::End);
    let decision = Decision::of(EntryKind::SubscriptionResumed, context.now);
    let decision = with_subscription(wallet, decision, Some(Subscription { pending, ..present.clone() }));
    Ok(Verdict::new(requested(decision, &resume.request, fingerprint), Subject::Wallet))
}
