//! PauseSubscription: lets no period begin after those that are paid, until the subscription is resumed.
//!
//! | The subscription is | The pause begins |
//! |---|---|
//! | active, or provisional | at the end of what is paid; an unpaid provisional period ends the subscription instead |
//! | past due | now: the end of what was paid has passed |
//! | paused, or about to be | as before; only the end of the pause changes |
//!
//! During the pause, the wallet has the plan of wallets without a subscription. ResumeSubscription or the end of the
//! pause begins a period with a new anchor, which is paid as the plan's renewal demands.

use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::periods::{pause, with_subscription};
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::RequestId;
use crate::value::time::Timestamp;
use crate::view::views::{WalletBalancesView, WalletSubject};
use crate::wallet::Wallet;
use crate::wallet::rejection::Rejection;
use crate::wallet::subscription::{Pause, Standing, Subscription};

/// The command that pauses a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseSubscription {
    /// The idempotency key.
    pub request: RequestId,
    /// The instant at which the pause ends automatically, after the end of what is paid. Never by default.
    pub until: Option<Timestamp>,
    /// Recorded in the entry.
    pub reason: String,
}

impl WalletCommand for PauseSubscription {
    type View = WalletBalancesView;

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<WalletSubject>, Rejection> {
        let fingerprint = Fingerprint::default().with("until_time", self.until.as_ref());
        if replay_of_request(wallet, &self.request, EntryKind::SubscriptionPaused, &fingerprint)? {
            return Ok(Verdict::replay(WalletSubject));
        }
        let present = wallet.profile.subscription.as_deref().ok_or(Rejection::SubscriptionNotFound)?;
        if present.sold.term.is_once() {
            let text = "its plan has term ONCE and no period that ends; use CancelSubscription";
            return Err(Rejection::field("wallet_id", text));
        }
        if let Some(end) = present.end {
            return Err(Rejection::SubscriptionEnds(present.start_of(end)));
        }
        let now = context.now;
        let begin = present.paid_through().max(now);
        if self.until.is_some_and(|until| until <= begin) {
            let text = format!("must be after the beginning of the pause, {begin}");
            return Err(Rejection::field("until_time", text));
        }
        let next = Subscription { pause: Some(Pause { until: self.until }), ..present.clone() };
        let decision = if present.standing == Standing::PastDue && present.paid.is_empty() {
            pause(wallet, next, EntryKind::SubscriptionPaused, now)
        } else {
            with_subscription(wallet, Decision::of(EntryKind::SubscriptionPaused, now), Some(next))
        };
        let decision = decision.because(&self.reason);
        Ok(Verdict::new(with_request(decision, &self.request, fingerprint), WalletSubject))
    }
}
