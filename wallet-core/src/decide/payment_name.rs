//! Payments as callers refer to them: the payment of a purchase, or that of a period of a subscription.

use crate::decide::purchase::PurchaseName;
use crate::decide::read_set::ReadSet;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::OriginId;
use crate::value::payment_subject::PaymentSubject;
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::grant::Grant;
use crate::wallet::payment::MOST_REMEMBERED;
use crate::wallet::rejection::Rejection;
use crate::wallet::subscription::Subscription;

/// A caller's reference to a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentName {
    Purchase(PurchaseName),
    /// The period of a subscription that starts at this instant.
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

    /// Returns the payment's subject; none if the payment of a purchase is unknown.
    pub(crate) fn subject(&self, wallet: &Wallet) -> Option<PaymentSubject> {
        match self {
            Self::Purchase(name) => {
                name.top_up(wallet.grants.values()).cloned().map(PaymentSubject::Purchase)
            }
            Self::Period(start) => Some(PaymentSubject::Period(*start)),
            Self::PaidPeriod(reference) => {
                wallet.profile.period_paid_with(reference).map(PaymentSubject::Period)
            }
        }
    }

    /// Returns the fingerprint of a command about the payment. It does not depend on the kind of reference if the payment is
    /// known.
    pub(crate) fn fingerprint(&self, wallet: &Wallet) -> Fingerprint {
        match self {
            Self::Purchase(name) => name.fingerprint(wallet),
            Self::Period(start) => Fingerprint::default().with("period_start_time", Some(start)),
            Self::PaidPeriod(reference) => match wallet.profile.period_paid_with(reference) {
                Some(start) => Self::Period(start).fingerprint(wallet),
                None => Fingerprint::default().with("payment_ref", Some(reference)),
            },
        }
    }

    /// Refuses payments that are unknown, and those of several purchases.
    pub(crate) fn check(&self, wallet: &Wallet, grants: &[&Grant]) -> Result<(), Rejection> {
        match self {
            Self::Purchase(name) => {
                name.check_one(wallet)?;
                if grants.is_empty() { Err(Rejection::TopUpNotFound) } else { Ok(()) }
            }
            Self::Period(start) => match present_period(wallet) {
                Some(present) if present.period_start() == *start => Ok(()),
                _ if !grants.is_empty() => Ok(()),
                present => {
                    let example = present.map(|present| format!(", such as {}", present.period_start()));
                    let text = format!(
                        "must be the start of a period that has begun and was paid{}",
                        example.unwrap_or_default()
                    );
                    Err(Rejection::field("period_start_time", text))
                }
            },
            Self::PaidPeriod(reference) => match wallet.profile.period_paid_with(reference) {
                Some(start) => Self::Period(start).check(wallet, grants),
                None => {
                    let text = format!(
                        "must be the reference of one of the last {MOST_REMEMBERED} payments for periods; name an \
                         older one by period_start_time"
                    );
                    Err(Rejection::field("payment_ref", text))
                }
            },
        }
    }
}

/// Returns the subscription, whose present period is the last one that was paid if it is paused or past due.
pub(crate) fn present_period(wallet: &Wallet) -> Option<&Subscription> {
    wallet.profile.subscription.as_ref()
}

/// Returns the grants of a payment: its own, and those whose credits they first issued. Credits that a period gave before it
/// ended unpaid are not those of its late payment.
pub(crate) fn paid_with<'a>(wallet: &'a Wallet, payment: Option<&PaymentSubject>) -> Vec<&'a Grant> {
    let unpaid = payment.map_or(0, |payment| wallet.profile.unpaid_sale(payment));
    let is_paid = |grant: &&Grant| grant.first_sale().is_none_or(|sale| sale > unpaid);
    let belongs = |grant: &&Grant| payment.is_some() && grant.paid_with().as_ref() == payment;
    wallet.grants.values().filter(belongs).filter(is_paid).collect()
}
