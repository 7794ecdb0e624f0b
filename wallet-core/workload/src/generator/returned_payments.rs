//! Histories in which a payment for a period goes back: paid ahead and refunded before the period begins, or late after
//! the period ended unpaid.

use wallet_core::decide::{PaymentName, RecordChargeback, RecordPayment, RecordRefund};
use wallet_core::grant::Money;
use wallet_core::payment::Paid;
use wallet_core::refund::UsedCredits;
use wallet_core::{Command, PeriodId, RequestId, Timestamp};

use super::Generator;
use crate::model::{Lot, Model, Sub};

impl Generator {
    /// Returns, sometimes, the next step of such a history.
    pub(super) fn unusual_payment(
        &mut self,
        model: &Model,
        sub: &Sub,
        request: &RequestId,
    ) -> Option<Command> {
        let chance = self.rng.clone().within(0, 99);
        let is_unpaid = sub.past_due || sub.provisional || sub.paused;
        if model.went_back_ahead(sub.present()) && chance < 40 {
            return Some(self.refund_plan(model, request.clone()));
        }
        let free = model.payments.iter().filter(|payment| payment.pays_nothing());
        let free = free.filter_map(|payment| payment.paid.reference.clone()).next_back();
        if free.is_some() && chance > 60 {
            let paid = Paid { amount: None, reference: free };
            return Some(record(request, None, paid));
        }
        let later = (sub.period + 1..sub.period + 5)
            .find(|period| model.went_back_ahead(sub.period_from(sub.start_of(*period))));
        if let Some(period) = later.filter(|_| !is_unpaid && (45..60).contains(&chance)) {
            let start = Timestamp::from_micros(sub.start_of(period));
            return Some(record(request, Some(start), self.invoice()));
        }
        let waits = sub.sold.provisional.is_some();
        let start = match sub.paid.is_empty() {
            // A later period that is paid keeps the subscription after this one has ended unpaid.
            false if sub.past_due && chance < 60 => None,
            true if waits && !is_unpaid && chance < 25 => Some(sub.period + 2),
            true if sub.renews_by_the_clock() && !is_unpaid && chance < 10 => Some(sub.period + 1),
            // The first period of another plan to come.
            true if sub.change.is_some() && !is_unpaid && chance < 30 => Some(sub.after_paid()),
            _ => return None,
        };
        let period_start = start.map(|period| Timestamp::from_micros(sub.start_of(period)));
        let reference = self.rng.percent(50).then(|| self.new_id("pay"));
        let paid = Paid { amount: None, reference };
        Some(record(request, period_start, paid))
    }

    fn invoice(&mut self) -> Paid {
        let minor_units = self.rng.within(100, 9_000);
        let amount = Some(Money { currency: "EUR".to_owned(), minor_units });
        Paid { amount, reference: Some(self.new_id("pay")) }
    }

    /// Returns, sometimes, a period to come that another payment pays after one that went back, and its price.
    fn refund_twice(&mut self, model: &Model) -> Option<(PeriodId, i64)> {
        let sub = model.sub.as_ref().filter(|_| self.rng.clone().percent(60))?;
        let mut ahead = sub.paid.iter().map(|period| sub.period_from(sub.start_of(*period)));
        let went_back = |period: &PeriodId| {
            model.payments.iter().any(|payment| payment.went_back && payment.period == *period)
        };
        let period = ahead.rfind(went_back)?;
        Some((period, model.price_of_period(period)?.0))
    }

    /// Returns, sometimes, the refund of another payment for such a period, or another total of the first: mostly the
    /// same one, or 0.
    pub(super) fn refund_again(&mut self, model: &Model) -> Option<Command> {
        let (payment, minor_units) = match self.refund_twice(model) {
            Some((period, price)) => (PaymentName::Period(period.start), price),
            None => self.other_total(model)?,
        };
        Some(Command::RecordRefund(RecordRefund {
            request: self.new_id("r"),
            payment,
            total: Money { currency: "EUR".to_owned(), minor_units },
            used: self.rng.one_of([UsedCredits::Forgive, UsedCredits::Owe]),
            reason: "paid back".to_owned(),
        }))
    }

    fn other_total(&mut self, model: &Model) -> Option<(PaymentName, i64)> {
        let went_back: Vec<_> = model.payments.iter().filter(|payment| payment.went_back).collect();
        let payment = if self.rng.percent(35) { *self.rng.pick(&went_back)? } else { return None };
        let by_start = PaymentName::Period(payment.period.start);
        let by_reference = payment.paid.reference.clone().map(PaymentName::PaidPeriod);
        let is_same = |before: &&RecordRefund| {
            before.total.minor_units > 0
                && (before.payment == by_start || Some(&before.payment) == by_reference.as_ref())
        };
        let mut refunds = self.done.iter().rev().filter_map(|command| match command {
            Command::RecordRefund(refund) => Some(refund),
            _ => None,
        });
        let before = refunds.find(is_same).map_or(100, |before| before.total.minor_units);
        let minor_units = match self.rng.within(0, 9) {
            0..6 => 0,
            6..9 => before,
            _ => self.rng.within(1, before),
        };
        Some((by_reference.filter(|_| self.rng.percent(70)).unwrap_or(by_start), minor_units))
    }

    /// Returns a payment of a period that has ended unpaid, while a later one is paid.
    pub(super) fn pay_late(&mut self, model: &Model) -> Option<Command> {
        model.sub.as_ref().filter(|sub| sub.past_due && !sub.paid.is_empty())?;
        let paid = self.invoice();
        Some(record(&self.new_id("r"), None, paid))
    }

    /// Returns, mostly, the refund or the chargeback of the present period, if it was paid after it had given credits
    /// and ended unpaid.
    pub(super) fn late_payment_back(&mut self, model: &Model) -> Option<Command> {
        let present = model.sub.as_ref().filter(|sub| !sub.past_due && !sub.provisional)?.present();
        let is_unpaid = |lot: &Lot| lot.unpaid && lot.period == Some(present);
        let is_late = model.lots.iter().any(is_unpaid) && self.rng.clone().percent(80);
        if !is_late {
            return None;
        }
        let (request, payment) = (self.new_id("r"), PaymentName::Period(present.start));
        let Some((price, _)) = model.price_of_period(present) else {
            let reason = "dispute".to_owned();
            return Some(Command::RecordChargeback(RecordChargeback { request, payment, reason }));
        };
        let minor_units = self.rng.within(1, price);
        Some(Command::RecordRefund(RecordRefund {
            request,
            payment,
            total: Money { currency: "EUR".to_owned(), minor_units },
            used: self.rng.one_of([UsedCredits::Forgive, UsedCredits::Owe]),
            reason: "paid back".to_owned(),
        }))
    }
}

fn record(request: &RequestId, period_start: Option<Timestamp>, paid: Paid) -> Command {
    let (request, reason) = (request.clone(), String::new());
    Command::RecordPayment(RecordPayment { request, period_start, paid, reason })
}
