//! ResumeSubscription: undoes a cancellation before it takes effect.

use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::periods::with_subscription;
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::verdict::{Subject, Verdict};
use crate::ledger::entry::EntryKind;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::RequestId;
use crate::wallet::Wallet;
use crate::wallet::rejection::Rejection;
use crate::wallet::subscription::{Pending, Subscription};

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
    if replay_of_request(wallet, &resume.request, EntryKind::SubscriptionResumed, &fingerprint)? {
        return Ok(Verdict::replay(Subject::Wallet));
    }
    let present = wallet.profile.subscription.as_ref().ok_or(Rejection::SubscriptionNotFound)?;
    let pending = present.pending.clone().filter(|pending| *pending != Pending::End);
    let decision = Decision::of(EntryKind::SubscriptionResumed, context.now);
    let decision = with_subscription(wallet, decision, Some(Subscription { pending, ..present.clone() }));
    Ok(Verdict::new(with_request(decision, &resume.request, fingerprint), Subject::Wallet))
}
