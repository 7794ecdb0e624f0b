//! CancelSubscription: ends a subscription with its period, or at once.

use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::periods::{end, with_subscription};
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::RequestId;
use crate::view::views::{WalletBalancesView, WalletSubject};
use crate::wallet::Wallet;
use crate::wallet::rejection::Rejection;
use crate::wallet::subscription::{Pending, Subscription};

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

impl WalletCommand for CancelSubscription {
    type View = WalletBalancesView;

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<WalletSubject>, Rejection> {
        let fingerprint = Fingerprint::default().with("when", self.now.then_some(&true));
        if replay_of_request(wallet, &self.request, EntryKind::SubscriptionCancelled, &fingerprint)? {
            return Ok(Verdict::replay(WalletSubject));
        }
        let present = wallet.profile.subscription.as_ref().ok_or(Rejection::SubscriptionNotFound)?;
        let at = context.now;
        let decision = if self.now {
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
        let decision = decision.because(&self.reason);
        Ok(Verdict::new(with_request(decision, &self.request, fingerprint), WalletSubject))
    }
}
