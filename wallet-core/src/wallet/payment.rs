//! Payments for periods of a subscription, as the platform reports them, and the price of a period. Money is recorded, never
//! moved.

use serde::{Deserialize, Serialize};

use crate::value::ids::OriginId;
use crate::value::payment_subject::PeriodId;
use crate::value::stored::is_default;
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
    /// The refund that took it back before its period began, counted per period from 1; 0 if there is none. A payment that was
    /// refunded does not pay its period.
    #[serde(default, skip_serializing_if = "is_default")]
    pub refund_ahead: u32,
    /// True if it was for a later period, and other terms began instead of that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub carried_over: bool,
}

impl Payment {
    /// Returns whether the payment provider calls it by this reference.
    pub(crate) fn has_reference(&self, reference: &OriginId) -> bool {
        self.paid.reference.as_ref() == Some(reference)
    }

    /// Returns whether it was refunded before its period began.
    pub(crate) fn is_refunded_ahead(&self) -> bool {
        self.refund_ahead > 0
    }

    /// Returns whether it pays this period and was made for it, not carried over to it.
    pub(crate) fn is_for(&self, period: PeriodId) -> bool {
        self.pays(period) && !self.carried_over
    }

    /// Returns whether it pays this period, for which it was made or to which it was carried over.
    pub(crate) fn pays(&self, period: PeriodId) -> bool {
        self.period == period && !self.is_refunded_ahead()
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
    of_period.peek().is_some() && of_period.all(Payment::is_refunded_ahead)
}

/// Adds the payment for a period, if there is anything to remember, and forgets the oldest. A payment that paid an earlier
/// subscription is carried over: it counts once, for this period. So does one that other terms have carried over. One that pays
/// a period of this subscription already is not counted again.
pub(crate) fn remember(payments: &mut Vec<Payment>, paid: &Paid, period: PeriodId) {
    if let Some(reference) = &paid.reference {
        let pays_already = |before: &Payment| {
            before.has_reference(reference)
                && before.period.subscription == period.subscription
                && before.is_for(before.period)
        };
        if payments.iter().any(pays_already) {
            return;
        }
        let is_another = |before: &Payment| {
            let is_earlier = before.carried_over || before.period.subscription < period.subscription;
            !before.has_reference(reference) || !is_earlier
        };
        payments.retain(is_another);
    }
    if *paid != Paid::default() || is_refunded_ahead(payments, period) {
        push(payments, Payment { paid: paid.clone(), period, refund_ahead: 0, carried_over: false });
    }
}

fn push(payments: &mut Vec<Payment>, payment: Payment) {
    payments.push(payment);
    payments.drain(..payments.len().saturating_sub(MOST_REMEMBERED));
}

/// Marks the payments that pay a period that has not begun as refunded by one refund.
pub(crate) fn refund_ahead(payments: &mut Vec<Payment>, period: PeriodId) {
    let of_period = payments.iter().filter(|payment| payment.period == period);
    let refund = of_period.map(|payment| payment.refund_ahead).max().unwrap_or(0) + 1;
    let paying: Vec<_> = payments.iter_mut().filter(|payment| payment.pays(period)).collect();
    let is_known = !paying.is_empty();
    paying.into_iter().for_each(|payment| payment.refund_ahead = refund);
    if !is_known {
        let payment = Payment { paid: Paid::default(), period, refund_ahead: refund, carried_over: false };
        push(payments, payment);
    }
}

/// Marks the payments for a period that one refund covered as not refunded: those of the refund of the payment with this
/// reference, or else the last refund. Not if another payment pays the period.
pub(crate) fn withdraw_refund(payments: &mut [Payment], period: PeriodId, reference: Option<&OriginId>) {
    if !is_refunded_ahead(payments, period) {
        return;
    }
    let of_period = || payments.iter().filter(|payment| payment.period == period);
    let is_named = |payment: &&Payment| reference.is_some_and(|reference| payment.has_reference(reference));
    let last = of_period().map(|payment| payment.refund_ahead).max();
    let named = of_period().rfind(is_named).map(|payment| payment.refund_ahead);
    let refund = named.or(last).unwrap_or(0);
    for payment in payments.iter_mut().filter(|payment| payment.period == period) {
        payment.refund_ahead = if payment.refund_ahead == refund { 0 } else { payment.refund_ahead };
    }
}

/// Carries the payments for a later period over to one with other terms that begins instead. `price` is the money that was paid
/// for the later period, if it is known.
pub(crate) fn carry_over(payments: &mut Vec<Payment>, from: PeriodId, price: Option<Money>, to: PeriodId) {
    let is_paying = |payment: &Payment| payment.pays(from);
    if price.is_some() && !payments.iter().any(|payment| is_paying(payment) && payment.paid.amount.is_some())
    {
        match payments.iter_mut().find(|payment| is_paying(payment)) {
            Some(first) => first.paid.amount = price,
            None => remember(payments, &Paid { amount: price, reference: None }, from),
        }
    }
    for payment in payments.iter_mut().filter(|payment| payment.pays(from)) {
        (payment.period, payment.carried_over) = (to, true);
    }
}

/// Returns the price of a period: the amounts of its payments, or else the list price. Money that was carried over to it counts
/// beside those amounts; a list price includes it.
pub(crate) fn price_of(
    payments: &[Payment],
    period: PeriodId,
    listed: impl FnOnce() -> Option<PeriodPrice>,
) -> Option<PeriodPrice> {
    let own = sum(payments.iter().filter(|payment| payment.is_for(period)));
    let carried_over = sum(payments.iter().filter(|payment| payment.pays(period) && payment.carried_over));
    let Some(carried_over) = carried_over else { return own.map(PeriodPrice::paid_in_full).or_else(listed) };
    let carried_over_in = |price: &Money| match price.currency == carried_over.currency {
        true => carried_over.minor_units,
        false => 0,
    };
    Some(match (own, listed()) {
        (Some(own), _) => {
            let minor_units = own.minor_units.saturating_add(carried_over_in(&own));
            PeriodPrice::paid_in_full(Money { minor_units, ..own })
        }
        (None, Some(PeriodPrice { whole, paid, listed })) => {
            let least = carried_over_in(&whole);
            let minor_units = whole.minor_units.max(least);
            PeriodPrice { whole: Money { minor_units, ..whole }, paid: paid.max(least), listed }
        }
        (None, None) => PeriodPrice::paid_in_full(carried_over),
    })
}

/// Returns the sum of the payments that are in one currency, that of the first; none if no amount is known.
fn sum<'a>(payments: impl Iterator<Item = &'a Payment>) -> Option<Money> {
    let mut amounts = payments.filter_map(|payment| payment.paid.amount.clone());
    let first = amounts.next()?;
    let sum = amounts
        .filter(|money| money.currency == first.currency)
        .fold(first.minor_units, |sum, money| sum.saturating_add(money.minor_units));
    Some(Money { minor_units: sum, ..first })
}
