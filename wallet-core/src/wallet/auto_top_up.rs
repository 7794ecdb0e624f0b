//! Auto top-up: the packs that a wallet buys when a balance is low, and the state of these purchases.
//!
//! The wallet moves no money. A purchase becomes due, which is notified; the platform charges the customer and answers
//! with TopUp or RecordAutoTopUpFailure. Owns the questions about the setting. Changes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{Datelike, Months, NaiveTime};
use serde::{Deserialize, Serialize};

use crate::catalog::{Catalog, MAX_PACKS};
use crate::value::amount::MAX_AMOUNT;
use crate::value::ids::{OriginId, UnitId};
use crate::value::time::Timestamp;
use crate::wallet::grant::Money;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

/// The waits after the first and the second decline in a row, in which nothing is due. The third turns auto top-up off.
const WAITS: [Duration; 2] = [HOUR, HOUR.saturating_mul(6)];

/// The most earlier purchases that are remembered as declined: with the last one, as many as are declined in a row.
const MOST_EARLIER: usize = WAITS.len();

/// The setting of a wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    pub unit: UnitId,
    /// The amount, in minor units, below which the balance is topped up. Above 0.
    pub threshold: i64,
    /// The pack that is bought.
    pub pack: String,
    /// The most purchases of a day in UTC, at least 1.
    pub max_per_day: u32,
    /// The most that the purchases of a month in UTC may cost at list prices. Unlimited by default.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_paid_per_month: Option<Money>,
}

/// The state of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    On,
    /// Turned off by the platform.
    Off,
    /// Turned off by declines in a row.
    Declined,
}

/// The terms of the pack: a copy of those in the catalog, because due events have no catalog. Commands update it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The amount of the unit in one pack, in minor units.
    pub amount: i64,
    /// The most packs of one purchase.
    pub most: u32,
    /// The list price of one pack.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub price: Option<Money>,
    /// The plans whose subscribers may buy the pack. All by default.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub plans: Option<Vec<String>>,
    /// True if a wallet without a subscription may buy the pack.
    pub without_subscription: bool,
}

/// A purchase that is due and was not answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// The `top_up_id` of the TopUp that completes the purchase.
    pub id: OriginId,
    pub pack: String,
    /// The number of packs, at least 1.
    pub quantity: u32,
    /// The list price of all packs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub price: Option<Money>,
    /// The instant at which it became due.
    pub time: Timestamp,
}

/// The purchases of the present day and month in UTC: those that are due or bought, by the instants at which they
/// became due.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The number of the day since the epoch.
    pub day: i64,
    /// The number of purchases of the day.
    pub purchases: u32,
    /// The number of the month since the year 0.
    pub month: i64,
    /// The sums of the list prices of the month, by currency.
    pub paid: BTreeMap<String, i64>,
}

/// The auto top-up of a wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoTopUp {
    pub setting: Setting,
    pub standing: Standing,
    /// The terms of the pack; none while the catalog does not sell it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub offer: Option<Offer>,
    /// The one purchase under way.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub under_way: Option<Purchase>,
    /// The last purchase that was declined.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub declined: Option<Purchase>,
    /// Those that were declined before it, the last one first, at most two.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub declined_before: Vec<Purchase>,
    /// The number of declines since the last success.
    pub declines: u32,
    /// The end of the wait after a decline.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_time: Option<Timestamp>,
    /// The instant at which a purchase becomes due if the balance stays low.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub due_time: Option<Timestamp>,
    pub counted: Counted,
}

impl Offer {
    /// Returns the terms of a pack for a unit. `None` if the catalog has no such pack, or it does not contain the unit.
    pub fn of(catalog: &Catalog, pack: &str, unit: &UnitId) -> Option<Self> {
        let pack = catalog.pack(pack)?;
        let amount = pack.amounts.get(unit.as_str());
        let largest = pack.amounts.iter().map(|(_, amount)| amount).max().filter(|_| amount > 0)?;
        let most = u32::try_from(MAX_AMOUNT / largest).unwrap_or(MAX_PACKS);
        let default = catalog.default_plan().map(|plan| &plan.id);
        let price = pack.list_price.clone();
        Some(Self {
            amount,
            most: most.min(MAX_PACKS),
            price: price.map(|price| Money { currency: price.currency, minor_units: price.minor_units }),
            plans: pack.plans.clone(),
            without_subscription: pack
                .plans
                .as_ref()
                .is_none_or(|plans| default.is_some_and(|default| plans.contains(default))),
        })
    }

    /// Returns whether subscribers of a plan may buy the pack; `None` stands for wallets without a subscription.
    fn is_for(&self, plan: Option<&str>) -> bool {
        let Some(plan) = plan else { return self.without_subscription };
        self.plans.as_ref().is_none_or(|plans| plans.iter().any(|id| id == plan))
    }

    /// Returns the price of `quantity` packs.
    fn price_of(&self, quantity: u32) -> Option<Money> {
        let Money { currency, minor_units } = self.price.as_ref()?;
        let minor_units = minor_units.saturating_mul(i64::from(quantity));
        Some(Money { currency: currency.clone(), minor_units })
    }
}

impl AutoTopUp {
    /// Returns the state of a wallet that sets it for the first time.
    pub fn new(setting: Setting) -> Self {
        Self {
            setting,
            standing: Standing::On,
            offer: None,
            under_way: None,
            declined: None,
            declined_before: Vec::new(),
            declines: 0,
            retry_time: None,
            due_time: None,
            counted: Counted::default(),
        }
    }

    /// Returns the instant, from `at` on, at which a purchase is due while `available` and the running `plan` stay as
    /// they are. `None` if none is due then.
    pub(crate) fn next_due(&self, plan: Option<&str>, available: i64, at: Timestamp) -> Option<Timestamp> {
        let is_low = available < self.setting.threshold;
        if self.standing != Standing::On || self.under_way.is_some() || !is_low {
            return None;
        }
        let offer = self.offer.as_ref().filter(|offer| offer.is_for(plan))?;
        let mut time = self.retry_time.map_or(at, |retry| retry.max(at));
        if self.counted.at(time).purchases >= self.setting.max_per_day {
            time = next_day(time);
        }
        if self.affordable(offer, time)? == 0 {
            time = next_month(time);
        }
        (self.affordable(offer, time)? > 0 && time < Timestamp::NEVER).then_some(time)
    }

    /// Returns the purchase that is due `at` this instant: the fewest packs that close the gap to the threshold, or as
    /// many as one purchase may have.
    pub(crate) fn purchase(
        &self,
        available: i64,
        debt: i64,
        id: OriginId,
        at: Timestamp,
    ) -> Option<Purchase> {
        let Setting { threshold, pack, .. } = &self.setting;
        let offer = self.offer.as_ref()?;
        // New credits repay debt first.
        let gap = i128::from(*threshold) + i128::from(debt) - i128::from(available);
        let amount = i128::from(offer.amount);
        let packs = u32::try_from((gap + amount - 1) / amount).unwrap_or(u32::MAX);
        let quantity = packs.min(offer.most).min(self.affordable(offer, at)?).max(1);
        Some(Purchase { id, pack: pack.clone(), quantity, price: offer.price_of(quantity), time: at })
    }

    /// Returns the number of packs that the bound of the month allows at an instant. `None` if the price is unknown, or
    /// above the bound.
    fn affordable(&self, offer: &Offer, at: Timestamp) -> Option<u32> {
        let Some(most) = &self.setting.max_paid_per_month else { return Some(u32::MAX) };
        let price = offer.price.as_ref().filter(|price| price.currency == most.currency)?.minor_units;
        if price > most.minor_units {
            return None;
        }
        let paid = self.counted.at(at).paid.get(&most.currency).copied().unwrap_or(0);
        let left = most.minor_units.saturating_sub(paid).max(0);
        Some(if price > 0 { u32::try_from(left / price).unwrap_or(u32::MAX) } else { u32::MAX })
    }

    /// Returns whether a TopUp of this id answers a purchase, in time or after it was declined.
    pub(crate) fn awaits(&self, id: &OriginId) -> bool {
        self.awaited().any(|purchase| purchase.id == *id)
    }

    /// Returns whether a TopUp of this id answers a purchase of this pack.
    pub(crate) fn awaits_pack(&self, id: &OriginId, pack: &str) -> bool {
        self.awaited().any(|purchase| purchase.id == *id && purchase.pack == pack)
    }

    /// Returns whether the purchase of this id is one of the last that were declined.
    pub(crate) fn has_declined(&self, id: &OriginId) -> bool {
        self.last_declined().any(|purchase| purchase.id == *id)
    }

    fn awaited(&self) -> impl Iterator<Item = &Purchase> {
        self.under_way.iter().chain(self.last_declined())
    }

    fn last_declined(&self) -> impl Iterator<Item = &Purchase> {
        self.declined.iter().chain(&self.declined_before)
    }

    /// Returns the state after the purchase of this id was bought.
    pub(crate) fn bought(&self, id: &OriginId) -> Self {
        let mut next = Self { declines: 0, retry_time: None, ..self.clone() };
        next.under_way = next.under_way.filter(|purchase| purchase.id != *id);
        let mut declined: Vec<_> =
            next.declined.take().into_iter().chain(next.declined_before.drain(..)).collect();
        if let Some(late) = declined.iter().position(|purchase| purchase.id == *id) {
            next.counted.add(&declined.remove(late));
        }
        let mut declined = declined.into_iter();
        (next.declined, next.declined_before) = (declined.next(), declined.collect());
        next
    }

    /// Returns the state after the purchase under way was declined `at` this instant.
    pub(crate) fn declined(&self, at: Timestamp) -> Self {
        let mut next = self.clone();
        if let Some(purchase) = next.under_way.take() {
            next.counted.remove(&purchase);
            next.declined_before.splice(0..0, next.declined.replace(purchase));
            next.declined_before.truncate(MOST_EARLIER);
        }
        next.declines += 1;
        let wait = WAITS.get(usize::try_from(next.declines - 1).unwrap_or(usize::MAX));
        next.retry_time = wait.map(|wait| at.plus(*wait));
        if wait.is_none() && next.standing == Standing::On {
            next.standing = Standing::Declined;
        }
        next
    }
}

impl Counted {
    /// Returns the purchases of the day and month of an instant, which is not earlier than those that were counted.
    fn at(&self, at: Timestamp) -> Self {
        let (day, month) = (day_of(at), month_of(at));
        Self {
            day,
            purchases: if day == self.day { self.purchases } else { 0 },
            month,
            paid: if month == self.month { self.paid.clone() } else { BTreeMap::new() },
        }
    }

    /// Counts a purchase that becomes due, unless a later day or month is counted.
    pub(crate) fn add(&mut self, purchase: &Purchase) {
        if purchase.time >= start_of_day(self.day) {
            *self = self.at(purchase.time);
        }
        if day_of(purchase.time) == self.day {
            self.purchases += 1;
        }
        if let Some(price) = purchase.price.as_ref().filter(|_| month_of(purchase.time) == self.month) {
            let paid = self.paid.entry(price.currency.clone()).or_default();
            *paid = paid.saturating_add(price.minor_units);
        }
    }

    /// Withdraws a purchase that was not bought.
    fn remove(&mut self, purchase: &Purchase) {
        if day_of(purchase.time) == self.day {
            self.purchases = self.purchases.saturating_sub(1);
        }
        if let Some(price) = purchase.price.as_ref().filter(|_| month_of(purchase.time) == self.month) {
            let paid = self.paid.entry(price.currency.clone()).or_default();
            *paid = paid.saturating_sub(price.minor_units).max(0);
        }
    }
}

const fn day_of(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(DAY_MICROS)
}

fn start_of_day(day: i64) -> Timestamp {
    Timestamp::from_micros(day.saturating_mul(DAY_MICROS))
}

fn next_day(at: Timestamp) -> Timestamp {
    start_of_day(day_of(at) + 1)
}

fn month_of(at: Timestamp) -> i64 {
    at.to_utc().map_or(i64::MAX, |utc| i64::from(utc.year()) * 12 + i64::from(utc.month0()))
}

fn next_month(at: Timestamp) -> Timestamp {
    let first = at.to_utc().and_then(|utc| utc.date_naive().with_day(1));
    let next = first.and_then(|first| first.checked_add_months(Months::new(1)));
    next.map_or(Timestamp::NEVER, |next| next.and_time(NaiveTime::MIN).and_utc().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse::<chrono::DateTime<chrono::Utc>>().unwrap().into()
    }

    #[test]
    fn days_and_months_begin_at_midnight_in_utc() {
        let late = at("2028-02-28T23:59:59.999999Z");
        assert_eq!(next_day(late), at("2028-02-29T00:00:00Z"));
        assert_eq!(next_month(late), at("2028-03-01T00:00:00Z"));
        assert_eq!(next_month(at("2026-12-01T00:00:00Z")), at("2027-01-01T00:00:00Z"));
        assert_eq!(next_day(at("2026-12-31T00:00:00Z")), at("2027-01-01T00:00:00Z"));
        assert_eq!(month_of(at("2027-01-01T00:00:00Z")) - month_of(at("2026-12-31T23:59:59Z")), 1);
        assert_eq!(next_month(Timestamp::NEVER), Timestamp::NEVER);
    }
}
