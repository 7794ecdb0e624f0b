//! Payments for periods of a subscription, as the platform reports them, and the price of a period. Money is recorded, never
//! moved.

use serde::{Deserialize, Serialize};

use crate::value::ids::OriginId;
use crate::value::payment_subject::PeriodId;
use crate::value::stored::is_default;
use crate::value::time::Timestamp;
use crate::wallet::grant::Money;
use crate::wallet::sold::PlanChange;

/// The most payments that a wallet remembers.
pub(crate) const MAX_PAYMENTS: usize = 24;

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
    /// The refund of the payment before its period began. It does not pay its period then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_ahead: Option<RefundAhead>,
    /// True if it was for a later period, and other terms began instead of that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub carried_over: bool,
    /// True if it was for a later period, and the subscription ended before that. It pays nothing then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unstarted: bool,
}

/// The refund of a payment before its period began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundAhead {
    /// The money that went back.
    pub total: Money,
    /// The list price that the period had with the payment, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<PeriodPrice>,
    /// The change of plan that was to come, if the payment was for its terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Box<PlanChange>>,
    /// True if the period has begun since: by the clock, or with another payment.
    #[serde(default, skip_serializing_if = "is_default")]
    pub begun: bool,
    /// True if the refund failed when the period could not be paid again. RecordPayment, Subscribe and ChangePlan may count the
    /// payment for another one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub failed: bool,
}

impl RefundAhead {
    /// Returns the refund of money that was paid for a period which cannot begin any more.
    fn of_unstarted(total: Money) -> Self {
        Self { total, listed: None, change: None, begun: false, failed: false }
    }
}

impl Payment {
    fn new(paid: Paid, period: PeriodId) -> Self {
        Self { paid, period, refund_ahead: None, carried_over: false, unstarted: false }
    }

    /// Returns whether the payment provider calls it by this reference.
    pub(crate) fn has_reference(&self, reference: &OriginId) -> bool {
        self.paid.reference.as_ref() == Some(reference)
    }

    /// Returns whether it was refunded before its period began.
    pub(crate) fn is_refunded_ahead(&self) -> bool {
        self.refund_ahead.is_some()
    }

    /// Returns whether it pays nothing yet: its refund failed, or its subscription ended before its period.
    pub(crate) fn pays_nothing(&self) -> bool {
        self.refund_ahead.as_ref().map_or(self.unstarted, |refund| refund.failed)
    }

    /// Returns whether it counts for a period.
    pub(crate) fn counts(&self) -> bool {
        !self.is_refunded_ahead() && !self.pays_nothing()
    }

    /// Returns whether it was refunded ahead for this period, which may begin. Other terms have not begun instead.
    pub(crate) fn was_for(&self, period: PeriodId) -> bool {
        self.period == period && self.is_refunded_ahead() && !self.carried_over
    }

    /// Returns whether another payment pays its period, or other terms began instead of that.
    pub(crate) fn is_replaced(&self, payments: &[Payment]) -> bool {
        self.carried_over || payments.iter().any(|other| other.pays(self.period))
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
    payments.iter().any(|payment| payment.was_for(period))
        && !payments.iter().any(|payment| payment.pays(period))
}

/// Returns whether a payment with this reference counts for a period.
pub(crate) fn counts(payments: &[Payment], reference: &OriginId) -> bool {
    payments.iter().any(|payment| payment.has_reference(reference) && payment.counts())
}

/// Adds the payment for a period, if there is anything to remember, and forgets the oldest. A payment that paid an earlier
/// subscription is carried over: it counts once, for this period. So does one that other terms have carried over, and one that
/// pays nothing yet. One that pays a period of this subscription already is not counted again.
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
            !before.has_reference(reference) || !(is_earlier || before.pays_nothing())
        };
        payments.retain(is_another);
    }
    if *paid != Paid::default() || is_refunded_ahead(payments, period) {
        push(payments, Payment::new(paid.clone(), period));
    }
}

fn push(payments: &mut Vec<Payment>, payment: Payment) {
    payments.push(payment);
    payments.drain(..payments.len().saturating_sub(MAX_PAYMENTS));
}

/// Marks the payment for a period that has not begun as refunded. It is the newest then: the last refund of a period is found
/// before others.
pub(crate) fn refund_ahead(payments: &mut Vec<Payment>, period: PeriodId, refund: RefundAhead) {
    let payment = match payments.iter().position(|payment| payment.pays(period)) {
        Some(at) => payments.remove(at),
        None => Payment::new(Paid::default(), period),
    };
    push(payments, Payment { refund_ahead: Some(refund), carried_over: false, ..payment });
}

/// Marks the payments that were refunded before this period began: it has begun now.
pub(crate) fn mark_begun(payments: &mut [Payment], period: PeriodId) {
    for payment in payments.iter_mut().filter(|payment| payment.was_for(period)) {
        if let Some(refund) = &mut payment.refund_ahead {
            refund.begun = true;
        }
    }
}

/// Marks the payment for a later period of a subscription that ends before it. `price` is the money that was paid, if
/// it is known.
pub(crate) fn end_before(payments: &mut Vec<Payment>, period: PeriodId, price: Option<Money>) {
    keep_price(payments, period, price);
    for payment in payments.iter_mut().filter(|payment| payment.pays(period)) {
        payment.unstarted = true;
    }
}

/// Marks the payments for later periods of a subscription that ended as refunded: its refund contains those in this currency.
pub(crate) fn refund_unstarted(payments: &mut [Payment], subscription: u32, currency: &str) {
    let is_ahead = |payment: &&mut Payment| {
        payment.period.subscription == subscription && payment.unstarted && !payment.is_refunded_ahead()
    };
    for payment in payments.iter_mut().filter(is_ahead) {
        let amount = payment.paid.amount.clone().filter(|amount| amount.currency == currency);
        payment.refund_ahead = amount.map(RefundAhead::of_unstarted);
    }
}

/// Marks the payment of a period that cannot begin any more as refunded.
pub(crate) fn refund_of_unstarted(payments: &mut Vec<Payment>, period: PeriodId, total: Money) {
    refund_ahead(payments, period, RefundAhead::of_unstarted(total));
}

/// Marks the payments for later periods that were refunded before other terms began: these have no such periods.
pub(crate) fn end_later_periods(payments: &mut [Payment], subscription: u32, after: Timestamp) {
    let is_later =
        |payment: &&mut Payment| payment.period.subscription == subscription && payment.period.start > after;
    for payment in payments.iter_mut().filter(|payment| payment.is_refunded_ahead()).filter(is_later) {
        payment.carried_over = true;
    }
}

/// Carries the payments for a later period over to one with other terms that begins instead. `price` is the money that was paid
/// for the later period, if it is known.
pub(crate) fn carry_over(payments: &mut Vec<Payment>, from: PeriodId, price: Option<Money>, to: PeriodId) {
    keep_price(payments, from, price);
    for payment in payments.iter_mut().filter(|payment| payment.pays(from)) {
        (payment.period, payment.carried_over) = (to, true);
    }
}

/// Remembers the money that was paid for a later period, if none of its payments has an amount.
fn keep_price(payments: &mut Vec<Payment>, period: PeriodId, price: Option<Money>) {
    let mut paying = payments.iter().filter(|payment| payment.pays(period));
    if price.is_none() || paying.any(|payment| payment.paid.amount.is_some()) {
        return;
    }
    match payments.iter_mut().find(|payment| payment.pays(period)) {
        Some(first) => first.paid.amount = price,
        None => remember(payments, &Paid { amount: price, reference: None }, period),
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
