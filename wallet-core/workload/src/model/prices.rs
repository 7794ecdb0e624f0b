//! The prices of periods, in cents: the amounts that were paid, or else the list prices.

use wallet_core::PeriodId;
use wallet_core::grant::Origin;

use super::state::{Lot, Model, Sold, Sub};

/// The price of a whole period, and the cents that were paid.
pub(crate) type PeriodPrice = (i64, i64);

impl Sub {
    /// Records that a later period is paid, for the price of the plan that it is to begin with.
    pub(super) fn pay(&mut self, period: u32) {
        let changed = self.change.as_ref().filter(|(_, from)| *from <= period).map(|(sold, _)| sold.money);
        let price = changed.or(self.following.as_ref().map(|sold| sold.money)).unwrap_or(self.sold.money);
        self.prices.insert(period, price.map(|price| (price, price)));
        self.paid.push(period);
    }

    fn price_of(&self, start: i64) -> Option<PeriodPrice> {
        if let Some((_, price)) = self.prices.iter().find(|(period, _)| self.start_of(**period) == start) {
            return *price;
        }
        let list = self.list_of(start).unwrap_or(self.sold.money);
        list.map(|list| (list, list))
    }

    /// Returns the list price of a period that is over.
    fn list_of(&self, start: i64) -> Option<Option<i64>> {
        self.lists.iter().find(|(period, _)| self.start_of(**period) == start).map(|(_, list)| *list)
    }

    /// Keeps the list price of the present period, which is over or gets other terms.
    pub(super) fn keep_list(&mut self) {
        self.lists.entry(self.period).or_insert(self.sold.money);
    }

    /// Changes the price of the period after another plan has begun within it: the difference is paid for the rest.
    pub(super) fn pay_difference(&mut self, old: &Sold, now: i64) {
        let (start, end) = (self.start_of(self.period), self.end());
        self.last_list = old.money.or(self.last_list);
        let before = self.prices.remove(&self.period).unwrap_or(old.money.map(|list| (list, list)));
        let (whole, paid) = before.unwrap_or((0, 0));
        let list = old.money.or(before.and(self.last_list)).unwrap_or(0);
        let Some(new) = self.sold.money else {
            // The plan has no price: that of the period stays.
            self.prices.extend(before.map(|price| (self.period, Some(price))));
            return;
        };
        let step = if new < list { (new - whole).min(0) } else { new - list };
        let part = i128::from(step) * i128::from(end - now);
        let more = i64::try_from(part.div_euclid(i128::from(end - start))).unwrap_or(0);
        let price = ((whole + step).max(0), (paid + more).max(0));
        if price != (new, new) {
            self.prices.insert(self.period, Some(price));
        }
    }
}

impl Model {
    /// Returns the price of a period by what is known about it.
    pub(crate) fn price_of_period(&self, period: PeriodId) -> Option<PeriodPrice> {
        let start = period.start.as_micros();
        let sub = self.sub.as_ref().filter(|sub| sub.id == period.subscription);
        let own = |lot: &&Lot| lot.period == Some(period) && lot.key.origin == Origin::Period && !lot.unpaid;
        let is_own = |sub: &&Sub| {
            let mut sales = self.lots.iter().filter(own).map(|lot| lot.key.sale());
            let known = sub.start_of(sub.period) == start || sub.list_of(start).is_some();
            known || sales.all(|sale| sale == Some(sub.number))
        };
        self.paid_or_listed(period, || sub.filter(is_own)?.price_of(start))
    }

    /// Returns the price of a period of the present subscription.
    pub(super) fn price_of_own(&self, sub: &Sub, period: u32) -> Option<PeriodPrice> {
        let start = sub.start_of(period);
        self.paid_or_listed(sub.period_from(start), || sub.price_of(start))
    }

    /// Returns the sum of the payments for a period that have an amount, with those that were carried over to it. If only
    /// carried ones have an amount: the larger of their sum and the list price.
    fn paid_or_listed(
        &self,
        period: PeriodId,
        listed: impl FnOnce() -> Option<PeriodPrice>,
    ) -> Option<PeriodPrice> {
        let sum = |is_carried: bool| {
            let paid = self
                .payments
                .iter()
                .filter(|payment| payment.pays(period) && payment.carried_over == is_carried);
            let paid: Vec<i64> =
                paid.filter_map(|payment| Some(payment.paid.amount.as_ref()?.minor_units)).collect();
            if paid.is_empty() { None } else { Some(paid.into_iter().sum::<i64>()) }
        };
        let carried = sum(true);
        match sum(false) {
            Some(own) => Some((own + carried.unwrap_or(0), own + carried.unwrap_or(0))),
            None => match (listed(), carried) {
                (Some((whole, paid)), Some(carried)) => Some((whole.max(carried), paid.max(carried))),
                (listed, carried) => listed.or(carried.map(|carried| (carried, carried))),
            },
        }
    }
}
