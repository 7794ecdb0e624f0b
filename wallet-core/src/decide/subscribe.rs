//! Subscribe: sells a plan to a wallet. The first period counts as paid.

use crate::decide::context::Context;
use crate::decide::known_payment::is_known;
use crate::decide::periods::with_payment;
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::sale::{check_first, checked_terms, subscribed};
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::RequestId;
use crate::value::time::Timestamp;
use crate::view::views::{WalletBalancesView, WalletSubject};
use crate::wallet::payment::Paid;
use crate::wallet::rejection::Rejection;
use crate::wallet::sold::Overrides;
use crate::wallet::subscription::Subscription;
use crate::wallet::{Wallet, WalletStatus};

/// The command that sells a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// The idempotency key.
    pub request: RequestId,
    /// The id of a plan of the current catalog.
    pub plan: String,
    /// The terms negotiated for this wallet, instead of those of the plan.
    pub overrides: Overrides,
    /// The number of seats, from 1 to 10,000. By default 1.
    pub quantity: Option<u32>,
    /// The instant from which periods are counted, any time in the past. Now by default.
    pub anchor: Option<Timestamp>,
    /// The payment of the first period.
    pub paid: Paid,
}

impl Subscribe {
    fn fingerprint(&self) -> Fingerprint {
        let negotiated = self.overrides != Overrides::default();
        Fingerprint::default()
            .with("plan_id", Some(&self.plan))
            .with("overrides", negotiated.then_some(&self.overrides))
            .with("quantity", self.quantity.as_ref())
            .with("anchor_time", self.anchor.as_ref())
            .with("paid", (self.paid != Paid::default()).then_some(&self.paid))
    }
}

impl WalletCommand for Subscribe {
    type View = WalletBalancesView;

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    fn sells_plan(&self) -> bool {
        true
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<WalletSubject>, Rejection> {
        let fingerprint = self.fingerprint();
        if replay_of_request(wallet, &self.request, EntryKind::Subscribed, &fingerprint)? {
            return Ok(Verdict::replay(WalletSubject));
        }
        is_known(wallet, &self.paid)?;
        if wallet.status == WalletStatus::Closed {
            return Err(Rejection::WalletClosed);
        }
        if let Some(subscription) = &wallet.profile.subscription {
            return Err(Rejection::AlreadySubscribed(subscription.sold.plan.clone()));
        }
        let sold = checked_terms(wallet, context, &self.plan, &self.overrides, self.quantity.unwrap_or(1))?;
        check_first(wallet, &sold)?;
        let anchor = self.anchor.unwrap_or(context.now);
        if anchor > context.now {
            return Err(Rejection::field("anchor_time", format!("must be at most now, {}", context.now)));
        }
        let mut decision = subscribed(wallet, sold, anchor, context.now);
        let began = decision.change.as_ref().and_then(|change| change.profile.subscription.as_deref());
        if let Some(period) = began.map(Subscription::period_id) {
            decision = with_payment(decision, &self.paid, period);
        }
        Ok(Verdict::new(with_request(decision, &self.request, fingerprint), WalletSubject))
    }
}
