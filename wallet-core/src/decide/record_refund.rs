//! RecordRefund: records that the payment provider has paid back a purchase or a period, in full or in part.
//!
//! The total is cumulative, and the credits that are still paid are computed from it: those that were bought without the
//! refunded share, rounded up. Credits beyond them are clawed back: unspent ones now, held ones when they return. Used ones
//! are forgiven or become debt. A smaller total than before gives credits back.
//!
//! Windows of a period that have not begun count as refunded first, the last one before the others: they then give
//! nothing. A subscription does not end because a period is refunded. A period that was paid ahead and has not begun is unpaid
//! after a refund.

use crate::decide::checks::check_not_closed;
use crate::decide::context::Context;
use crate::decide::decision::{Change, Decision};
use crate::decide::payment_name::{PaymentName, paid_with};
use crate::decide::read_set::ReadSet;
use crate::decide::refund_ahead::refund_ahead;
use crate::decide::refunded_share::{RefundedShare, repeated, windows_to_come};
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::restore::Restoration;
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::value::amount::Amounts;
use crate::value::ids::RequestId;
use crate::value::payment_subject::PaymentSubject;
use crate::view::views::{MoneyBackSubject, RecordedRefundView};
use crate::wallet::Wallet;
use crate::wallet::grant::{Clawback, Grant, Money, Origin};
use crate::wallet::payment::{self, PeriodPrice};
use crate::wallet::refund::{Fraction, MoneyBack, RecordedRefund, UsedCredits};
use crate::wallet::rejection::{Rejection, Unrefundable};
use crate::wallet::subscription::Subscription;

/// The command that records a refund of the payment provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRefund {
    /// The idempotency key.
    pub request: RequestId,
    /// The purchase or the period that the payment was for.
    pub payment: PaymentName,
    /// The money that went back so far, in all parts.
    pub total: Money,
    /// The treatment of credits that were used beyond those that are still paid.
    pub used: UsedCredits,
    /// Recorded in the entry.
    pub reason: String,
}

impl WalletCommand for RecordRefund {
    type View = RecordedRefundView;

    fn read_set(&self) -> ReadSet {
        self.payment.read_set()
    }

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<MoneyBackSubject>, Rejection> {
        let payment = match self.total.minor_units {
            0 => self.payment.unrefunded_subject(wallet, &self.request),
            _ => self.payment.subject(wallet, &self.request),
        };
        let fingerprint = self.payment.fingerprint(payment.as_ref());
        let fingerprint =
            fingerprint.with("refunded_total", Some(&self.total)).with("used", Some(&self.used));
        let grants = paid_with(wallet, payment.as_ref());
        let keys = grants.iter().map(|grant| grant.key.clone()).collect();
        let subject = |payment| MoneyBackSubject { request: self.request.clone(), payment, grants: keys };
        let is_replay = replay_of_request(wallet, &self.request, EntryKind::RefundRecorded, &fingerprint)?;
        if let (true, Some(payment)) = (is_replay, &payment) {
            return Ok(Verdict::replay(subject(payment.clone())));
        }
        let period = payment.as_ref().and_then(PaymentSubject::period);
        if let Some(period) = period
            && let Some(ahead) = refund_ahead(wallet, &self.payment, period, &self.total, context.now)
        {
            let mut decision = ahead?.because(&self.reason);
            if let Some(change) = &mut decision.change {
                let total = Some(self.total.clone());
                let reply = MoneyBack { total, ..wallet.profile.money_back_of(period) };
                change.profile.money_back.insert(self.request.clone(), reply);
            }
            let decision = with_request(decision, &self.request, fingerprint);
            return Ok(Verdict::new(decision, subject(PaymentSubject::Period(period))));
        }
        self.payment.check(wallet, payment.as_ref(), &grants)?;
        let id = payment.ok_or(Rejection::TopUpNotFound)?;
        let before = wallet.profile.recorded_refunds.get(&id);
        let price = price_of(wallet, &id, &grants).or_else(|why| {
            // The refund of a payment that was carried over failed: the price is at least what had gone back.
            let has_failed = self.total.minor_units == 0 && why == Unrefundable::NoPrice;
            let went_back = before.and_then(|before| before.total.clone()).filter(|_| has_failed);
            went_back.map(PeriodPrice::paid_in_full).ok_or(Rejection::NotRefundable(why))
        })?;
        let share = refunded_share(&price, &self.total)?;
        check_not_closed(wallet)?;
        let decision = Decision::of(EntryKind::RefundRecorded, context.now).because(&self.reason);
        let catalog = &context.catalogs.current;
        let request = self.request.clone().into();
        let mut restoration = Restoration::of(wallet, catalog, decision, request, context.now);
        let record =
            match before.filter(|before| period.is_some() && before.total.as_ref() == Some(&self.total)) {
                Some(before) => repeated(&mut restoration, &grants, before, self.used),
                None => {
                    let refunded = RefundedShare { payment: &id, grants: &grants, share, used: self.used };
                    let (record, _) = refunded.apply(&mut restoration);
                    RecordedRefund { total: Some(self.total.clone()), ..record }
                }
            };
        let mut decision = restoration.decision;
        let mut change = Change::none(wallet);
        let to_come = windows_to_come(wallet, &id);
        let withheld =
            record.withheld.iter().map(|(unit, n)| (unit.clone(), n.min(to_come.get(unit.as_str()))));
        let withheld = withheld.collect::<Amounts>().above_zero();
        let of_period = period.map(|period| wallet.profile.money_back_of(period)).unwrap_or_default();
        let reply = MoneyBack { total: record.total.clone(), withheld, ..of_period };
        change.profile.money_back.insert(self.request.clone(), reply);
        change.profile.recorded_refunds.insert(id.clone(), record);
        decision.change = Some(change);
        Ok(Verdict::new(with_request(decision, &self.request, fingerprint), subject(id)))
    }
}

/// Returns the price of a purchase or a period, or the reason against a refund.
fn price_of(
    wallet: &Wallet,
    payment: &PaymentSubject,
    grants: &[&Grant],
) -> Result<PeriodPrice, Unrefundable> {
    if wallet.profile.chargebacks.contains_key(payment) {
        return Err(Unrefundable::ChargedBack);
    }
    match grants.iter().filter_map(|grant| grant.clawback).max() {
        Some(Clawback::ChargedBack) => return Err(Unrefundable::ChargedBack),
        Some(Clawback::Refunded) => return Err(Unrefundable::AlreadyRefunded),
        Some(Clawback::Revoked) | None => {}
    }
    let period = match payment {
        PaymentSubject::Purchase(_) => {
            let price = grants.first().and_then(|grant| grant.details.paid_amount.clone());
            return price.map(PeriodPrice::paid_in_full).ok_or(Unrefundable::NoPrice);
        }
        PaymentSubject::Period(period) => *period,
    };
    if wallet.profile.refunds.values().any(|refund| refund.period == period) {
        return Err(Unrefundable::AlreadyRefunded);
    }
    if wallet.profile.is_unpaid(period) {
        return Err(Unrefundable::Unpaid);
    }
    let present = wallet.profile.subscription.as_deref().filter(|present| present.id == period.subscription);
    let is_known = |present: &&Subscription| {
        let own = |grant: &&&Grant| grant.key.origin == Origin::Period;
        let mut sales = grants.iter().filter(own).map(|grant| grant.key.sale());
        present.remembers_price_of(period.start) || sales.all(|sale| sale == Some(present.number))
    };
    let listed = || present.filter(is_known)?.listed_price_of(period.start);
    payment::price_of(&wallet.profile.payments, period, listed).ok_or(Unrefundable::NoPrice)
}

/// Returns the refunded share of the money that was paid. If that was computed from list prices, the provider may have
/// rounded otherwise: a total up to the whole price is accepted, and all of it was refunded.
fn refunded_share(price: &PeriodPrice, total: &Money) -> Result<Fraction, Rejection> {
    let PeriodPrice { whole: Money { currency, minor_units: whole }, paid, listed: _ } = price;
    let most = whole.max(paid);
    if total.currency != *currency {
        let text = format!("must be in {currency}, the currency of the payment");
        return Err(Rejection::field("refunded_total", text));
    }
    if total.minor_units > *most {
        let text = format!("must not be above the price, {most} {currency} (minor units)");
        return Err(Rejection::field("refunded_total", text));
    }
    let denominator = (*paid).max(1);
    Ok(Fraction { numerator: total.minor_units.min(denominator), denominator })
}
