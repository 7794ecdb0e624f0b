//! The prices of periods: the amounts that were paid, or else what the list prices say.

use std::collections::BTreeMap;

use crate::value::time::Timestamp;
use crate::wallet::grant::Money;
use crate::wallet::payment::{Payment, PeriodPrice, paid_for};
use crate::wallet::sold::Sold;
use crate::wallet::subscription::Subscription;

/// The number of earlier periods whose prices are remembered.
const MOST_REMEMBERED: u32 = 24;

impl Sold {
    pub(super) fn listed(&self) -> Option<PeriodPrice> {
        self.listed_money().map(PeriodPrice::paid_in_full)
    }
}

impl Subscription {
    /// Returns the price of the period that starts at this instant: the amounts of its payments, otherwise
    /// [`Self::listed_price_of`].
    pub(crate) fn price_of(&self, start: Timestamp, payments: &[Payment]) -> Option<PeriodPrice> {
        let paid = paid_for(payments, self.period_id_at(start)).map(PeriodPrice::paid_in_full);
        paid.or_else(|| self.listed_price_of(start))
    }

    /// Returns the list price of the period that starts at this instant: the one that is remembered, otherwise that of the
    /// present terms.
    pub(crate) fn listed_price_of(&self, start: Timestamp) -> Option<PeriodPrice> {
        let remembered = self.prices.iter().find(|(period, _)| self.start_of(**period) == start);
        remembered.map_or_else(|| self.sold.listed(), |(_, price)| price.clone())
    }

    /// Returns the subscription with a payment for a later period, at the list price of the terms that it is to begin with.
    #[must_use]
    pub(crate) fn with_payment_of(mut self, period: u32) -> Self {
        let change = self.change.as_ref().filter(|change| change.period <= period);
        let terms = change.map(|change| &change.sold).or(self.following.as_deref()).unwrap_or(&self.sold);
        self.prices.insert(period, terms.listed());
        self.paid.insert(period);
        self
    }

    /// Returns the prices after other terms have begun within the present period. Periods that were paid ahead keep theirs. A
    /// lower list price takes a price down to itself and not further.
    pub(crate) fn prices_with(&self, next: &Sold, now: Timestamp) -> BTreeMap<u32, Option<PeriodPrice>> {
        let (start, end) = (self.period_start(), self.period_end().as_micros());
        let (rest, length) = (i128::from(end - now.as_micros()), i128::from(end - start.as_micros()));
        let price = next.listed_money().map(|new| {
            let in_currency = |price: Option<PeriodPrice>| {
                let price = price.filter(|price| price.whole.currency == new.currency);
                price.map_or((0, 0), |price| (price.whole.minor_units, price.paid))
            };
            let (old_listed, _) = in_currency(self.sold.listed());
            let (whole, paid) = in_currency(self.listed_price_of(start));
            let raise = i128::from(new.minor_units) - i128::from(old_listed);
            let down_to_new = (i128::from(new.minor_units) - i128::from(whole)).min(0);
            let difference = if raise < 0 { down_to_new } else { raise };
            let plus = |before: i64, more: i128| {
                i64::try_from((i128::from(before) + more).max(0)).unwrap_or(i64::MAX)
            };
            let paid = plus(paid, (difference * rest).div_euclid(length));
            PeriodPrice { whole: Money { minor_units: plus(whole, difference), ..new }, paid }
        });
        let mut prices = self.prices.clone();
        prices.remove(&self.period);
        if price != next.listed() {
            prices.insert(self.period, price);
        }
        prices
    }

    /// Returns the prices without those of long ago, and without that of the present period, which has begun, unless it was
    /// paid ahead.
    pub(super) fn remembered_prices(&self) -> BTreeMap<u32, Option<PeriodPrice>> {
        let mut prices = self.prices.clone();
        prices.retain(|period, _| period.saturating_add(MOST_REMEMBERED) > self.period);
        if !self.paid.contains(&self.period) {
            prices.remove(&self.period);
        }
        prices
    }
}
