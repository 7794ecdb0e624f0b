//! Payments for periods of a subscription, as the platform reports them, and the price of a period. Money is recorded, never
//! moved.

use serde::{Deserialize, Serialize};

use crate::value::ids::OriginId;
use crate::value::time::Timestamp;
use crate::wallet::grant::Money;

/// The most payments that a wallet remembers.
pub(crate) const MOST_REMEMBERED: usize = 24;

/// The payment of a command that sells or pays a period.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paid {
    /// The amount, if it is known. Refunds use it before the list price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// The provider's id of the payment. A RecordPayment with a known one is a replay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<OriginId>,
}

/// The payment for a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    #[serde(flatten)]
    pub paid: Paid,
    /// The start of the period.
    pub period_start: Timestamp,
    /// True if it was refunded before the period began, which then is not paid.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refunded: bool,
    /// True if it was for an earlier subscription, and one that was sold later has the same period. Refunds of the later one do
    /// not count it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub earlier: bool,
}

impl Payment {
    /// Returns whether it pays its period of the subscription that was sold last.
    pub(crate) const fn counts(&self) -> bool {
        !self.refunded && !self.earlier
    }
}

/// The price of a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodPrice {
    /// The price of the whole period under the present terms, of which a share is refunded.
    pub whole: Money,
    /// The money that was paid, in minor units. After an upgrade within the period it is less than the whole, because the
    /// difference was paid for the rest of the period.
    pub paid: i64,
}

impl PeriodPrice {
    /// Returns the price of a period of which all was paid.
    pub(crate) fn paid_in_full(money: Money) -> Self {
        Self { paid: money.minor_units, whole: money }
    }
}

/// Adds the payment for a period, if there is anything to remember, and forgets the oldest.
pub(crate) fn remember(payments: &mut Vec<Payment>, paid: &Paid, period_start: Timestamp) {
    if *paid != Paid::default() {
        push(payments, Payment { paid: paid.clone(), period_start, refunded: false, earlier: false });
    }
}

fn push(payments: &mut Vec<Payment>, payment: Payment) {
    payments.push(payment);
    payments.drain(..payments.len().saturating_sub(MOST_REMEMBERED));
}

/// Marks the payments for periods that a new subscription has too as those of an earlier one. A refund of them stays: it
/// cannot be withdrawn any more.
pub(crate) fn mark_earlier(payments: &mut [Payment], is_of_new_one: impl Fn(Timestamp) -> bool) {
    for payment in payments.iter_mut().filter(|payment| is_of_new_one(payment.period_start)) {
        (payment.earlier, payment.refunded) = (true, false);
    }
}

/// Marks the payments for a period that has not begun as refunded.
pub(crate) fn refund(payments: &mut Vec<Payment>, period_start: Timestamp) {
    let mut of_period: Vec<_> =
        payments.iter_mut().filter(|payment| payment.period_start == period_start).collect();
    of_period.iter_mut().for_each(|payment| payment.refunded = true);
    if of_period.is_empty() {
        push(payments, Payment { paid: Paid::default(), period_start, refunded: true, earlier: false });
    }
}

/// Marks the last payment for a period as not refunded. Returns whether it was refunded.
pub(crate) fn withdraw_refund(payments: &mut [Payment], period_start: Timestamp) -> bool {
    let last = payments.iter_mut().rfind(|payment| payment.period_start == period_start);
    last.is_some_and(|last| std::mem::take(&mut last.refunded))
}

/// Returns the sum of the payments for a period that are in one currency, that of the first; none if no amount is known.
pub(crate) fn paid_for(payments: &[Payment], period_start: Timestamp) -> Option<Money> {
    let paid = |payment: &&Payment| payment.period_start == period_start && payment.counts();
    let amounts = payments.iter().filter(paid);
    let mut amounts = amounts.filter_map(|payment| payment.paid.amount.clone());
    let first = amounts.next()?;
    let sum = amounts
        .filter(|money| money.currency == first.currency)
        .fold(first.minor_units, |sum, money| sum.saturating_add(money.minor_units));
    Some(Money { minor_units: sum, ..first })
}
