//! Credits that are charged or held although their price was refunded: the claims of recorded refunds.

use std::collections::BTreeMap;

use crate::decide::decision::{Change, Decision};
use crate::decide::periods::with_subscription;
use crate::ledger::posting::{Account, Part};
use crate::value::amount::Amounts;
use crate::value::ids::UnitId;
use crate::value::payment_subject::PaymentSubject;
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::grant::{Clawback, Grant};
use crate::wallet::refund::RecordedRefund;
use crate::wallet::reservation::{Allocation, Reservation};
use crate::wallet::subscription::Subscription;

/// Claws back credits that leave a hold or a charge of a purchase, up to the claim of its recorded refund. Returns the part
/// that was clawed back, and the debt that is to be withdrawn for it.
pub(crate) fn claw_back(
    decision: &mut Decision,
    wallet: &Wallet,
    grant: Option<&Grant>,
    from: Part,
    amount: i64,
) -> (i64, i64) {
    let present = decision.change.as_ref().map_or(&wallet.profile, |change| &change.profile);
    // Most wallets have no recorded refunds; for them, no subject is built.
    let grant = grant.filter(|_| !present.recorded_refunds.is_empty());
    let Some((grant, subject)) = grant.and_then(|grant| Some((grant, grant.paid_with()?))) else {
        return (0, 0);
    };
    let record = present.recorded_refunds.get(&subject).filter(|record| record.concerns(grant));
    let claim = record.map_or(0, |record| record.claims.get(grant.unit.as_str()));
    if claim == 0 {
        return (0, 0);
    }
    let change = decision.change.get_or_insert_with(|| Change::none(wallet));
    let Some(record) = change.profile.recorded_refunds.get_mut(&subject) else { return (0, 0) };
    let (taken, forgiven) = record.take(&grant.unit, amount, from == Part::Consumed);
    let chargeback = change.profile.chargebacks.get_mut(&subject);
    if let (PaymentSubject::Period(_), Some(chargeback)) = (&subject, chargeback) {
        chargeback.count_taken(grant, taken, from == Part::Consumed);
    }
    decision.move_in_grant(&grant.key, &grant.unit, from, Part::PaidOut, taken);
    (taken, forgiven)
}

/// Returns the used credits of a purchase without those that a recorded refund has turned into debt.
pub(crate) fn not_owed(wallet: &Wallet, purchase: &PaymentSubject, used: &Amounts) -> Amounts {
    let record = wallet.profile.recorded_refunds.get(purchase);
    let owed = |unit: &UnitId| record.map_or(0, |record| record.owed.get(unit.as_str()));
    used.iter().map(|(unit, amount)| (unit.clone(), (amount - owed(unit)).max(0))).collect()
}

/// Issues grants for windows of the present period, without the credits that a recorded refund of the period withholds. The
/// windows that come after them are withheld first.
pub(crate) fn issue_paid(
    wallet: &Wallet,
    mut decision: Decision,
    grants: Vec<Grant>,
    subscription: Subscription,
    at: Timestamp,
) -> Decision {
    let period = PaymentSubject::Period(subscription.period_id());
    let refund = wallet.profile.recorded_refunds.get(&period);
    // A plan of another term that began later at the same instant has a payment of its own.
    let mut refund = refund.filter(|refund| subscription.first <= refund.sale).cloned();
    let chargeback = wallet.profile.chargebacks.get(&period);
    let mut chargeback = chargeback.filter(|_| refund.is_some()).cloned();
    let left = refund.as_ref().map_or_else(Amounts::none, |_| subscription.to_come());
    for grant in grants {
        let left = left.get(grant.unit.as_str());
        let refund = refund.as_mut().filter(|_| grant.details.period.is_some());
        let withheld = refund.map_or(0, |refund| refund.withhold(&grant.unit, grant.amount, left));
        if let Some(chargeback) = chargeback.as_mut().filter(|_| grant.details.period.is_some()) {
            chargeback.count_withheld(&grant, subscription.first, left, withheld);
        }
        decision.issue_without(wallet, grant, withheld, at);
    }
    let mut decision = with_subscription(wallet, decision, Some(subscription));
    if let (Some(change), Some(refund)) = (&mut decision.change, refund) {
        change.profile.chargebacks.extend(chargeback.map(|chargeback| (period.clone(), chargeback)));
        change.profile.recorded_refunds.insert(period, refund);
    }
    decision
}

/// The uncovered credits of a hold in one unit because of recorded refunds, by payment.
pub(crate) struct Claims<'a> {
    /// The rest that can be charged, of each payment with a claim.
    chargeable: BTreeMap<&'a PaymentSubject, (i64, &'a RecordedRefund)>,
    claimed: i64,
}

impl<'a> Claims<'a> {
    pub(crate) fn of(wallet: &'a Wallet, reservation: &Reservation, unit: &UnitId) -> Self {
        let mut claims = Self { chargeable: BTreeMap::new(), claimed: 0 };
        for (subject, record) in &wallet.profile.recorded_refunds {
            // Most recorded refunds claim nothing any more; for them, no hold is searched.
            let claim = record.claims_of_holds(unit.as_str());
            if claim <= 0 {
                continue;
            }
            let of_payment = |allocation: &&Allocation| match &allocation.account {
                Account::Grant(key) if allocation.unit == *unit => {
                    let grant =
                        wallet.grants.get(key).filter(|grant| grant.paid_with().as_ref() == Some(subject));
                    let grant = grant.filter(|grant| record.concerns(grant));
                    grant.is_some_and(|grant| grant.clawback != Some(Clawback::ChargedBack))
                }
                _ => false,
            };
            let rest: i64 = reservation.allocations.iter().filter(of_payment).map(Allocation::rest).sum();
            let claimed = rest.min(claim);
            if claimed > 0 {
                claims.chargeable.insert(subject, (rest - claimed, record));
                claims.claimed += claimed;
            }
        }
        claims
    }

    /// Returns the sum of the uncovered credits.
    pub(crate) const fn sum(&self) -> i64 {
        self.claimed
    }

    /// Returns the part of `amount` that can be charged to credits of a grant, and counts it as charged.
    pub(crate) fn charge(&mut self, grant: Option<&Grant>, amount: i64) -> i64 {
        let grant = grant.filter(|_| !self.chargeable.is_empty());
        let left = grant.and_then(Grant::paid_with).and_then(|subject| self.chargeable.get_mut(&subject));
        let left = left.filter(|(_, record)| grant.is_some_and(|grant| record.concerns(grant)));
        let Some((left, _)) = left else { return amount };
        let part = amount.min(*left);
        *left -= part;
        part
    }
}
