//! ResumeSubscription: undoes a cancellation or a pause before it takes effect, and ends a pause that is on.

use crate::decide::context::Context;
use crate::decide::periods::{resume, undone};
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::RequestId;
use crate::view::views::{WalletBalancesView, WalletSubject};
use crate::wallet::Wallet;
use crate::wallet::rejection::Rejection;
use crate::wallet::subscription::Subscription;

/// The command that undoes the cancellation or the pause of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumeSubscription {
    /// The idempotency key.
    pub request: RequestId,
}

impl WalletCommand for ResumeSubscription {
    type View = WalletBalancesView;

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    /// A pending plan change stays.
    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<WalletSubject>, Rejection> {
        let fingerprint = Fingerprint::default();
        if replay_of_request(wallet, &self.request, EntryKind::SubscriptionResumed, &fingerprint)? {
            return Ok(Verdict::replay(WalletSubject));
        }
        let present = wallet.profile.subscription.as_deref().ok_or(Rejection::SubscriptionNotFound)?;
        let (kind, now) = (EntryKind::SubscriptionResumed, context.now);
        let decision = if present.is_paused() {
            resume(wallet, present, kind, now)
        } else {
            let next = Subscription { end: None, pause: None, ..present.clone() };
            undone(wallet, next, kind, now)
        };
        Ok(Verdict::new(with_request(decision, &self.request, fingerprint), WalletSubject))
    }
}
