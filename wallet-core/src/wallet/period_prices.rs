//! The prices of periods: the amounts that were paid, or else the list prices.

use std::collections::BTreeMap;

use crate::value::time::Timestamp;
use crate::wallet::grant::Money;
use crate::wallet::payment::{self, Payment, PeriodPrice};
use crate::wallet::sold::Sold;
use crate::wallet::subscription::Subscription;

/// The number of earlier periods whose prices are remembered.
const MAX_PRICES: u32 = 24;

impl Sold {
    pub(super) fn listed(&self) -> Option<PeriodPrice> {
        self.listed_money().map(PeriodPrice::paid_in_full)
    }
}

impl Subscription {
    /// Returns the price of the period that starts at this instant: the amounts of its payments, otherwise
    /// [`Self::listed_price_of`].
    pub(crate) fn price_of(&self, start: Timestamp, payments: &[Payment]) -> Option<PeriodPrice> {
        payment::price_of(payments, self.period_id_at(start), || self.listed_price_of(start))
    }

    /// Returns the list price of the period that starts at this instant: the one that is remembered, otherwise that of the
    /// present terms.
    pub(crate) fn listed_price_of(&self, start: Timestamp) -> Option<PeriodPrice> {
        let Some(number) = self.number_of(start) else { return self.sold.listed() };
        if let Some(price) = self.prices.get(&number) {
            return price.clone();
        }
        let earlier = self.earlier_prices.range(number..).next().filter(|_| self.remembers_price_of(start));
        earlier.map_or_else(|| self.sold.listed(), |(_, price)| price.clone().map(PeriodPrice::paid_in_full))
    }

    /// Returns whether the list price of the period that starts at this instant is known, also if other terms have begun since.
    pub(crate) fn remembers_price_of(&self, start: Timestamp) -> bool {
        let number = self.number_of(start).filter(|number| *number <= self.period);
        number.is_some_and(|number| number.saturating_add(MAX_PRICES) > self.period)
    }

    /// Remembers the list price of the present terms for the periods up to this one.
    pub(super) fn remember_list_price(&mut self, last: u32) {
        let listed = self.sold.listed_money();
        self.earlier_prices.entry(last).or_insert(listed);
    }

    /// Returns the list prices of earlier terms without those of long ago.
    pub(super) fn remembered_list_prices(&self) -> BTreeMap<u32, Option<Money>> {
        let mut prices = self.earlier_prices.clone();
        prices.retain(|period, _| period.saturating_add(MAX_PRICES) > self.period);
        prices
    }

    /// Returns the subscription with a payment for a later period, at the list price of the terms that it is to begin with.
    #[must_use]
    pub(crate) fn with_payment_of(mut self, period: u32) -> Self {
        let listed = self.terms_of(period).listed();
        self.prices.insert(period, listed);
        self.paid.insert(period);
        self
    }

    /// Returns the prices after other terms have begun within the present period. Periods that were paid ahead keep
    /// theirs. Terms without a list price leave the price as it is, and the next terms with one are compared with the
    /// last that had one.
    pub(crate) fn prices_with(&self, next: &Sold, now: Timestamp) -> BTreeMap<u32, Option<PeriodPrice>> {
        let known = self.listed_price_of(self.period_start());
        let last = |currency: &str| {
            let of_currency = |price: &PeriodPrice| price.whole.currency == currency;
            let own = self.sold.listed().filter(of_currency).map(|price| price.whole.minor_units);
            own.or(known.as_ref().filter(|price| of_currency(price)).and_then(|price| price.listed))
        };
        let price = match next.listed_money() {
            Some(new) => Some(self.price_with(last(&new.currency).unwrap_or(0), new, known.as_ref(), now)),
            None => known.clone().map(|price| PeriodPrice { listed: last(&price.whole.currency), ..price }),
        };
        let mut prices = self.prices.clone();
        prices.remove(&self.period);
        if price != next.listed() {
            prices.insert(self.period, price);
        }
        prices
    }

    /// Returns the price of the present period after terms with a list price have begun within it. `last` is the list price
    /// before. A lower one takes a price down to itself and not further.
    fn price_with(&self, last: i64, new: Money, known: Option<&PeriodPrice>, now: Timestamp) -> PeriodPrice {
        let (start, end) = (self.period_start().as_micros(), self.period_end().as_micros());
        let (rest, length) = (i128::from(end - now.as_micros()), i128::from(end - start));
        let known = known.filter(|price| price.whole.currency == new.currency);
        let (whole, paid) = known.map_or((0, 0), |price| (price.whole.minor_units, price.paid));
        let raise = i128::from(new.minor_units) - i128::from(last);
        let down_to_new = (i128::from(new.minor_units) - i128::from(whole)).min(0);
        let difference = if raise < 0 { down_to_new } else { raise };
        let plus =
            |before: i64, more: i128| i64::try_from((i128::from(before) + more).max(0)).unwrap_or(i64::MAX);
        let paid = plus(paid, (difference * rest).div_euclid(length));
        PeriodPrice { whole: Money { minor_units: plus(whole, difference), ..new }, paid, listed: None }
    }

    /// Returns the prices without those of long ago, and without that of the present period, which has begun, unless it was
    /// paid ahead.
    pub(super) fn remembered_prices(&self) -> BTreeMap<u32, Option<PeriodPrice>> {
        let mut prices = self.prices.clone();
        prices.retain(|period, _| period.saturating_add(MAX_PRICES) > self.period);
        if !self.paid.contains(&self.period) {
            prices.remove(&self.period);
        }
        prices
    }
}
