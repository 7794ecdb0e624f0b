//! RecordRefund of a payment for a period that has not begun: the payment goes back, and the period is unpaid. Nothing was
//! given for it, so nothing is taken. Also a refund of such a payment that is recorded again after another one has replaced it.

use crate::decide::checks::check_not_closed;
use crate::decide::decision::{Change, Decision};
use crate::decide::payment_name::PaymentName;
use crate::decide::periods::with_subscription;
use crate::decide::record_payment::{Period, period_in_question};
use crate::ledger::entry::EntryKind;
use crate::value::ids::OriginId;
use crate::value::payment_subject::PeriodId;
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::grant::Money;
use crate::wallet::payment::{self, withdraw_refund};
use crate::wallet::rejection::{Rejection, Unrefundable};
use crate::wallet::subscription::{Standing, Subscription};

/// Decides the refund of a payment that its period does not need: the period has not begun, or another payment has replaced
/// this one. `None`: the refund is about credits that were given.
pub(crate) fn refund_ahead(
    wallet: &Wallet,
    payment: &PaymentName,
    period: PeriodId,
    total: &Money,
    now: Timestamp,
) -> Option<Result<Decision, Rejection>> {
    if payment.is_replaced(wallet) {
        return Some(recorded_again(wallet, period, total, now));
    }
    let present = wallet.profile.subscription.as_ref().filter(|present| present.id == period.subscription)?;
    let start = period.start;
    if let Some(number) = present.paid_ahead(start) {
        return Some(take_back(wallet, present, number, total, now));
    }
    let mut payments = wallet.profile.payments.iter().rev();
    let last = payments.find(|payment| payment.period == period)?;
    let has_begun = present.is_in_period(start) || present.period_start() > start;
    let waits_unpaid = last.is_refunded_ahead() && !has_begun;
    waits_unpaid.then(|| pay_again(wallet, present, start, total, payment.reference(), now))
}

/// Decides the refund of a payment that was refunded before its period began and that another one has replaced. The same total
/// changes nothing.
fn recorded_again(
    wallet: &Wallet,
    period: PeriodId,
    total: &Money,
    now: Timestamp,
) -> Result<Decision, Rejection> {
    let mut replies = wallet.profile.money_back.values().filter(|reply| reply.period == Some(period));
    if total.minor_units == 0 || !replies.any(|reply| reply.total.as_ref() == Some(total)) {
        return Err(Rejection::NotRefundable(Unrefundable::AlreadyRefunded));
    }
    check_not_closed(wallet)?;
    let mut decision = Decision::of(EntryKind::RefundRecorded, now);
    decision.change = Some(Change::none(wallet));
    Ok(decision)
}

/// Decides the refund of a period that was paid ahead: all of its money, or nothing.
fn take_back(
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
    if total.minor_units == 0 && total.currency == price.currency && price.minor_units > 0 {
        return Ok(with_subscription(wallet, decision, Some(present.clone())));
    }
    if *total != price {
        let text = format!(
            "must be {} {} (minor units), the whole price: the period has not begun",
            price.minor_units, price.currency
        );
        return Err(Rejection::field("refunded_total", text));
    }
    let next = present.clone().refunded_ahead(period, now);
    let mut decision = with_subscription(wallet, decision, Some(next));
    if let Some(change) = &mut decision.change {
        payment::refund_ahead(&mut change.profile.payments, present.period_id_at(start));
    }
    Ok(decision)
}

/// Decides a total for a later period whose payment was refunded. If it is 0, the refund failed: the period is paid again.
fn pay_again(
    wallet: &Wallet,
    present: &Subscription,
    start: Timestamp,
    total: &Money,
    reference: Option<&OriginId>,
    now: Timestamp,
) -> Result<Decision, Rejection> {
    let unpaid = Rejection::NotRefundable(Unrefundable::Unpaid);
    if total.minor_units > 0 || present.is_paused() {
        return Err(unpaid);
    }
    if present.standing == Standing::PastDue && present.unpaid_start(now) == Some(start) {
        return Err(unpaid);
    }
    // It was paid before the present period began provisionally, and before a cancel or a refund made the end, or a change of
    // plan, come earlier.
    let standing =
        if present.standing == Standing::Provisional { Standing::Active } else { present.standing };
    let before = Subscription { end: None, change: None, standing, ..present.clone() };
    let Period::Later(period) = period_in_question(&before, Some(start), now)? else {
        return Err(unpaid);
    };
    let next = present.clone().paid_again(period);
    let mut decision = with_subscription(wallet, Decision::of(EntryKind::RefundRecorded, now), Some(next));
    if let Some(change) = &mut decision.change {
        withdraw_refund(&mut change.profile.payments, present.period_id_at(start), reference);
    }
    Ok(decision)
}
