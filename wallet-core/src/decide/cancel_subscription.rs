//! CancelSubscription: ends a subscription with its period, or at once.

use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::periods::{end, end_with_credits, with_subscription};
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

/// The command that ends a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelSubscription {
    /// The idempotency key.
    pub request: RequestId,
    /// If true, the subscription ends at once instead of at the end of what was paid.
    pub now: bool,
    /// If true, its unused credits expire with it. Only with `now`.
    pub expire_credits: bool,
    /// Recorded in the entry.
    pub reason: String,
}

impl WalletCommand for CancelSubscription {
    type View = WalletBalancesView;

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<WalletSubject>, Rejection> {
        let fingerprint = Fingerprint::default()
            .with("when", self.now.then_some(&true))
            .with("unused", self.expire_credits.then_some(&true));
        if replay_of_request(wallet, &self.request, EntryKind::SubscriptionCancelled, &fingerprint)? {
            return Ok(Verdict::replay(WalletSubject));
        }
        let present = wallet.profile.subscription.as_deref().ok_or(Rejection::SubscriptionNotFound)?;
        let at = context.now;
        if !self.now && present.sold.term.is_once() {
            let text = "a plan of term ONCE has no period that ends; use CANCEL_TIME_NOW";
            return Err(Rejection::field("when", text));
        }
        if !self.now && self.expire_credits {
            let text =
                "only a cancel with CANCEL_TIME_NOW lets credits expire; those of a period end with it";
            return Err(Rejection::field("unused", text));
        }
        // The end of what was paid has passed.
        let decision = if self.now || present.is_paused() {
            let mut decision = match self.expire_credits {
                true => end_with_credits(wallet, present, at),
                false => end(wallet, present, at),
            };
            if let Some(entry) = &mut decision.entry {
                entry.kind = EntryKind::SubscriptionCancelled;
            }
            decision
        } else {
            let decision = Decision::of(EntryKind::SubscriptionCancelled, at);
            let end = Some(present.unpaid_period());
            with_subscription(wallet, decision, Some(Subscription { end, pause: None, ..present.clone() }))
        };
        let decision = decision.because(&self.reason);
        Ok(Verdict::new(with_request(decision, &self.request, fingerprint), WalletSubject))
    }
}
