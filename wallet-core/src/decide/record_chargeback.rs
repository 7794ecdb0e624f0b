//! RecordChargeback: records that the bank returned a payment.
//!
//! Unspent credits of the purchase are revoked; held ones are revoked when they return. Charged ones become debt,
//! which other available credits repay at once. The rest stays debt, even above the debt limit. The
//! wallet is suspended.

use crate::decide::context::Context;
use crate::decide::decision::{Change, Decision};
use crate::decide::purchase::{PurchaseName, of_purchase};
use crate::decide::read_set::ReadSet;
use crate::decide::refund_claims::not_owed;
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::spend::in_order;
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::ledger::posting::Part;
use crate::value::amount::Amounts;
use crate::value::ids::RequestId;
use crate::view::views::{ChargedBackPurchaseView, PurchaseSubject};
use crate::wallet::grant::Clawback;
use crate::wallet::refund::Chargeback;
use crate::wallet::rejection::{Rejection, Unrefundable};
use crate::wallet::{Wallet, WalletStatus};

/// The command that records a chargeback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordChargeback {
    /// The idempotency key.
    pub request: RequestId,
    /// The purchase that the payment was for.
    pub purchase: PurchaseName,
    /// Recorded in the entry.
    pub reason: String,
}

impl WalletCommand for RecordChargeback {
    type View = ChargedBackPurchaseView;

    fn read_set(&self) -> ReadSet {
        ReadSet { purchase: Some(self.purchase.clone()), ..ReadSet::default() }
    }

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<PurchaseSubject>, Rejection> {
        let fingerprint = self.purchase.fingerprint(wallet);
        let grants = of_purchase(wallet, &self.purchase);
        let keys = grants.iter().map(|grant| grant.key.clone()).collect();
        let subject = PurchaseSubject { request: self.request.clone(), grants: keys };
        if replay_of_request(wallet, &self.request, EntryKind::ChargedBack, &fingerprint)? {
            return Ok(Verdict::replay(subject));
        }
        self.purchase.check_one(wallet)?;
        if grants.is_empty() {
            return Err(Rejection::TopUpNotFound);
        }
        if grants.iter().any(|grant| grant.clawback == Some(Clawback::ChargedBack)) {
            return Err(Rejection::NotRefundable(Unrefundable::ChargedBack));
        }
        let mut decision = Decision::of(EntryKind::ChargedBack, context.now).because(&self.reason);
        let mut used = Amounts::none();
        let others = grants.iter().filter_map(|grant| Some((grant.key.clone(), grant.clawback?))).collect();
        for grant in grants {
            for (part, amount) in
                [(Part::Available, grant.parts.available), (Part::Pending, grant.parts.pending)]
            {
                decision.move_in_grant(&grant.key, &grant.unit, part, Part::Revoked, amount);
            }
            used.add(&grant.unit, grant.parts.consumed);
            decision.clawback.push((grant.key.clone(), Clawback::ChargedBack));
        }
        // The part that a recorded refund turned into debt is owed already.
        let used = not_owed(wallet, &self.purchase, &used);
        for (unit, amount) in used.iter() {
            decision.move_in_debt(unit, Part::Issued, Part::Owed, amount);
        }
        // No wallet owes a unit of which it has available credits, so other credits repay the debt at once.
        for unit in used.units() {
            let others = in_order(wallet, &context.catalogs.current, unit);
            let taken = self.purchase.top_up(wallet.grants.values());
            for grant in others.into_iter().filter(|grant| grant.purchase() != taken) {
                decision.repay_debt(wallet, &grant.key, unit, grant.parts.available);
            }
        }
        let mut change = Change::none(wallet);
        if wallet.status == WalletStatus::Active {
            change.status = WalletStatus::Suspended;
        }
        if let Some(id) = self.purchase.top_up(wallet.grants.values()) {
            let suspends = wallet.status == WalletStatus::Active || is_suspended_by_chargebacks(wallet);
            change.profile.chargebacks.insert(id.clone(), Chargeback { suspends, others });
        }
        decision.change = Some(change);
        Ok(Verdict::new(with_request(decision, &self.request, fingerprint), subject))
    }
}

/// Returns whether nothing but chargebacks suspends the wallet.
fn is_suspended_by_chargebacks(wallet: &Wallet) -> bool {
    let by_one = wallet.profile.chargebacks.values().any(|chargeback| chargeback.suspends);
    wallet.status == WalletStatus::Suspended && by_one
}
