//! Payments for periods.

use wallet_core::decide::RecordPayment;
use wallet_core::entry::EntryKind;
use wallet_core::grant::Money;
use wallet_core::payment::Paid;
use wallet_core::wallet::WalletStatus;
use wallet_core::{Command, OriginId, PeriodId, RequestId, Timestamp};

use super::answer::{Answered, Refusal, Seen};
use super::calendar::{Every, SECOND};
use super::money_back::refused;
use super::prices::PeriodPrice;
use super::state::{Model, Sold, Sub};

/// A payment for a period, with a reference or an amount, or with the refund of a payment that had neither.
#[derive(Debug, Clone)]
pub(crate) struct Payment {
    pub(crate) paid: Paid,
    pub(crate) period: PeriodId,
    /// True if it went back before its period began.
    pub(crate) went_back: bool,
    /// The money that went back then.
    pub(crate) back: Option<Money>,
    /// The list price of its period when it went back.
    pub(crate) list: Option<PeriodPrice>,
    /// The plan that was to come, and the number of its first period, if it was for that plan when it went back.
    pub(crate) for_change: Option<(Sold, u32)>,
    /// True if it is still there, because that refund failed, and pays nothing yet.
    pub(crate) free: bool,
    /// True if other terms began instead of its period.
    pub(crate) carried_over: bool,
    /// True if the subscription ended before its period.
    pub(crate) unstarted: bool,
}

impl Payment {
    fn new(paid: Paid, period: PeriodId) -> Self {
        Self {
            paid,
            period,
            went_back: false,
            back: None,
            list: None,
            for_change: None,
            free: false,
            carried_over: false,
            unstarted: false,
        }
    }

    pub(crate) fn has_reference(&self, reference: Option<&OriginId>) -> bool {
        reference.is_some() && self.paid.reference.as_ref() == reference
    }

    pub(crate) fn pays(&self, period: PeriodId) -> bool {
        self.period == period && !self.went_back
    }

    /// Returns whether it is there and pays nothing.
    pub(crate) fn pays_nothing(&self) -> bool {
        if self.went_back { self.free } else { self.unstarted }
    }

    /// Returns whether it went back before this period began, which may still come.
    fn was_for(&self, period: PeriodId) -> bool {
        self.period == period && self.went_back && !self.carried_over
    }
}

impl Sold {
    fn renews_by_the_clock(&self) -> bool {
        !self.on_payment && self.provisional.is_none() && self.every != Every::Once
    }
}

impl Sold {
    /// Returns whether it is the same for a customer who has paid: the plan, its credits and its price.
    pub(super) fn is_sold_like(&self, other: &Self) -> bool {
        let bought = |sold: &Self| (sold.plan, sold.seats, sold.allowances.clone(), sold.money);
        bought(self) == bought(other)
    }
}

impl Sub {
    /// Returns the first period that is paid as the plan to come.
    pub(super) fn paid_as_changed(&self) -> Option<u32> {
        let (_, from) = self.change.as_ref()?;
        self.paid.iter().copied().filter(|paid| paid >= from).min()
    }

    pub(crate) fn renews_by_the_clock(&self) -> bool {
        self.sold.renews_by_the_clock()
    }
}

impl Model {
    /// Returns the reference of the last payment.
    pub(crate) fn last_payment(&self) -> Option<OriginId> {
        self.payments.last().and_then(|payment| payment.paid.reference.clone())
    }

    pub(super) fn paid_for(&mut self, paid: &Paid, period: PeriodId) {
        // One that pays this subscription already is the same payment again.
        let is_same = |payment: &Payment| payment.has_reference(paid.reference.as_ref());
        let counts = |payment: &Payment| {
            let is_present = payment.period.subscription == period.subscription;
            is_same(payment) && is_present && !payment.went_back && !payment.carried_over
        };
        if self.payments.iter().any(counts) {
            return;
        }
        // A payment of an earlier subscription, for a period that did not begin or that is free is now for this period alone.
        let is_earlier = |payment: &Payment| {
            payment.period.subscription < period.subscription
                || payment.carried_over
                || payment.pays_nothing()
        };
        self.payments.retain(|payment| !is_same(payment) || !is_earlier(payment));
        if *paid != Paid::default() || self.went_back_ahead(period) {
            self.keep_payment(Payment::new(paid.clone(), period));
        }
    }

    /// Carries the payments of periods that were paid ahead over to the first period of the terms that begin instead.
    pub(super) fn carry_over(&mut self, ahead: Vec<(PeriodId, Option<PeriodPrice>)>, to: PeriodId) {
        for (from, price) in ahead {
            self.keep_price(from, price);
            for payment in self.payments.iter_mut().filter(|payment| payment.pays(from)) {
                (payment.period, payment.carried_over) = (to, true);
            }
        }
    }

    /// Keeps the price of a period that was paid ahead and does not come, if no payment for it has an amount.
    fn keep_price(&mut self, period: PeriodId, price: Option<PeriodPrice>) {
        let paying: Vec<_> = self.payments.iter().filter(|payment| payment.pays(period)).collect();
        let is_known = paying.iter().any(|payment| payment.paid.amount.is_some());
        let Some((_, minor_units)) = price.filter(|_| !is_known) else { return };
        let amount = Some(Money { currency: "EUR".to_owned(), minor_units });
        if paying.is_empty() {
            self.keep_payment(Payment::new(Paid { amount, reference: None }, period));
        } else if let Some(first) = self.payments.iter_mut().find(|payment| payment.pays(period)) {
            first.paid.amount = amount;
        }
    }

    /// Marks the payments of periods that were paid ahead and do not come, because the subscription ends before them:
    /// they pay nothing.
    pub(super) fn free_payments_ahead(&mut self) {
        let Some(sub) = self.sub.clone() else { return };
        let mut ahead = sub.paid.clone();
        ahead.sort_unstable();
        for n in ahead {
            let period = sub.period_from(sub.start_of(n));
            self.keep_price(period, self.price_of_own(&sub, n));
            for payment in self.payments.iter_mut().filter(|payment| payment.pays(period)) {
                payment.unstarted = true;
            }
        }
    }

    /// Records that the money of the periods that were paid ahead went back with the subscription.
    pub(super) fn refund_payments_ahead(&mut self, subscription: u32) {
        let of_subscription = |payment: &&mut Payment| {
            payment.period.subscription == subscription && payment.unstarted && !payment.went_back
        };
        for payment in self.payments.iter_mut().filter(of_subscription) {
            payment.back.clone_from(&payment.paid.amount);
            payment.went_back = payment.back.is_some();
        }
    }

    pub(super) fn keep_payment(&mut self, payment: Payment) {
        self.payments.push(payment);
        let oldest = self.payments.len().saturating_sub(24);
        self.payments.drain(..oldest);
    }

    /// Returns the period that a request means by the reference of a payment: that of the request when it was carried
    /// out first, otherwise that of the payment, if it is one of the last 24 or its money went back.
    pub(super) fn period_paid_with(&self, request: &RequestId, reference: &OriginId) -> Option<PeriodId> {
        let paid = self.payments.iter().rfind(|payment| payment.has_reference(Some(reference)));
        let known = paid.map(|payment| payment.period);
        let before = self.named_periods.iter().find(|(of, _)| of == request).map(|(_, period)| *period);
        let names = self.named_by(reference);
        before.filter(|before| names.contains(before)).or(known).or(names.into_iter().max())
    }

    /// Returns the periods whose money went back while a payment with this reference was for them.
    pub(super) fn named_by(&self, reference: &OriginId) -> Vec<PeriodId> {
        let of = self.references_back.iter().filter(|(of, _)| of == reference);
        of.map(|(_, period)| *period).collect()
    }

    /// Remembers the references of the payments of a period, after its money went back or came again.
    pub(super) fn names_period(&mut self, request: &RequestId, period: PeriodId) {
        self.named_periods.push((request.clone(), period));
        let of_period = self.payments.iter().filter(|payment| payment.period == period);
        let references = of_period.filter_map(|payment| Some((payment.paid.reference.clone()?, period)));
        self.references_back.extend(references);
    }

    pub(super) fn record_payment(
        &mut self,
        payment: &RecordPayment,
        command: &Command,
    ) -> Result<Answered, Refusal> {
        let reference = payment.paid.reference.as_ref();
        if self.requested(command)? || self.counts_already(&payment.paid)? {
            return Ok(Answered::again(Seen::Wallet));
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

    /// Returns whether a payment with this reference counts already. Refuses one that went back and has not returned.
    pub(super) fn counts_already(&self, paid: &Paid) -> Result<bool, Refusal> {
        let mut known = self.payments.iter().filter(|payment| payment.has_reference(paid.reference.as_ref()));
        if known.clone().any(|payment| !payment.went_back && !payment.pays_nothing()) {
            return Ok(true);
        }
        if known.all(Payment::pays_nothing) { Ok(false) } else { Err(Refusal::field()) }
    }

    /// Returns whether a payment with this reference counts for the present subscription.
    pub(super) fn counts_for(&self, sub: &Sub, paid: &Paid) -> bool {
        let mut known = self.payments.iter().filter(|payment| payment.has_reference(paid.reference.as_ref()));
        known.any(|it| it.period.subscription == sub.id && !it.went_back && !it.pays_nothing())
    }

    /// Refuses to forget a plan to come that is paid.
    pub(super) fn may_change_again(&self, sub: &Sub) -> Result<(), Refusal> {
        let Some((paid, (sold, _))) = sub.paid_as_changed().zip(sub.change.as_ref()) else { return Ok(()) };
        let start = sub.start_of(paid);
        let refusal = Refusal::new("PLAN_CHANGE_PAID").with("plan_id", sold.plan);
        let refusal = refusal.with("period_start_time", Timestamp::from_micros(start));
        let mut paying = self.payments.iter().filter(|payment| payment.pays(sub.period_from(start)));
        Err(match paying.next().and_then(|payment| payment.paid.reference.as_ref()) {
            Some(reference) => refusal.with("payment_ref", reference),
            None => refusal,
        })
    }

    /// Returns the plan to come that a change now leaves: a paid one, from its first paid period on, that is not worse than it.
    pub(super) fn paid_change(&self, sub: &Sub, now: &Sold) -> Option<(Sold, u32)> {
        let (sold, paid) = (sub.change.as_ref().map(|(sold, _)| sold)?, sub.paid_as_changed()?);
        let is_worse = now.every == sold.every && self.is_upgrade(sold, now);
        (!is_worse && !now.is_sold_like(sold)).then(|| (sold.clone(), paid))
    }

    /// Returns the start of the present period, if it began by the clock and the payment may be for it.
    fn automatic_period(&self, payment: &RecordPayment) -> Option<i64> {
        let sub = self.sub.as_ref()?;
        let by_clock = Sold::renews_by_the_clock;
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
        let is_other =
            |payment: &Payment| Some(payment.period) != present || payment.went_back || payment.carried_over;
        let again = present.is_some_and(|present| self.went_back_ahead(present));
        (payment.paid != Paid::default() || again) && self.payments.iter().all(is_other)
    }

    /// Returns whether all payments for a period went back before it began.
    pub(crate) fn went_back_ahead(&self, period: PeriodId) -> bool {
        let payments = || self.payments.iter();
        payments().any(|payment| payment.was_for(period)) && payments().all(|payment| !payment.pays(period))
    }

    /// Returns the payment that went back before its period began, of those that a request may mean: the one with the
    /// reference, or, by the start of the period, the last one.
    pub(super) fn refunded_ahead(&self, period: PeriodId, reference: Option<&OriginId>) -> Option<usize> {
        if reference.is_some() {
            let named = self.payments.iter().rposition(|payment| payment.has_reference(reference));
            return named.filter(|at| self.payments[*at].went_back);
        }
        let last = self.payments.iter().rposition(|payment| payment.was_for(period));
        last.filter(|_| self.went_back_ahead(period))
    }

    /// Returns the same as [`Self::refunded_ahead`], for a refund that failed: by the start of the period also if
    /// another payment pays it, unless money of that went back.
    pub(super) fn failed_ahead(&self, period: PeriodId, reference: Option<&OriginId>) -> Option<usize> {
        let mut refunds = self.period_refunds.iter().filter(|refund| refund.period == period);
        if reference.is_some() || refunds.any(|refund| refund.cents.is_some()) {
            return self.refunded_ahead(period, reference);
        }
        self.payments.iter().rposition(|payment| payment.was_for(period))
    }

    /// Returns whether another payment pays the period of this one, or the period cannot come.
    pub(super) fn is_replaced(&self, at: usize) -> bool {
        let period = self.payments[at].period;
        self.payments[at].carried_over || self.payments.iter().any(|payment| payment.pays(period))
    }

    /// Notes that periods are now counted from another instant: later payments that went back are for none of them.
    pub(super) fn count_from(&mut self, sub: &Sub) {
        let start = Timestamp::from_micros(sub.anchor);
        for payment in self.payments.iter_mut().filter(|payment| payment.went_back) {
            let is_later = payment.period.subscription == sub.id && payment.period.start > start;
            payment.carried_over |= is_later;
        }
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
        let ends = |at: i64| Refusal::new("SUBSCRIPTION_ENDS").with("end_time", Timestamp::from_micros(at));
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
                let refusal = refusal.with("period_start_time", Timestamp::from_micros(start));
                return Err(refusal.with("next_start_time", Timestamp::from_micros(next)));
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

    /// Refunds the payment of a period that has not begun. Returns `None` if there is no such period.
    pub(super) fn refund_ahead(&mut self, period: PeriodId, total: &Money) -> Option<Result<(), Refusal>> {
        let sub = self.sub.clone().filter(|sub| sub.id == period.subscription)?;
        let at = sub.paid.iter().position(|n| sub.start_of(*n) == period.start.as_micros())?;
        Some(self.unpay(sub, at, total))
    }

    /// Pays a period again after its refund, recorded before the period began, has failed; for the price from before.
    /// Returns whether the period can be paid.
    pub(super) fn comes_again(&mut self, at: usize) -> bool {
        let payment = self.payments[at].clone();
        let is_own = |sub: &Sub| sub.id == payment.period.subscription && !sub.paused;
        let Some(sub) = self.sub.clone().filter(is_own) else { return false };
        let start = payment.period.start.as_micros();
        // An end, a change of plan and a provisional period do not matter.
        let before = Sub { ends: None, change: None, provisional: false, ..sub.clone() };
        let begins_now = |sub: &Sub| sub.sold.every != Every::Once && self.would_begin(sub, start);
        if begins_now(&sub) || begins_now(&before) {
            return false;
        }
        let mut change = sub.change.clone();
        if let Some((plan, from)) = change.as_mut().filter(|(_, from)| !sub.paid.contains(from)) {
            let last = (0..).find(|n| sub.boundary(*n) >= start).unwrap_or(0);
            *from = match payment.for_change.as_ref().filter(|(sold, _)| sold.is_sold_like(plan)) {
                Some((_, first)) => (*from).max(*first).min(last),
                None => (*from).max(last + 1),
            };
        }
        // A period that was paid for another plan begins as that, or not for this payment.
        let number = (0..).find(|n| sub.boundary(*n) >= start).unwrap_or(0);
        let plan = change.as_ref().filter(|(_, from)| *from <= number).map(|(sold, _)| sold);
        let plan = plan.or(sub.following.as_ref()).unwrap_or(&sub.sold);
        if payment.for_change.as_ref().is_some_and(|(sold, _)| !sold.is_sold_like(plan)) {
            return false;
        }
        let other = change.as_ref().filter(|(sold, _)| sold.every != sub.sold.every);
        if other.is_some_and(|(_, from)| sub.boundary(*from) < start) {
            return false;
        }
        let never_paid = self.never_paid.clone();
        self.sub = Some(before);
        if self.pay_period(Some(payment.period.start)).is_err() {
            self.sub = Some(sub);
            return false;
        }
        if let Some(again) = &mut self.sub {
            again.prices = sub.prices;
            again.prices.extend(again.paid.last().map(|period| (*period, payment.list)));
            again.provisional = sub.provisional;
            again.change = change;
            if sub.provisional {
                self.never_paid = never_paid;
            }
            let after = again.after_paid();
            again.ends = sub.ends.map(|ends| ends.max(after));
        }
        true
    }

    /// Returns whether a payment of this period would begin it now.
    fn would_begin(&self, sub: &Sub, start: i64) -> bool {
        self.begun_unpaid(sub) == Some(start)
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
        let n = sub.paid.remove(at);
        let for_change = sub.change.clone().filter(|(_, from)| *from <= n);
        let list = sub.prices.get(&n).copied().flatten();
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
        let paying = self.payments.iter().position(|payment| payment.pays(period));
        let paid = paying.map(|at| self.payments.remove(at).paid).unwrap_or_default();
        let back = Some(total.clone());
        self.keep_payment(Payment { went_back: true, back, list, for_change, ..Payment::new(paid, period) });
        Ok(())
    }

    /// Refunds the payment of a period before which the subscription ended. Returns `None` if there is none.
    pub(super) fn refund_unstarted(
        &mut self,
        period: PeriodId,
        total: &Money,
    ) -> Option<Result<(), Refusal>> {
        let at = self.payments.iter().position(|payment| payment.pays(period) && payment.unstarted)?;
        Some(self.refund_unstarted_at(at, total))
    }

    fn refund_unstarted_at(&mut self, at: usize, total: &Money) -> Result<(), Refusal> {
        if self.status == WalletStatus::Closed {
            return Err(Refusal::new("WALLET_CLOSED"));
        }
        let price = self.payments[at].paid.amount.as_ref().map(|amount| amount.minor_units);
        let price = price.ok_or_else(|| refused("NO_PRICE"))?;
        let nothing = total.minor_units == 0 && price > 0;
        if total.currency != "EUR" || total.minor_units != price && !nothing {
            return Err(Refusal::field());
        }
        if !nothing {
            let payment = self.payments.remove(at);
            self.keep_payment(Payment { went_back: true, back: Some(total.clone()), ..payment });
        }
        Ok(())
    }
}
