//! RecordChargeback: records that the bank returned a payment.
//!
//! Unspent credits of the purchase or the period are revoked; held ones are revoked when they return. Charged ones become
//! debt, which other available credits repay at once. The rest stays debt, even above the debt limit. Windows to come of
//! the period give nothing. The wallet is suspended, and the subscription goes on.

use crate::decide::context::Context;
use crate::decide::decision::{Change, Decision};
use crate::decide::payment_name::{PaymentName, paid_with};
use crate::decide::read_set::ReadSet;
use crate::decide::refund_claims::not_owed;
use crate::decide::refunded_share::RefundedShare;
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::restore::Restoration;
use crate::decide::spend::in_order;
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::ledger::posting::Part;
use crate::value::amount::Amounts;
use crate::value::ids::RequestId;
use crate::value::payment_subject::PaymentSubject;
use crate::view::views::{ChargedBackPaymentView, MoneyBackSubject};
use crate::wallet::grant::{Clawback, Grant};
use crate::wallet::refund::{Chargeback, Fraction, MoneyBack, UsedCredits};
use crate::wallet::rejection::{Rejection, Unrefundable};
use crate::wallet::{Wallet, WalletStatus};

/// The command that records a chargeback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordChargeback {
    /// The idempotency key.
    pub request: RequestId,
    /// The purchase or the period that the payment was for.
    pub payment: PaymentName,
    /// Recorded in the entry.
    pub reason: String,
}

impl WalletCommand for RecordChargeback {
    type View = ChargedBackPaymentView;

    fn read_set(&self) -> ReadSet {
        self.payment.read_set()
    }

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<MoneyBackSubject>, Rejection> {
        let payment = self.payment.subject(wallet, &self.request);
        let fingerprint = self.payment.fingerprint(payment.as_ref());
        let grants = paid_with(wallet, payment.as_ref());
        let keys = grants.iter().map(|grant| grant.key.clone()).collect();
        let subject = |payment| MoneyBackSubject { request: self.request.clone(), payment, grants: keys };
        let is_replay = replay_of_request(wallet, &self.request, EntryKind::ChargedBack, &fingerprint)?;
        if let (true, Some(payment)) = (is_replay, &payment) {
            return Ok(Verdict::replay(subject(payment.clone())));
        }
        let payments = &wallet.profile.payments;
        let period = payment.as_ref().and_then(PaymentSubject::period);
        let ahead = period.and_then(|period| self.payment.refunded_ahead(payments, period));
        if ahead.is_some_and(|refunded| refunded.is_replaced(payments)) {
            return Err(Rejection::NotRefundable(Unrefundable::AlreadyRefunded));
        }
        self.payment.check(wallet, payment.as_ref(), &grants)?;
        let payment = payment.ok_or(Rejection::TopUpNotFound)?;
        if wallet.profile.chargebacks.contains_key(&payment) {
            return Err(Rejection::NotRefundable(Unrefundable::ChargedBack));
        }
        let mut change = Change::none(wallet);
        let mut chargeback = Chargeback::default();
        let mut decision = Decision::of(EntryKind::ChargedBack, context.now).because(&self.reason);
        match &payment {
            PaymentSubject::Purchase(_) => {
                chargeback.others =
                    grants.iter().filter_map(|grant| Some((grant.key.clone(), grant.clawback?))).collect();
                take_purchase(&mut decision, wallet, context, &payment, &grants);
            }
            PaymentSubject::Period(period) => {
                if wallet.profile.is_unpaid(*period) {
                    return Err(Rejection::NotRefundable(Unrefundable::Unpaid));
                }
                let catalog = &context.catalogs.current;
                let id = self.request.clone().into();
                let mut restoration = Restoration::of(wallet, catalog, decision, id, context.now);
                let before = wallet.profile.recorded_refunds.get(&payment);
                let whole = RefundedShare {
                    payment: &payment,
                    grants: &grants,
                    share: Fraction::WHOLE,
                    used: UsedCredits::Owe,
                };
                let (mut record, taken) = whole.apply(&mut restoration);
                record.total = before.and_then(|before| before.total.clone());
                let withheld = record.withheld.clone();
                let reply = MoneyBack { withheld, ..wallet.profile.money_back_of(*period) };
                change.profile.money_back.insert(self.request.clone(), reply);
                chargeback.before = before.cloned();
                chargeback.taken = taken.iter().map(|(unit, amount)| (unit.clone(), amount)).collect();
                change.profile.recorded_refunds.insert(payment.clone(), record);
                decision = restoration.decision;
            }
        }
        chargeback.suspends = wallet.status == WalletStatus::Active || is_suspended_by_chargebacks(wallet);
        if wallet.status == WalletStatus::Active {
            change.status = WalletStatus::Suspended;
        }
        change.profile.chargebacks.insert(payment.clone(), chargeback);
        decision.change = Some(change);
        Ok(Verdict::new(with_request(decision, &self.request, fingerprint), subject(payment)))
    }
}

/// Revokes the credits of a purchase, and makes debt of the charged ones.
fn take_purchase(
    decision: &mut Decision,
    wallet: &Wallet,
    context: &Context<'_>,
    purchase: &PaymentSubject,
    grants: &[&Grant],
) {
    let mut used = Amounts::none();
    for grant in grants {
        for (part, amount) in [(Part::Available, grant.parts.available), (Part::Pending, grant.parts.pending)]
        {
            decision.move_in_grant(&grant.key, &grant.unit, part, Part::Revoked, amount);
        }
        used.add(&grant.unit, grant.parts.consumed);
        decision.clawback.push((grant.key.clone(), Clawback::ChargedBack));
    }
    // The part that a recorded refund turned into debt is owed already.
    let used = not_owed(wallet, purchase, &used);
    for (unit, amount) in used.iter() {
        decision.move_in_debt(unit, Part::Issued, Part::Owed, amount);
    }
    // No wallet owes a unit of which it has available credits, so other credits repay the debt at once.
    for unit in used.units() {
        let others = in_order(wallet, &context.catalogs.current, unit);
        for grant in others.into_iter().filter(|grant| grant.paid_with().as_ref() != Some(purchase)) {
            if decision.owed(wallet, unit) == 0 {
                break;
            }
            decision.repay_debt(wallet, &grant.key, unit, grant.parts.available);
        }
    }
}

/// Returns whether nothing but chargebacks suspends the wallet.
fn is_suspended_by_chargebacks(wallet: &Wallet) -> bool {
    let by_one = wallet.profile.chargebacks.values().any(|chargeback| chargeback.suspends);
    wallet.status == WalletStatus::Suspended && by_one
}
