//! Refunds of periods that the payment provider has made. Of the refunded credits, those of windows to come are withheld, the
//! last windows first; the others are taken like those of a purchase.

use std::collections::BTreeMap;

use wallet_core::decide::RecordRefund;
use wallet_core::entry::EntryKind;
use wallet_core::grant::Origin;
use wallet_core::refund::UsedCredits;
use wallet_core::wallet::WalletStatus;
use wallet_core::{Command, Timestamp};

use super::answer::{Answered, Refusal};
use super::catalog::{UNITS, Unit};
use super::money_back::refused;
use super::reversal::part;
use super::state::{Lot, Model, Sub};

/// A recorded refund of a period.
#[derive(Debug, Clone)]
pub(crate) struct PeriodRefund {
    pub(crate) start: i64,
    pub(crate) cents: i64,
    pub(crate) owes: bool,
    /// The last sale when it was recorded: credits of a later one are paid for.
    pub(crate) sale: u32,
    /// The credits that are used or held and not paid, and the part of them that became debt.
    pub(crate) claims: BTreeMap<Unit, i64>,
    pub(crate) owed: BTreeMap<Unit, i64>,
    /// The credits that windows to come will not give.
    pub(crate) withheld: BTreeMap<Unit, i64>,
}

impl PeriodRefund {
    /// Returns whether a lot was paid for by the payment that went back.
    fn concerns(&self, lot: &Lot) -> bool {
        let first = lot.first.as_ref().unwrap_or(&lot.key);
        lot.period == Some(self.start) && first.sale().is_none_or(|sale| sale <= self.sale)
    }
}

impl Sub {
    /// Returns the credits of a unit that the rest of the period will give.
    fn to_come(&self, unit: Unit) -> i64 {
        let mut sum = 0;
        for (allowance, given) in self.sold.allowances.iter().zip(&self.given).filter(|(a, _)| a.unit == unit)
        {
            let windows = (*given..).take_while(|k| self.window(allowance, *k).is_some());
            sum += windows.map(|k| self.amount_of(allowance, k)).sum::<i64>();
        }
        (sum - self.advance.get(unit).copied().unwrap_or(0)).max(0)
    }
}

impl Model {
    /// Returns the refund of the period that a lot was paid with.
    pub(super) fn period_refund_of(&self, n: usize) -> Option<usize> {
        self.period_refunds.iter().position(|refund| refund.concerns(&self.lots[n]))
    }

    /// Returns the part of a new window of `amount` that is not paid and that the windows after it do not provide.
    pub(super) fn withhold(&mut self, sub: &Sub, unit: Unit, amount: i64) -> i64 {
        let start = sub.boundary(sub.period);
        let refund = self.period_refunds.iter_mut().find(|it| it.start == start && it.sale >= sub.first);
        let Some(withheld) = refund.and_then(|refund| refund.withheld.get_mut(unit)) else { return 0 };
        let now = (*withheld - sub.to_come(unit)).clamp(0, amount);
        *withheld -= now;
        now
    }

    /// Takes credits of a period that return from a job or a charge. Returns how many, and how many of them were owed.
    pub(super) fn take_back_period(
        &mut self,
        n: usize,
        refund: usize,
        amount: i64,
        charged: bool,
    ) -> (i64, i64) {
        let unit = self.lots[n].unit;
        let refund = &mut self.period_refunds[refund];
        let claim = refund.claims.entry(unit).or_default();
        let taken = amount.min(*claim);
        *claim -= taken;
        let owed = refund.owed.entry(unit).or_default();
        let forgiven = if charged { taken.min(*owed) } else { 0 };
        *owed -= forgiven;
        self.lots[n].paid_out += taken;
        (taken, forgiven)
    }

    /// Returns the price of a period.
    pub(crate) fn price_of_period(&self, start: i64) -> Option<i64> {
        let paid = self.payments.iter().filter(|(_, of)| *of == start);
        let paid: Vec<i64> = paid.filter_map(|(paid, _)| Some(paid.amount.as_ref()?.minor_units)).collect();
        if !paid.is_empty() {
            return Some(paid.iter().sum());
        }
        let sub = self.sub.as_ref()?;
        let own = |lot: &&Lot| lot.period == Some(start) && lot.key.origin == Origin::Period;
        let sold_now = self.lots.iter().filter(own).all(|lot| lot.key.sale() == Some(sub.number));
        if sub.boundary(sub.period) == start || sold_now { sub.sold.money } else { None }
    }

    pub(super) fn refund_period(
        &mut self,
        refund: &RecordRefund,
        start: Timestamp,
    ) -> Result<Answered, Refusal> {
        let start = start.as_micros();
        let mut lots: Vec<usize> = (0..self.lots.len()).collect();
        lots.retain(|n| self.lots[*n].period == Some(start));
        lots.sort_by_key(|n| self.lots[*n].key.clone());
        let command = &Command::RecordRefund(refund.clone());
        if self.requested(command)? {
            return Ok(Answered::again(self.seen(&lots)));
        }
        let present = self.sub.clone().filter(|sub| sub.boundary(sub.period) == start);
        if lots.is_empty() && present.is_none() {
            return Err(Refusal::field());
        }
        if self.refunds.iter().any(|(.., of)| *of == start) {
            return Err(refused("ALREADY_REFUNDED"));
        }
        if present.as_ref().is_some_and(|sub| sub.provisional) {
            return Err(refused("UNPAID"));
        }
        let price = self.price_of_period(start).ok_or_else(|| refused("NO_PRICE"))?;
        let cents = refund.total.minor_units;
        if refund.total.currency != "EUR" || cents > price {
            return Err(Refusal::field());
        }
        if self.status == WalletStatus::Closed {
            return Err(Refusal::new("WALLET_CLOSED"));
        }
        let before = self.period_refunds.iter().position(|refund| refund.start == start);
        let before = before.map(|at| self.period_refunds.remove(at));
        let mut record = PeriodRefund {
            start,
            cents,
            owes: refund.used == UsedCredits::Owe,
            sale: self.sales,
            claims: BTreeMap::new(),
            owed: BTreeMap::new(),
            withheld: BTreeMap::new(),
        };
        let mut corrections = 0;
        for (unit, _) in UNITS {
            let own: Vec<usize> = lots.iter().copied().filter(|n| self.lots[*n].unit == unit).collect();
            let given = own.iter().map(|n| &self.lots[*n]).filter(|lot| lot.first.is_none());
            let given: i64 = given.map(|lot| lot.amount).sum();
            let to_come = present.as_ref().map_or(0, |sub| sub.to_come(unit));
            let back = |cents: i64| part(given + to_come, cents, price.max(1)).min(given + to_come);
            let paid = |cents: i64| given - (back(cents) - back(cents).min(to_come));
            let there: i64 = own
                .iter()
                .map(|n| &self.lots[*n])
                .map(|lot| lot.free + lot.waiting + lot.used + self.held_rest(&lot.key))
                .sum();
            let used = self.used_of(&own, unit);
            let beyond = there - paid(cents);
            let taken = self.take_unspent(&own, unit, beyond);
            record.claims.insert(unit, beyond.max(0) - taken);
            record.owed.insert(unit, if record.owes { (used - paid(cents)).max(0) } else { 0 });
            record.withheld.insert(unit, back(cents).min(to_come));
            let owed_before = before.as_ref().map_or(0, |before| before.owed.get(unit).copied().unwrap_or(0));
            corrections +=
                self.owe_or_withdraw(unit, (owed_before, record.owed[unit]), &refund.request, corrections);
            let again = before.as_ref().map_or(0, |before| paid(cents) - paid(before.cents));
            corrections += self.give_again(own, (-beyond).min(again), &refund.request, corrections);
        }
        self.period_refunds.push(record);
        self.remember(command, EntryKind::RefundRecorded);
        Ok(Answered::done(self.seen(&lots)))
    }
}
