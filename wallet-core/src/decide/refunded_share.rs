//! The share of a payment that was returned, and the credits that it still pays for.
//!
//! The refunded credits are computed from the share, so that parts of a refund in any order end where one refund ends. Only
//! credits that expired between two parts make a difference: they do not come back with a smaller total.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::decide::decision::Decision;
use crate::decide::restore::Restoration;
use crate::decide::spend::in_order;
use crate::ledger::posting::Part;
use crate::value::amount::Amounts;
use crate::value::ids::UnitId;
use crate::value::payment_subject::PaymentSubject;
use crate::wallet::Wallet;
use crate::wallet::grant::Grant;
use crate::wallet::raises::Raises;
use crate::wallet::refund::{Chargeback, Fraction, RecordedRefund, UsedCredits};
use crate::wallet::subscription::Subscription;

/// Another share of a payment that was returned.
pub(crate) struct RefundedShare<'a> {
    pub payment: &'a PaymentSubject,
    /// The grants that were bought with it.
    pub grants: &'a [&'a Grant],
    pub share: Fraction,
    pub used: UsedCredits,
}

impl RefundedShare<'_> {
    /// Claws back the credits that are no longer paid, or returns them. Returns the record, without a total, and the
    /// credits that were taken.
    pub(crate) fn apply(&self, restoration: &mut Restoration<'_>) -> (RecordedRefund, Amounts) {
        let (wallet, share) = (restoration.wallet, self.share);
        let before = wallet.profile.recorded_refunds.get(self.payment);
        let owed_before = before.map_or_else(Amounts::none, |before| before.owed.clone());
        let mut raises = before.map_or_else(BTreeMap::new, |before| before.raises.clone());
        let to_come = windows_to_come(wallet, self.payment);
        let mut record = RecordedRefund {
            total: None,
            share,
            used: self.used,
            claims: Amounts::none(),
            owed: Amounts::none(),
            withheld: Amounts::none(),
            raises: BTreeMap::new(),
            bought: Amounts::none(),
            sale: match self.payment {
                PaymentSubject::Purchase(_) => 0,
                PaymentSubject::Period(_) => wallet.profile.sales,
            },
            unpaid_sale: wallet.profile.unpaid_sale(self.payment),
        };
        let mut all_taken = Amounts::none();
        for (unit, mut credits) in credits_of(self.grants, &to_come) {
            let bought_before = before.map_or(0, |before| before.bought.get(unit.as_str()));
            credits.cancelled = (bought_before - credits.bought).max(0);
            if let PaymentSubject::Period(_) = self.payment {
                record.bought.set(unit, credits.bought + credits.cancelled);
            }
            record.withheld.set(unit, credits.withheld(share));
            let refunded = raises.entry(unit.clone()).or_default();
            refunded.set(credits.refunded(share) - credits.withheld(share), credits.lost());
            let beyond = refunded.taken() - credits.paid_out;
            if beyond > 0 {
                let taken = take(&mut restoration.decision, self.grants, unit, beyond);
                record.claims.set(unit, beyond - taken);
                all_taken.add(unit, taken);
            }
            if self.used == UsedCredits::Owe {
                record.owed.set(unit, credits.used_beyond(share));
            }
            let owed = record.owed.get(unit.as_str()) - owed_before.get(unit.as_str());
            if owed > 0 {
                owe(restoration, unit, owed, |grant| grant.paid_with().as_ref() != Some(self.payment));
            } else {
                restoration.withdraw_debt(unit, -owed);
            }
            return_paid_out(restoration, self.grants, unit, -beyond);
        }
        record.raises = raises.into_iter().filter(|(_, raises)| *raises != Raises::default()).collect();
        (record.claims, record.owed) = (record.claims.above_zero(), record.owed.above_zero());
        record.withheld = record.withheld.above_zero();
        (record, all_taken.above_zero())
    }
}

/// Records the total of a refund again. Its share stays, also if the price has changed since; only the treatment of
/// used credits may be another one. `grants` are those of the payment.
pub(crate) fn repeated(
    restoration: &mut Restoration<'_>,
    grants: &[&Grant],
    before: &RecordedRefund,
    used: UsedCredits,
) -> RecordedRefund {
    let concerned: Vec<_> = grants.iter().copied().filter(|grant| before.concerns(grant)).collect();
    let mut owed = Amounts::none();
    for (unit, credits) in credits_of(&concerned, &Amounts::none()) {
        let refunded = before.raises.get(unit).map_or(0, Raises::refunded);
        if used == UsedCredits::Owe {
            owed.set(unit, (credits.used - (credits.bought - refunded)).max(0));
        }
        let more = owed.get(unit.as_str()) - before.owed.get(unit.as_str());
        if more > 0 {
            // The credits of an upgrade repay it too: they have a payment of their own.
            owe(restoration, unit, more, |_| true);
        } else {
            restoration.withdraw_debt(unit, -more);
        }
    }
    RecordedRefund { used, owed: owed.above_zero(), ..before.clone() }
}

/// Returns the amounts that windows to come give in a period.
pub(crate) fn windows_to_come(wallet: &Wallet, payment: &PaymentSubject) -> Amounts {
    let PaymentSubject::Period(period) = payment else { return Amounts::none() };
    let present = wallet.profile.subscription.as_deref().filter(|present| present.period_id() == *period);
    present.map_or_else(Amounts::none, Subscription::to_come)
}

/// The credits of a purchase or a period in one unit, in minor units.
#[derive(Default)]
struct Credits {
    /// All that were bought, those to come included.
    bought: i64,
    /// Those of windows that have not begun.
    to_come: i64,
    /// Those of windows that were cancelled, because the subscription has ended or its plan has changed. `bought` does not
    /// include them.
    cancelled: i64,
    unspent: i64,
    held: i64,
    used: i64,
    paid_out: i64,
}

impl Credits {
    /// Returns the refunded part of `bought`. Cancelled windows are refunded first.
    fn refunded(&self, share: Fraction) -> i64 {
        let all = i128::from(self.bought) + i128::from(self.cancelled);
        let refunded = all * i128::from(share.numerator) / i128::from(share.denominator);
        let beyond_cancelled = (refunded.min(all) - i128::from(self.cancelled)).max(0);
        i64::try_from(beyond_cancelled).unwrap_or(i64::MAX)
    }

    /// Returns the refunded credits that windows to come will not give.
    fn withheld(&self, share: Fraction) -> i64 {
        self.refunded(share).min(self.to_come)
    }

    /// Returns the credits that are still paid, of those that were issued: all but the refunded share, rounded up.
    fn paid(&self, share: Fraction) -> i64 {
        self.bought - self.to_come - (self.refunded(share) - self.withheld(share))
    }

    /// Returns the credits that have expired or been revoked.
    fn lost(&self) -> i64 {
        self.bought - self.to_come - self.used - self.held - self.unspent - self.paid_out
    }

    fn used_beyond(&self, refunded: Fraction) -> i64 {
        (self.used - self.paid(refunded)).max(0)
    }
}

/// Returns the credits of a payment, per unit: of its own grants and of those that stem from them, and those to come.
fn credits_of<'a>(grants: &[&'a Grant], to_come: &'a Amounts) -> BTreeMap<&'a UnitId, Credits> {
    let mut units: BTreeMap<&UnitId, Credits> = BTreeMap::new();
    for grant in grants {
        let credits = units.entry(&grant.unit).or_default();
        credits.bought += if grant.details.stems_from.is_none() { grant.amount } else { 0 };
        credits.unspent += grant.parts.available + grant.parts.pending;
        credits.held += grant.parts.held;
        credits.used += grant.parts.consumed;
        credits.paid_out += grant.parts.paid_out;
    }
    for (unit, amount) in to_come.iter() {
        let credits = units.entry(unit).or_default();
        (credits.bought, credits.to_come) = (credits.bought + amount, amount);
    }
    units
}

/// Claws back up to `amount` unspent credits. Returns the amount that was taken.
fn take(decision: &mut Decision, grants: &[&Grant], unit: &UnitId, amount: i64) -> i64 {
    let mut left = amount;
    for grant in grants.iter().filter(|grant| grant.unit == *unit) {
        for (part, there) in [(Part::Available, grant.parts.available), (Part::Pending, grant.parts.pending)]
        {
            let taken = left.min(there);
            left -= taken;
            decision.move_in_grant(&grant.key, unit, part, Part::PaidOut, taken);
        }
    }
    amount - left
}

/// Withdraws the chargeback of a period: the credits that were taken because of it return, and its debt is withdrawn. If the
/// refund that was recorded before would have taken more, that is taken now. Returns the part that is held or used.
pub(crate) fn withdraw_chargeback(
    restoration: &mut Restoration<'_>,
    payment: &PaymentSubject,
    grants: &[&Grant],
    chargeback: &Chargeback,
) -> Amounts {
    let owed_before = chargeback.before.as_ref().map_or_else(Amounts::none, |before| before.owed.clone());
    let record = restoration.wallet.profile.recorded_refunds.get(payment);
    for (unit, owed) in record.map_or_else(Amounts::none, |record| record.owed.clone()).iter() {
        restoration.withdraw_debt(unit, owed - owed_before.get(unit.as_str()));
    }
    let mut claims = Amounts::none();
    for (unit, taken) in &chargeback.taken {
        return_paid_out(restoration, grants, unit, *taken);
        let more = (-taken).max(0);
        claims.add(unit, more - take(&mut restoration.decision, grants, unit, more));
    }
    claims.above_zero()
}

/// Returns paid-out credits, those of grants that live longest first. Credits of a revoked grant stay revoked.
fn return_paid_out(restoration: &mut Restoration<'_>, grants: &[&Grant], unit: &UnitId, amount: i64) {
    let mut left = amount;
    let mut places: Vec<_> = grants.iter().filter(|grant| grant.unit == *unit).collect();
    places.sort_by_key(|grant| Reverse(grant.expire_time));
    for grant in places {
        let part = left.min(grant.parts.paid_out).max(0);
        left -= part;
        match grant.clawback {
            None => restoration.return_to(grant, Part::PaidOut, part),
            Some(_) => {
                restoration.decision.move_in_grant(&grant.key, unit, Part::PaidOut, Part::Revoked, part);
            }
        }
    }
}

/// Turns used credits into debt, which other available credits repay at once.
fn owe(restoration: &mut Restoration<'_>, unit: &UnitId, amount: i64, is_other: impl Fn(&Grant) -> bool) {
    let wallet = restoration.wallet;
    restoration.decision.move_in_debt(unit, Part::Issued, Part::Owed, amount);
    for grant in in_order(wallet, restoration.catalog, unit).into_iter().filter(|grant| is_other(grant)) {
        if restoration.decision.owed(wallet, unit) == 0 {
            break;
        }
        restoration.decision.repay_debt(wallet, &grant.key, unit, grant.parts.available);
    }
}
