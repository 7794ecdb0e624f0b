//! ReverseChargeback: withdraws a chargeback after the dispute was won. Credits that it revoked return to their grants, its
//! debt is withdrawn, and the suspension ends if nothing else holds it. Windows to come of a period give credits again.

use crate::decide::checks::check_not_closed;
use crate::decide::context::Context;
use crate::decide::decision::{Change, Decision};
use crate::decide::payment_name::{PaymentName, paid_with};
use crate::decide::read_set::ReadSet;
use crate::decide::refund_claims::not_owed;
use crate::decide::refunded_share::withdraw_chargeback;
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::restore::Restoration;
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::ledger::posting::Part;
use crate::value::amount::Amounts;
use crate::value::ids::RequestId;
use crate::value::payment_subject::PaymentSubject;
use crate::view::views::{WalletBalancesView, WalletSubject};
use crate::wallet::grant::{Clawback, Grant};
use crate::wallet::refund::Chargeback;
use crate::wallet::rejection::Rejection;
use crate::wallet::{Wallet, WalletStatus};

/// The command that withdraws a chargeback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReverseChargeback {
    /// The idempotency key.
    pub request: RequestId,
    /// The purchase or the period whose payment was charged back.
    pub payment: PaymentName,
    /// Recorded in the entry.
    pub reason: String,
}

impl WalletCommand for ReverseChargeback {
    type View = WalletBalancesView;

    fn read_set(&self) -> ReadSet {
        self.payment.read_set()
    }

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<WalletSubject>, Rejection> {
        let payment = self.payment.disputed_subject(wallet, &self.request);
        let fingerprint = self.payment.fingerprint(payment.as_ref());
        let grants = paid_with(wallet, payment.as_ref());
        if replay_of_request(wallet, &self.request, EntryKind::ChargebackReversed, &fingerprint)? {
            return Ok(Verdict::replay(WalletSubject));
        }
        // A charged-back period without grants is known by its chargeback alone.
        if !payment.as_ref().is_some_and(|payment| wallet.profile.chargebacks.contains_key(payment)) {
            self.payment.check(wallet, payment.as_ref(), &grants)?;
        }
        let payment = payment.ok_or(Rejection::TopUpNotFound)?;
        let mut change = Change::none(wallet);
        let chargeback = change.profile.chargebacks.remove(&payment).ok_or(Rejection::NotChargedBack)?;
        check_not_closed(wallet)?;
        let decision = Decision::of(EntryKind::ChargebackReversed, context.now).because(&self.reason);
        let mut restoration = Restoration::of(
            wallet,
            &context.catalogs.current,
            decision,
            self.request.clone().into(),
            context.now,
        );
        match payment {
            PaymentSubject::Purchase(_) => return_purchase(&mut restoration, &payment, &grants, &chargeback),
            PaymentSubject::Period(period) => {
                let reply = wallet.profile.money_back_of(period);
                change.profile.money_back.insert(self.request.clone(), reply);
                let claims = withdraw_chargeback(&mut restoration, &payment, &grants, &chargeback);
                change.profile.recorded_refunds.remove(&payment);
                if let Some(mut before) = chargeback.before {
                    claims.iter().for_each(|(unit, amount)| before.claims.add(unit, amount));
                    change.profile.recorded_refunds.insert(payment, before);
                }
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

/// Withdraws the debt of a purchase and returns its credits.
fn return_purchase(
    restoration: &mut Restoration<'_>,
    purchase: &PaymentSubject,
    grants: &[&Grant],
    chargeback: &Chargeback,
) {
    let mut owed = Amounts::none();
    for grant in grants {
        owed.add(&grant.unit, grant.parts.consumed);
    }
    for (unit, amount) in not_owed(restoration.wallet, purchase, &owed).iter() {
        restoration.withdraw_debt(unit, amount);
    }
    for grant in grants.iter().filter(|grant| grant.clawback == Some(Clawback::ChargedBack)) {
        let other = chargeback.others.get(&grant.key).copied();
        restoration.decision.withdrawn.push((grant.key.clone(), other));
        if other.is_none() {
            restoration.return_to(grant, Part::Revoked, grant.parts.revoked);
        }
    }
}
