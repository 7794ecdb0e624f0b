//! ReverseChargeback: withdraws a chargeback after the dispute was won. Credits that it revoked return to their grants, its
//! debt is withdrawn, and the suspension ends if nothing else holds it.

use crate::decide::checks::check_not_closed;
use crate::decide::context::Context;
use crate::decide::decision::{Change, Decision};
use crate::decide::purchase::{PurchaseName, of_purchase};
use crate::decide::read_set::ReadSet;
use crate::decide::refund_claims::not_owed;
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::restore::Restoration;
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::ledger::posting::Part;
use crate::value::amount::Amounts;
use crate::value::ids::RequestId;
use crate::view::views::{WalletBalancesView, WalletSubject};
use crate::wallet::grant::Clawback;
use crate::wallet::rejection::Rejection;
use crate::wallet::{Wallet, WalletStatus};

/// The command that withdraws a chargeback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReverseChargeback {
    /// The idempotency key.
    pub request: RequestId,
    /// The purchase that was charged back.
    pub purchase: PurchaseName,
    /// Recorded in the entry.
    pub reason: String,
}

impl WalletCommand for ReverseChargeback {
    type View = WalletBalancesView;

    fn read_set(&self) -> ReadSet {
        ReadSet { purchase: Some(self.purchase.clone()), ..ReadSet::default() }
    }

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<WalletSubject>, Rejection> {
        let fingerprint = self.purchase.fingerprint(wallet);
        let grants = of_purchase(wallet, &self.purchase);
        if replay_of_request(wallet, &self.request, EntryKind::ChargebackReversed, &fingerprint)? {
            return Ok(Verdict::replay(WalletSubject));
        }
        self.purchase.check_one(wallet)?;
        let id = self.purchase.top_up(wallet.grants.values()).filter(|_| !grants.is_empty());
        let id = id.ok_or(Rejection::TopUpNotFound)?;
        let mut change = Change::none(wallet);
        let chargeback = change.profile.chargebacks.remove(id).ok_or(Rejection::NotChargedBack)?;
        check_not_closed(wallet)?;
        let decision = Decision::of(EntryKind::ChargebackReversed, context.now).because(&self.reason);
        let mut restoration = Restoration::of(
            wallet,
            &context.catalogs.current,
            decision,
            self.request.clone().into(),
            context.now,
        );
        let mut owed = Amounts::none();
        for grant in &grants {
            owed.add(&grant.unit, grant.parts.consumed);
        }
        for (unit, amount) in not_owed(wallet, &self.purchase, &owed).iter() {
            restoration.withdraw_debt(unit, amount);
        }
        for grant in grants.iter().filter(|grant| grant.clawback == Some(Clawback::ChargedBack)) {
            let other = chargeback.others.get(&grant.key).copied();
            restoration.decision.withdrawn.push((grant.key.clone(), other));
            if other.is_none() {
                restoration.return_to(grant, Part::Revoked, grant.parts.revoked);
            }
        }
        let another = change.profile.chargebacks.values().any(|chargeback| chargeback.suspends);
        if chargeback.suspends && !another && wallet.status == WalletStatus::Suspended {
            change.status = WalletStatus::Active;
        }
        let mut decision = restoration.decision;
        decision.change = Some(change);
        Ok(Verdict::new(with_request(decision, &self.request, fingerprint), WalletSubject))
    }
}
