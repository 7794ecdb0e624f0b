//! Steps and facts of refunds, chargebacks and reversals.

use wallet_core::decide::{
    CloseWallet, PaymentName, PurchaseName, RecordChargeback, RecordRefund, RefundSubscription, RefundTopUp,
    ReverseCharge, ReverseChargeback,
};
use wallet_core::grant::{ExternalRef, Money};
use wallet_core::refund::{Fraction, UsedCredits};
use wallet_core::view::Shown;
use wallet_core::{Amounts, Command, RequestId, Timestamp};

use super::facts::{Fact, amounts_by_grant, of_job, refused, saying};
use super::steps::{Step, amounts, job, origin};
use super::subscribing::day;

fn request(id: &str) -> RequestId {
    RequestId::parse(id).unwrap()
}

/// A purchase is refunded.
pub(crate) fn refund(id: &str, top_up: &str) -> Step {
    refund_of(id, PurchaseName::TopUp(origin(top_up)))
}

/// The purchase of this payment is refunded.
pub(crate) fn refund_payment(id: &str, payment: &str) -> Step {
    refund_of(id, paid_with(payment))
}

fn paid_with(payment: &str) -> PurchaseName {
    PurchaseName::Payment(ExternalRef { provider: origin("stripe"), id: origin(payment) })
}

fn refund_of(id: &str, purchase: PurchaseName) -> Step {
    let (request, reason) = (request(id), "asked to".to_owned());
    Step::Command(Command::RefundTopUp(RefundTopUp { request, purchase, requested_time: None, reason }))
}

/// The payment of a purchase is charged back.
pub(crate) fn charge_back(id: &str, top_up: &str) -> Step {
    charge_back_of(id, PaymentName::Purchase(PurchaseName::TopUp(origin(top_up))))
}

/// This payment is charged back.
pub(crate) fn charge_back_payment(id: &str, payment: &str) -> Step {
    charge_back_of(id, PaymentName::Purchase(paid_with(payment)))
}

/// The payment for the period that began on this day is charged back.
pub(crate) fn charge_back_period(id: &str, date: &str) -> Step {
    charge_back_of(id, PaymentName::Period(day(date)))
}

/// The payment for a period that has this reference is charged back.
pub(crate) fn charge_back_reference(id: &str, reference: &str) -> Step {
    charge_back_of(id, PaymentName::PaidPeriod(origin(reference)))
}

fn charge_back_of(id: &str, payment: PaymentName) -> Step {
    let (request, reason) = (request(id), "dispute".to_owned());
    Step::Command(Command::RecordChargeback(RecordChargeback { request, payment, reason }))
}

/// The dispute about a purchase is won.
pub(crate) fn win_dispute(id: &str, top_up: &str) -> Step {
    win_dispute_of(id, PaymentName::Purchase(PurchaseName::TopUp(origin(top_up))))
}

/// The dispute about the payment for the period that began on this day is won.
pub(crate) fn win_period(id: &str, date: &str) -> Step {
    win_dispute_of(id, PaymentName::Period(day(date)))
}

/// The dispute about the payment for a period that has this reference is won.
pub(crate) fn win_reference(id: &str, reference: &str) -> Step {
    win_dispute_of(id, PaymentName::PaidPeriod(origin(reference)))
}

fn win_dispute_of(id: &str, payment: PaymentName) -> Step {
    let (request, reason) = (request(id), "won".to_owned());
    Step::Command(Command::ReverseChargeback(ReverseChargeback { request, payment, reason }))
}

/// The payment provider has paid back this much of a purchase so far.
pub(crate) fn provider_refund(id: &str, top_up: &str, cents: i64, used: UsedCredits) -> Step {
    let purchase = PurchaseName::TopUp(origin(top_up));
    provider_refund_of(id, PaymentName::Purchase(purchase), cents, used)
}

/// The payment provider has paid back this much of this payment so far.
pub(crate) fn provider_refund_payment(id: &str, payment: &str, cents: i64, used: UsedCredits) -> Step {
    provider_refund_of(id, PaymentName::Purchase(paid_with(payment)), cents, used)
}

/// The payment provider has paid back this much of the period that began on this day.
pub(crate) fn provider_refund_period(id: &str, date: &str, cents: i64, used: UsedCredits) -> Step {
    provider_refund_of(id, PaymentName::Period(day(date)), cents, used)
}

/// The payment provider has paid back this much of the payment for a period that has this reference.
pub(crate) fn provider_refund_reference(id: &str, reference: &str, cents: i64, used: UsedCredits) -> Step {
    provider_refund_of(id, PaymentName::PaidPeriod(origin(reference)), cents, used)
}

fn provider_refund_of(id: &str, payment: PaymentName, cents: i64, used: UsedCredits) -> Step {
    let (request, reason) = (request(id), "paid back".to_owned());
    let total = Money { currency: "EUR".to_owned(), minor_units: cents };
    Step::Command(Command::RecordRefund(RecordRefund { request, payment, total, used, reason }))
}

/// The wallet is closed.
pub(crate) fn close(id: &str) -> Step {
    Step::Command(Command::CloseWallet(CloseWallet { request: request(id), reason: "left".to_owned() }))
}

/// Everything that is left of a job's charge is reversed.
pub(crate) fn reverse_all(id: &str, of: &str) -> Step {
    reverse_amounts(id, of, Amounts::none())
}

/// `n` credits of a job's charge are reversed.
pub(crate) fn reverse(id: &str, of: &str, n: i64) -> Step {
    reverse_amounts(id, of, amounts(&[("credits", n)]))
}

pub(crate) fn reverse_amounts(id: &str, of: &str, amounts: Amounts) -> Step {
    let (request, reservation, reason) = (request(id), job(of), "sorry".to_owned());
    Step::Command(Command::ReverseCharge(ReverseCharge { request, reservation, amounts, reason }))
}

/// A subscription is refunded.
pub(crate) fn refund_subscription(id: &str) -> Step {
    let (request, reason) = (request(id), "asked to".to_owned());
    Step::Command(Command::RefundSubscription(RefundSubscription { request, requested_time: None, reason }))
}

/// The reversed amounts of a job by grant, and their sum: "grant:a 30, debt 10".
pub(crate) fn reversed(id: &str, credits: i64, parts: &str) -> [Fact; 2] {
    let in_all = of_job(id, "reversed", Some(credits), |job| {
        job.finish.as_ref().map(|finish| finish.bill.reversed.get("credits"))
    });
    [
        in_all,
        of_job(id, "reversals", parts.to_owned(), |job| {
            amounts_by_grant(job, |allocation| allocation.reversed)
        }),
    ]
}

/// The money that the last refund of a purchase gave back, with the share of the price if it is not the whole.
pub(crate) fn paid_back(cents: i64, share: Option<(i64, i64)>) -> Fact {
    let share = share.map(|(numerator, denominator)| Fraction { numerator, denominator });
    Fact::new("the refund", Some((Some(cents), share)), |world| {
        let Ok(answer) = &world.reply.as_ref()?.result else { return None };
        let Shown::RefundedPurchase(view) = &answer.shown else { return None };
        Some((view.money.as_ref().map(|money| money.minor_units), view.share))
    })
}

/// The total of the reply to a RecordRefund, and the credits that windows to come will not give.
pub(crate) fn replied(cents: Option<i64>, withheld: i64) -> Fact {
    Fact::new("the reply", Some((cents, withheld)), |world| {
        let Ok(answer) = &world.reply.as_ref()?.result else { return None };
        match &answer.shown {
            Shown::RecordedRefund(view) => {
                let total = view.total.as_ref().map(|total| total.minor_units);
                Some((total, view.withheld.get("credits")))
            }
            Shown::ChargedBackPayment(view) => Some((None, view.withheld.get("credits"))),
            _ => None,
        }
    })
}

/// The money that this request refunded, a part of the price of the present period.
pub(crate) fn gave(id: &str, cents: i64) -> Fact {
    let id = request(id);
    Fact::new("the refund", Some((cents, false)), move |world| {
        let refund = world.seen().profile.refunds.remove(&id);
        refund.map(|refund| (refund.money.minor_units, refund.in_full))
    })
}

/// The money that this request refunded, and whether the price of the present period was refunded in full.
pub(crate) fn gave_all_back(id: &str, cents: i64) -> Fact {
    let id = request(id);
    Fact::new("the refund", Some((cents, true)), move |world| {
        let refund = world.seen().profile.refunds.remove(&id);
        refund.map(|refund| (refund.money.minor_units, refund.in_full))
    })
}

/// The money that this request refunded, and the unused shares of credits and time.
pub(crate) fn gave_back(id: &str, cents: i64, credits: (i64, i64), time: (i64, i64)) -> Fact {
    let id = request(id);
    let fraction = |(numerator, denominator)| Fraction { numerator, denominator };
    let expected = (cents, fraction(credits), fraction(time));
    Fact::new("the refund", Some(expected), move |world| {
        let refund = world.seen().profile.refunds.remove(&id);
        refund.map(|refund| (refund.money.minor_units, refund.unused_credits, refund.unused_time))
    })
}

impl Step {
    /// Sets the instant at which the customer requested the refund.
    pub(crate) fn asked_at(mut self, at: Timestamp) -> Self {
        match &mut self {
            Step::Command(Command::RefundTopUp(refund)) => refund.requested_time = Some(at),
            Step::Command(Command::RefundSubscription(refund)) => refund.requested_time = Some(at),
            other => panic!("not a refund: {other:?}"),
        }
        self
    }
}

/// The command is refused as not refundable, for this cause.
pub(crate) fn not_refundable(cause: &str) -> [Fact; 2] {
    [refused("NOT_REFUNDABLE"), saying("cause", cause)]
}
