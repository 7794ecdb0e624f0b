//! RecordRefund of a payment for a period that has not begun: the payment goes back, and the period is unpaid. Nothing was
//! given for it, so nothing is taken. A later total of such a payment takes and gives no credits either: the same one changes
//! nothing, and 0 means that the refund failed. The payment then pays its period again. If that is not possible any more, it is
//! free: RecordPayment, Subscribe and ChangePlan may count it for another period. So is a payment whose subscription
//! ended before its period, until it goes back.

use crate::decide::checks::check_not_closed;
use crate::decide::decision::{Change, Decision};
use crate::decide::payment_name::PaymentName;
use crate::decide::periods::with_subscription;
use crate::decide::record_payment::{Period, period_in_question};
use crate::ledger::entry::EntryKind;
use crate::value::payment_subject::{PaymentSubject, PeriodId};
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::grant::Money;
use crate::wallet::payment::{self, Payment, RefundAhead};
use crate::wallet::rejection::{Rejection, Unrefundable};
use crate::wallet::subscription::{Standing, Subscription};

/// Decides the refund of a payment that is for no credits: its period has not begun, or it was refunded before. `None`:
/// the refund is about credits that were given.
pub(crate) fn refund_ahead(
    wallet: &Wallet,
    payment: &PaymentName,
    period: PeriodId,
    total: &Money,
    now: Timestamp,
) -> Option<Result<Decision, Rejection>> {
    let refunded = match total.minor_units {
        0 => payment.failed_ahead(&wallet.profile, period),
        _ => payment.refunded_ahead(&wallet.profile.payments, period),
    };
    if let Some(refunded) = refunded
        && let Some(refund) = &refunded.refund_ahead
    {
        return Some(refunded_before(wallet, refunded, refund, total, now));
    }
    let present = present_of(wallet, period);
    if let Some((present, number)) = present.and_then(|it| Some((it, it.paid_ahead(period.start)?))) {
        return Some(refund_paid_ahead(wallet, present, number, total, now));
    }
    let mut payments = wallet.profile.payments.iter();
    let is_unstarted = payments.any(|payment| payment.pays(period) && payment.unstarted);
    is_unstarted.then(|| refund_unstarted(wallet, period, total, now))
}

/// Returns the present subscription, if it has the period.
fn present_of(wallet: &Wallet, period: PeriodId) -> Option<&Subscription> {
    wallet.profile.subscription.as_deref().filter(|present| present.id == period.subscription)
}

/// Decides the refund of a period that was paid ahead: all of its money, or nothing.
fn refund_paid_ahead(
    wallet: &Wallet,
    present: &Subscription,
    period: u32,
    total: &Money,
    now: Timestamp,
) -> Result<Decision, Rejection> {
    let start = present.start_of(period);
    let price = present.price_of(start, &wallet.profile.payments).map(|price| price.whole);
    let price = price.ok_or(Rejection::NotRefundable(Unrefundable::NoPrice))?;
    let decision = Decision::of(EntryKind::RefundRecorded, now);
    if !goes_back(total, &price)? {
        return Ok(with_subscription(wallet, decision, Some(present.clone())));
    }
    let refund = RefundAhead {
        total: price,
        listed: present.listed_price_of(start),
        change: present.change.clone().filter(|change| change.period <= period).map(Box::new),
        begun: false,
        failed: false,
    };
    let next = present.clone().refunded_ahead(period, now);
    let mut decision = with_subscription(wallet, decision, Some(next));
    if let Some(change) = &mut decision.change {
        payment::refund_ahead(&mut change.profile.payments, present.period_id_at(start), refund);
    }
    Ok(decision)
}

/// Decides the refund of a payment whose subscription ended before its period.
fn refund_unstarted(
    wallet: &Wallet,
    period: PeriodId,
    total: &Money,
    now: Timestamp,
) -> Result<Decision, Rejection> {
    check_not_closed(wallet)?;
    let price = payment::price_of(&wallet.profile.payments, period, || None).map(|price| price.whole);
    let price = price.ok_or(Rejection::NotRefundable(Unrefundable::NoPrice))?;
    let mut decision = Decision::of(EntryKind::RefundRecorded, now);
    let mut change = Change::none(wallet);
    if goes_back(total, &price)? {
        payment::refund_of_unstarted(&mut change.profile.payments, period, price);
    }
    decision.change = Some(change);
    Ok(decision)
}

/// Returns whether the price of a period goes back that has not begun: all of its money, or nothing.
fn goes_back(total: &Money, price: &Money) -> Result<bool, Rejection> {
    if total.minor_units == 0 && total.currency == price.currency && price.minor_units > 0 {
        return Ok(false);
    }
    if total == price {
        return Ok(true);
    }
    let text = format!(
        "must be {} {} (minor units), the whole price: the period has not begun",
        price.minor_units, price.currency
    );
    Err(Rejection::field("refunded_total", text))
}

/// Decides another total of a payment that was refunded before its period began.
fn refunded_before(
    wallet: &Wallet,
    refunded: &Payment,
    refund: &RefundAhead,
    total: &Money,
    now: Timestamp,
) -> Result<Decision, Rejection> {
    check_not_closed(wallet)?;
    let is_replaced = refunded.is_replaced(&wallet.profile.payments);
    let period = refunded.period;
    if !is_replaced && wallet.profile.chargebacks.contains_key(&PaymentSubject::Period(period)) {
        return Err(Rejection::NotRefundable(Unrefundable::ChargedBack));
    }
    if total.minor_units > 0 && *total != refund.total {
        return Err(Rejection::NotRefundable(Unrefundable::AlreadyRefunded));
    }
    if total.currency != refund.total.currency {
        let text = format!("must be in {}, the currency of the payment", refund.total.currency);
        return Err(Rejection::field("refunded_total", text));
    }
    let mut decision = Decision::of(EntryKind::RefundRecorded, now);
    decision.change = Some(Change::none(wallet));
    let still_refunded = if total.minor_units > 0 {
        Some(RefundAhead { failed: false, ..refund.clone() })
    } else if !is_replaced && refund.begun {
        None
    } else if let Some(next) = paid_again(wallet, refunded, refund, now).filter(|_| !is_replaced) {
        decision = with_subscription(wallet, decision, Some(next));
        None
    } else {
        Some(RefundAhead { failed: true, ..refund.clone() })
    };
    if let Some(change) = &mut decision.change {
        let mut payments = change.profile.payments.iter_mut();
        if let Some(payment) = payments.rfind(|payment| **payment == *refunded) {
            payment.refund_ahead = still_refunded;
        }
    }
    Ok(decision)
}

/// Returns the subscription with the later period of a payment paid again; none if the payment cannot let it begin.
fn paid_again(
    wallet: &Wallet,
    refunded: &Payment,
    refund: &RefundAhead,
    now: Timestamp,
) -> Option<Subscription> {
    let present = present_of(wallet, refunded.period).filter(|present| !present.is_paused())?;
    // It was paid before the present period began provisionally, and before a cancel or a refund made the end, or a change of
    // plan, come earlier.
    let standing =
        if present.standing == Standing::Provisional { Standing::Active } else { present.standing };
    let before = Subscription { end: None, change: None, standing, ..present.clone() };
    let Ok(Period::Later(period)) = period_in_question(&before, Some(refunded.period.start), now) else {
        return None;
    };
    let next = present.clone().paid_again(period, refund);
    // It was paid for the terms of a change that was undone or replaced since.
    if refund.change.as_ref().is_some_and(|paid| !next.terms_of(period).is_same_sale(&paid.sold)) {
        return None;
    }
    let other_term = next.change.as_ref().filter(|change| change.sold.term != next.sold.term);
    // Other terms that begin before the period have other periods.
    other_term.is_none_or(|change| change.period >= period).then_some(next)
}
