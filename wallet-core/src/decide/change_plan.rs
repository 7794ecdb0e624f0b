//! ChangePlan: sells another plan, from now on or from the end of the period on.
//!
//! | New plan | Effective | Credits |
//! |---|---|---|
//! | the current plan | now | none: a pending change is undone |
//! | same term, subscription past due | now, in the current anchored period | the full allowance |
//! | same term, higher rank | now | the difference, for the rest of the period, rounded up to the increment |
//! | another term, or the current one is ONCE | now, new anchor | the full allowance; old grants keep their expiry |
//! | same term, equal or lower rank | at the end of the period | - |
//!
//! A pending cancellation stays, and only ResumeSubscription undoes it. A change to an equal or lower rank is then
//! not kept.

use crate::decide::context::Context;
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::sale::{cancelled, change, later, sold};
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::RequestId;
use crate::view::views::{WalletBalancesView, WalletSubject};
use crate::wallet::Wallet;
use crate::wallet::rejection::Rejection;
use crate::wallet::subscription::Overrides;

/// The command that changes the plan of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangePlan {
    /// The idempotency key.
    pub request: RequestId,
    /// The id of a plan of the current catalog.
    pub plan: String,
    /// The terms negotiated for this wallet, instead of those of the plan.
    pub overrides: Overrides,
}

impl ChangePlan {
    fn fingerprint(&self) -> Fingerprint {
        let negotiated = self.overrides != Overrides::default();
        Fingerprint::default()
            .with("plan_id", Some(&self.plan))
            .with("overrides", negotiated.then_some(&self.overrides))
    }
}

impl WalletCommand for ChangePlan {
    type View = WalletBalancesView;

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    fn sells_plan(&self) -> bool {
        true
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<WalletSubject>, Rejection> {
        let fingerprint = self.fingerprint();
        if replay_of_request(wallet, &self.request, EntryKind::PlanChanged, &fingerprint)? {
            return Ok(Verdict::replay(WalletSubject));
        }
        let present = wallet.profile.subscription.as_ref().ok_or(Rejection::SubscriptionNotFound)?;
        let next = sold(wallet, context, &self.plan, &self.overrides)?;
        let now = context.now;
        let decision = if next.plan == present.sold.plan && self.overrides == Overrides::default() {
            later(wallet, present, cancelled(present), now)
        } else {
            change(wallet, &context.catalogs.current, present, next, now)
        };
        Ok(Verdict::new(with_request(decision, &self.request, fingerprint), WalletSubject))
    }
}
