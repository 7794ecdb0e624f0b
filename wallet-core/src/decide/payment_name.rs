//! Payments as callers refer to them: the payment of a purchase, or that of a period of a subscription.

use crate::decide::purchase::PurchaseName;
use crate::decide::read_set::ReadSet;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::{OriginId, RequestId};
use crate::value::payment_subject::{PaymentSubject, PeriodId};
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::grant::Grant;
use crate::wallet::payment::{MAX_PAYMENTS, Payment, is_refunded_ahead};
use crate::wallet::profile::Profile;
use crate::wallet::rejection::Rejection;

/// A caller's reference to a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentName {
    Purchase(PurchaseName),
    /// The period that starts at this instant, of the subscription that was sold last if several have one.
    Period(Timestamp),
    /// The period of a subscription that was paid with this reference of the payment provider.
    PaidPeriod(OriginId),
}

impl PaymentName {
    /// Returns the rows that a command about the payment reads.
    pub(crate) fn read_set(&self) -> ReadSet {
        match self {
            Self::Purchase(name) => ReadSet { purchase: Some(name.clone()), ..ReadSet::default() },
            Self::Period(start) => ReadSet { paid_period: Some(*start), ..ReadSet::default() },
            Self::PaidPeriod(reference) => {
                ReadSet { period_payment: Some(reference.clone()), period: true, ..ReadSet::default() }
            }
        }
    }

    /// Returns the payment's subject; none if the payment is unknown. A replay of a request has the subject that the request
    /// had.
    pub(crate) fn subject(&self, wallet: &Wallet, request: &RequestId) -> Option<PaymentSubject> {
        match self {
            Self::Purchase(name) => {
                name.top_up(wallet.grants.values()).cloned().map(PaymentSubject::Purchase)
            }
            Self::Period(start) => {
                let before = wallet.profile.money_back.get(request).and_then(|before| before.period);
                let before = before.filter(|before| before.start == *start);
                before.or_else(|| last_period_at(wallet, *start)).map(PaymentSubject::Period)
            }
            Self::PaidPeriod(reference) => {
                wallet.profile.period_named_by(request, reference).map(PaymentSubject::Period)
            }
        }
    }

    /// Returns the same as [`Self::subject`], for a dispute that was won: of the periods that it may name, it means the
    /// last that is charged back.
    pub(crate) fn disputed_subject(&self, wallet: &Wallet, request: &RequestId) -> Option<PaymentSubject> {
        let charged_back = wallet.profile.chargebacks.keys();
        let disputed = charged_back.filter(|payment| self.may_name(wallet, payment)).max().cloned();
        let is_replay = wallet.profile.money_back.contains_key(request);
        disputed.filter(|_| !is_replay).or_else(|| self.subject(wallet, request))
    }

    /// Returns the same as [`Self::subject`], for a refund that failed: of the periods that it may name, it means the
    /// last that has a recorded refund, also one that has failed before.
    pub(crate) fn unrefunded_subject(&self, wallet: &Wallet, request: &RequestId) -> Option<PaymentSubject> {
        let last = self.subject(wallet, request)?;
        let profile = &wallet.profile;
        let is_replay = profile.money_back.contains_key(request);
        let was_ahead = |period| self.failed_ahead(profile, period).is_some();
        let has_refund = profile.has_recorded_refund(&last) || last.period().is_some_and(was_ahead);
        if is_replay || has_refund {
            return Some(last);
        }
        let refunded = profile.recorded_refunds.keys().filter(|payment| profile.has_recorded_refund(payment));
        let refunded = refunded.filter(|payment| self.may_name(wallet, payment));
        refunded.max().cloned().or(Some(last))
    }

    /// Returns whether it is the name of this period, or was when money of the period went back.
    fn may_name(&self, wallet: &Wallet, payment: &PaymentSubject) -> bool {
        let Some(period) = payment.period() else { return false };
        match self {
            Self::Purchase(_) => false,
            Self::Period(start) => period.start == *start,
            Self::PaidPeriod(reference) => wallet.profile.periods_named_by(reference).contains(&period),
        }
    }

    /// Returns the payment for a period that it means, if that was refunded before the period began: the one with the
    /// reference; by the start of the period, if no payment pays that, the last one that was refunded.
    pub(crate) fn refunded_ahead<'a>(
        &self,
        payments: &'a [Payment],
        period: PeriodId,
    ) -> Option<&'a Payment> {
        if let Self::PaidPeriod(reference) = self {
            let named = payments.iter().rfind(|payment| payment.has_reference(reference));
            return named.filter(|named| named.is_refunded_ahead());
        }
        let last = payments.iter().rfind(|payment| payment.was_for(period));
        last.filter(|_| is_refunded_ahead(payments, period))
    }

    /// Returns the same as [`Self::refunded_ahead`], for a refund that failed: by the start of the period, the last
    /// payment that was refunded before it began, although another one pays it, unless a refund of that one was recorded
    /// since, also one that failed.
    pub(crate) fn failed_ahead<'a>(&self, profile: &'a Profile, period: PeriodId) -> Option<&'a Payment> {
        match self {
            Self::Period(_) if !profile.has_recorded_refund(&PaymentSubject::Period(period)) => {
                profile.payments.iter().rfind(|payment| payment.was_for(period))
            }
            _ => self.refunded_ahead(&profile.payments, period),
        }
    }

    /// Returns the fingerprint of a command about the payment. It does not depend on the kind of reference if the payment is
    /// known.
    pub(crate) fn fingerprint(&self, subject: Option<&PaymentSubject>) -> Fingerprint {
        let fingerprint = Fingerprint::default();
        match (subject, self) {
            (Some(PaymentSubject::Purchase(id)), _) => fingerprint.with("top_up_id", Some(id)),
            (Some(PaymentSubject::Period(period)), _) => fingerprint.with("period_start_time", Some(period)),
            (None, Self::Purchase(name)) => name.fingerprint_of_unknown(),
            (None, Self::Period(start)) => fingerprint.with("period_start_time", Some(start)),
            (None, Self::PaidPeriod(reference)) => fingerprint.with("payment_ref", Some(reference)),
        }
    }

    /// Refuses payments that are unknown, and those of several purchases.
    pub(crate) fn check(
        &self,
        wallet: &Wallet,
        subject: Option<&PaymentSubject>,
        grants: &[&Grant],
    ) -> Result<(), Rejection> {
        let present = wallet.profile.subscription.as_deref();
        let period = subject.and_then(PaymentSubject::period);
        let has_begun = present.is_some_and(|present| Some(present.period_id()) == period);
        match self {
            Self::Purchase(name) => {
                name.check_one(wallet)?;
                if grants.is_empty() { Err(Rejection::TopUpNotFound) } else { Ok(()) }
            }
            Self::Period(_) | Self::PaidPeriod(_) if has_begun || !grants.is_empty() => Ok(()),
            Self::Period(_) => {
                let example = present.map(|present| format!(", such as {}", present.period_start()));
                let text = format!(
                    "must be the start of a period that has begun and was paid{}",
                    example.unwrap_or_default()
                );
                Err(Rejection::field("period_start_time", text))
            }
            Self::PaidPeriod(_) => {
                let text = match period {
                    Some(period) => {
                        format!("must be for a period that has begun; this one is for {}", period.start)
                    }
                    None => format!(
                        "must be the reference of one of the last {MAX_PAYMENTS} payments for periods; name an \
                         older one by period_start_time"
                    ),
                };
                Err(Rejection::field("payment_ref", text))
            }
        }
    }
}

/// Returns the period that starts at this instant, of the last subscription that has one.
fn last_period_at(wallet: &Wallet, start: Timestamp) -> Option<PeriodId> {
    let profile = &wallet.profile;
    let present = profile.subscription.as_deref().filter(|present| present.has_period(start));
    let granted = wallet.grants.values().filter_map(|grant| grant.details.period);
    let paid = profile.payments.iter().map(|payment| payment.period);
    let charged_back = profile.chargebacks.keys().filter_map(PaymentSubject::period);
    let known = granted.chain(paid).chain(charged_back).filter(|period| period.start == start);
    known.chain(present.map(|present| present.period_id_at(start))).max()
}

/// Returns the grants of a payment: its own, and those whose credits they first issued. Credits that a period gave before it
/// ended unpaid are not those of its late payment.
pub(crate) fn paid_with<'a>(wallet: &'a Wallet, payment: Option<&PaymentSubject>) -> Vec<&'a Grant> {
    let unpaid = payment.map_or(0, |payment| wallet.profile.unpaid_sale(payment));
    let is_paid = |grant: &&Grant| grant.first_sale().is_none_or(|sale| sale > unpaid);
    let belongs = |grant: &&Grant| payment.is_some() && grant.paid_with().as_ref() == payment;
    wallet.grants.values().filter(belongs).filter(is_paid).collect()
}
