//! RecordPayment: records the payment of the next period. A payment before the boundary lets the period begin
//! there. A late payment starts at once the anchored period that contains now.

use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::periods::{begin_late, with_subscription};
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::RequestId;
use crate::view::views::{WalletBalancesView, WalletSubject};
use crate::wallet::Wallet;
use crate::wallet::rejection::Rejection;
use crate::wallet::subscription::{Standing, Subscription};

/// The command that records the payment of a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPayment {
    /// The idempotency key, for example the id of the payment.
    pub request: RequestId,
    /// Recorded in the entry.
    pub reason: String,
}

impl WalletCommand for RecordPayment {
    type View = WalletBalancesView;

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<WalletSubject>, Rejection> {
        let fingerprint = Fingerprint::default();
        if replay_of_request(wallet, &self.request, EntryKind::PaymentRecorded, &fingerprint)? {
            return Ok(Verdict::replay(WalletSubject));
        }
        let present = wallet.profile.subscription.as_ref().ok_or(Rejection::SubscriptionNotFound)?;
        if present.paid_periods > present.period + 1 {
            return Err(Rejection::field("request_id", "another payment has already paid the next period"));
        }
        let at = context.now;
        let decision = match present.standing {
            Standing::Active => {
                let decision = Decision::of(EntryKind::PaymentRecorded, at);
                let paid_periods = present.period + 2;
                with_subscription(wallet, decision, Some(Subscription { paid_periods, ..present.clone() }))
            }
            Standing::PastDue => begin_late(wallet, present.clone(), EntryKind::PaymentRecorded, at),
        };
        let decision = decision.because(&self.reason);
        Ok(Verdict::new(with_request(decision, &self.request, fingerprint), WalletSubject))
    }
}
