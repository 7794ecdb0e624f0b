//! Payments for periods.

use wallet_core::decide::RecordPayment;
use wallet_core::entry::EntryKind;
use wallet_core::grant::Money;
use wallet_core::payment::Paid;
use wallet_core::{Command, OriginId, PeriodId, Timestamp};

use super::answer::{Answered, Refusal, Seen};
use super::calendar::{Every, SECOND};
use super::money_back::refused;
use super::state::{Model, Sold, Sub};

impl Model {
    /// Returns the period of a payment, if the payment is one of the last 24.
    pub(super) fn period_paid_with(&self, reference: &OriginId) -> Option<PeriodId> {
        let paid = |(paid, ..): &&(Paid, PeriodId, bool)| paid.reference.as_ref() == Some(reference);
        self.payments.iter().rfind(paid).map(|(_, period, _)| *period)
    }

    pub(super) fn record_payment(
        &mut self,
        payment: &RecordPayment,
        command: &Command,
    ) -> Result<Answered, Refusal> {
        let reference = payment.paid.reference.as_ref();
        let known = self
            .payments
            .iter()
            .filter(|(paid, ..)| paid.reference.is_some() && paid.reference.as_ref() == reference);
        let went_back: Vec<bool> = known.map(|(.., back)| *back).collect();
        if self.requested(command)? || went_back.contains(&false) {
            return Ok(Answered::again(Seen::Wallet));
        }
        if !went_back.is_empty() {
            return Err(Refusal::field());
        }
        let subscription = self.subscription()?.id;
        let start = match self.automatic_period(payment) {
            Some(present) if self.is_first_payment(payment, present) => {
                self.subscribed(self.subscription()?);
                present
            }
            // It may be the same payment again.
            Some(present) if reference.is_none() && !self.is_last_period() => {
                self.pay_period(Some(Timestamp::from_micros(present)))?
            }
            _ => self.pay_period(payment.period_start)?,
        };
        let start = Timestamp::from_micros(start);
        self.paid_for(&payment.paid, PeriodId { subscription, start });
        self.remember(command, EntryKind::PaymentRecorded);
        Ok(Answered::done(Seen::Wallet))
    }

    /// Returns the start of the present period, if it began by the clock and the payment may be for it.
    fn automatic_period(&self, payment: &RecordPayment) -> Option<i64> {
        let sub = self.sub.as_ref()?;
        let by_clock =
            |sold: &Sold| !sold.on_payment && sold.provisional.is_none() && sold.every != Every::Once;
        let goes_on = match &sub.change {
            Some((sold, from)) if *from <= sub.after_paid() => by_clock(sold),
            _ => true,
        };
        let waits = sub.past_due || sub.provisional || sub.paused;
        let start = sub.boundary(sub.period);
        let fits = payment.period_start.is_none_or(|named| named.as_micros() == start);
        Some(start).filter(|_| by_clock(&sub.sold) && !sub.sold.once && goes_on && !waits && fits)
    }

    fn is_last_period(&self) -> bool {
        self.sub.as_ref().is_some_and(|sub| sub.ends == Some(sub.period + 1))
    }

    fn is_first_payment(&self, payment: &RecordPayment, start: i64) -> bool {
        let present = self.sub.as_ref().map(|sub| sub.period_from(start));
        let is_other = |(_, of, back): &(Paid, PeriodId, bool)| Some(*of) != present || *back;
        let again = present.is_some_and(|present| self.went_back_ahead(present));
        (payment.paid != Paid::default() || again) && self.payments.iter().all(is_other)
    }

    /// Returns whether all payments for a period went back before it began.
    pub(super) fn went_back_ahead(&self, period: PeriodId) -> bool {
        let of: Vec<bool> =
            self.payments.iter().filter(|(_, of, _)| *of == period).map(|(.., back)| *back).collect();
        !of.is_empty() && !of.contains(&false)
    }

    /// Returns the start of the period that has begun and is not paid.
    fn begun_unpaid(&self, sub: &Sub) -> Option<i64> {
        (sub.past_due || sub.provisional).then(|| {
            if sub.provisional {
                return sub.boundary(sub.period);
            }
            let mut begun = sub.clone();
            begun.go_on(self.now);
            begun.boundary(begun.period)
        })
    }

    /// Pays a period: the one that starts at this instant, or the first unpaid one. Returns its start.
    fn pay_period(&mut self, named: Option<Timestamp>) -> Result<i64, Refusal> {
        let mut sub = self.subscription()?;
        if sub.paused {
            return Err(Refusal::new("SUBSCRIPTION_PAUSED"));
        }
        if sub.sold.every == Every::Once {
            return Err(Refusal::field());
        }
        let ends = |at: i64| Refusal::new("SUBSCRIPTION_ENDS").saying("end_time", Timestamp::from_micros(at));
        let begun = self.begun_unpaid(&sub);
        let named = named.map(|start| start.as_micros());
        let next = (sub.period + 1..).find(|n| !sub.paid.contains(n)).unwrap_or(0);
        let next = begun.unwrap_or_else(|| sub.boundary(next));
        let start = named.unwrap_or(next);
        if begun == Some(start) {
            if sub.ends.is_some() {
                return Err(ends(if sub.provisional { start } else { sub.end() }));
            }
            if sub.provisional {
                self.complete(&sub, sub.sold.clone());
            } else {
                self.give_late(sub, self.now);
            }
        } else {
            let latest = sub.period + if begun.is_some() { 13 } else { 12 };
            let n = (0..=latest + 1).find(|n| sub.boundary(*n) == start);
            let n = n.filter(|n| *n <= latest || named.is_none()).ok_or_else(Refusal::field)?;
            if n <= sub.period || sub.paid.contains(&n) {
                let refusal = Refusal::new("PERIOD_PAID");
                let refusal = refusal.saying("period_start_time", Timestamp::from_micros(start));
                return Err(refusal.saying("next_start_time", Timestamp::from_micros(next)));
            }
            let other = sub.change.as_ref().filter(|(sold, _)| sold.every != sub.sold.every);
            if let Some(last) = sub.ends.filter(|last| n >= *last) {
                return Err(ends(sub.boundary(last)));
            }
            if let Some((_, last)) = other.filter(|(_, last)| n > *last) {
                return Err(ends(sub.boundary(*last)));
            }
            if n > latest || sub.provisional || begun.is_some_and(|begun| start < begun) {
                return Err(Refusal::field());
            }
            sub.pay(n);
            self.subscribed(sub);
        }
        Ok(start)
    }

    /// The payment of a period that has not begun goes back, or comes again because that failed. Returns `None` if there is no
    /// such period.
    pub(super) fn refund_ahead(&mut self, period: PeriodId, total: &Money) -> Option<Result<(), Refusal>> {
        let sub = self.sub.clone().filter(|sub| sub.id == period.subscription)?;
        let start = period.start.as_micros();
        if let Some(at) = sub.paid.iter().position(|n| sub.start_of(*n) == start) {
            return Some(self.unpay(sub, at, total));
        }
        let (.., went_back) = self.payments.iter().rfind(|(_, of, _)| *of == period)?;
        if !went_back || start < sub.end() {
            return None;
        }
        if total.minor_units > 0
            || sub.paused
            || sub.sold.every != Every::Once && self.would_begin(&sub, start)
        {
            return Some(Err(refused("UNPAID")));
        }
        let paid = self.pay_period(Some(Timestamp::from_micros(start)));
        // It is the payment from before, for its price. A change of plan comes after it again.
        if let (Ok(_), Some(again)) = (&paid, &mut self.sub) {
            again.prices = sub.prices;
            let after = again.after_paid();
            if sub.change.is_some_and(|(_, from)| again.start_of(from) <= start) {
                again.change.as_mut().into_iter().for_each(|(_, from)| *from = after);
            }
        }
        let last = self.payments.iter_mut().rfind(|(_, of, _)| *of == period);
        Some(paid.map(|_| last.into_iter().for_each(|(.., back)| *back = false)))
    }

    /// Returns whether a payment of this period would begin it now.
    fn would_begin(&self, sub: &Sub, start: i64) -> bool {
        self.begun_unpaid(sub) == Some(start) && sub.ends.is_none()
    }

    fn unpay(&mut self, mut sub: Sub, at: usize, total: &Money) -> Result<(), Refusal> {
        let period = sub.period_from(sub.start_of(sub.paid[at]));
        let (price, _) = self.price_of_period(period).ok_or_else(|| refused("NO_PRICE"))?;
        let nothing = total.minor_units == 0 && price > 0;
        if total.currency != "EUR" || total.minor_units != price && !nothing {
            return Err(Refusal::field());
        }
        if nothing {
            self.subscribed(sub);
            return Ok(());
        }
        sub.paid.remove(at);
        let open = sub.after_paid();
        sub.ends = sub.ends.map(|end| end.min(open));
        if let Some((_, period)) = &mut sub.change {
            *period = (*period).min(open.max(sub.period + 1));
        }
        if sub.turn() < self.now {
            // Nothing but the paid period kept it: it ends with the next second.
            sub.dunning = Some((self.now - sub.end() + SECOND - 1) / SECOND * SECOND);
        }
        self.subscribed(sub);
        let mut known = false;
        for (_, _, back) in self.payments.iter_mut().filter(|(_, of, _)| *of == period) {
            (*back, known) = (true, true);
        }
        if !known {
            self.keep_payment((Paid::default(), period, true));
        }
        Ok(())
    }
}
