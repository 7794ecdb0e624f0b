//! Payments for periods of a subscription, as the platform reports them, and the price of a period. Money is recorded, never
//! moved.

use serde::{Deserialize, Serialize};

use crate::value::ids::OriginId;
use crate::value::payment_subject::PeriodId;
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
    pub period: PeriodId,
    /// True if it was refunded before its period began. It does not pay the period.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refunded_ahead: bool,
}

impl Payment {
    /// Returns whether the payment provider calls it by this reference.
    pub(crate) fn has_reference(&self, reference: &OriginId) -> bool {
        self.paid.reference.as_ref() == Some(reference)
    }

    /// Returns whether it pays this period.
    pub(crate) fn pays(&self, period: PeriodId) -> bool {
        self.period == period && !self.refunded_ahead
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
    /// The list price of the last terms that had one, in minor units, if the present ones have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<i64>,
}

impl PeriodPrice {
    /// Returns the price of a period of which all was paid.
    pub(crate) fn paid_in_full(money: Money) -> Self {
        Self { paid: money.minor_units, whole: money, listed: None }
    }
}

/// Returns whether the payments for a period were refunded before it began, and no other payment came since.
pub(crate) fn is_refunded_ahead(payments: &[Payment], period: PeriodId) -> bool {
    let mut of_period = payments.iter().filter(|payment| payment.period == period).peekable();
    of_period.peek().is_some() && of_period.all(|payment| payment.refunded_ahead)
}

/// Adds the payment for a period, if there is anything to remember, and forgets the oldest. A payment that paid an earlier
/// subscription is carried over: it counts once, for this period.
pub(crate) fn remember(payments: &mut Vec<Payment>, paid: &Paid, period: PeriodId) {
    if let Some(reference) = &paid.reference {
        let is_another = |before: &Payment| {
            !before.has_reference(reference) || before.period.subscription >= period.subscription
        };
        payments.retain(is_another);
    }
    if *paid != Paid::default() || is_refunded_ahead(payments, period) {
        push(payments, Payment { paid: paid.clone(), period, refunded_ahead: false });
    }
}

fn push(payments: &mut Vec<Payment>, payment: Payment) {
    payments.push(payment);
    payments.drain(..payments.len().saturating_sub(MOST_REMEMBERED));
}

/// Marks the payments for a period that has not begun as refunded.
pub(crate) fn refund_ahead(payments: &mut Vec<Payment>, period: PeriodId) {
    let mut of_period: Vec<_> = payments.iter_mut().filter(|payment| payment.period == period).collect();
    of_period.iter_mut().for_each(|payment| payment.refunded_ahead = true);
    if of_period.is_empty() {
        push(payments, Payment { paid: Paid::default(), period, refunded_ahead: true });
    }
}

/// Marks the last payment for a period as not refunded. Returns whether it was refunded.
pub(crate) fn withdraw_refund(payments: &mut [Payment], period: PeriodId) -> bool {
    let last = payments.iter_mut().rfind(|payment| payment.period == period);
    last.is_some_and(|last| std::mem::take(&mut last.refunded_ahead))
}

/// Returns the sum of the payments for a period that are in one currency, that of the first; none if no amount is known.
pub(crate) fn paid_for(payments: &[Payment], period: PeriodId) -> Option<Money> {
    let amounts = payments.iter().filter(|payment| payment.pays(period));
    let mut amounts = amounts.filter_map(|payment| payment.paid.amount.clone());
    let first = amounts.next()?;
    let sum = amounts
        .filter(|money| money.currency == first.currency)
        .fold(first.minor_units, |sum, money| sum.saturating_add(money.minor_units));
    Some(Money { minor_units: sum, ..first })
}
