//! A subscription's calendar: its periods, its windows, and the step to the next period.

use std::collections::BTreeMap;

use wallet_core::{PeriodId, Timestamp};

use super::calendar::{Every, NEVER, nth};
use super::catalog::{self, Allowance, Unit};
use super::state::{Sold, Sub};

impl Sub {
    pub(super) fn new(number: u32, sold: Sold, anchor: i64) -> Self {
        let given = vec![0; sold.allowances.len()];
        Self {
            number,
            id: number,
            first: number,
            sold,
            anchor,
            period: 0,
            paid: Vec::new(),
            prices: BTreeMap::new(),
            last_list: None,
            lists: BTreeMap::new(),
            given,
            past_due: false,
            dunning: None,
            paid_late: None,
            provisional: false,
            change: None,
            following: None,
            pause: None,
            paused: false,
            ends: None,
            unpaid: None,
            advance: BTreeMap::new(),
        }
    }

    /// Returns the credits that a plan without periods has given so far, by unit: its own, and those that an earlier sale of
    /// it gave beyond them.
    pub(super) fn given_of_once(&self) -> BTreeMap<Unit, i64> {
        let mut given = self.advance.clone();
        for (n, allowance) in self.sold.allowances.iter().enumerate() {
            if self.given[n] > 0 {
                *given.entry(allowance.unit).or_default() += allowance.amount;
            }
        }
        given
    }

    pub(super) fn boundary(&self, n: u32) -> i64 {
        nth(self.anchor, self.sold.every, n)
    }

    /// Returns the start of a period.
    pub(crate) fn start_of(&self, n: u32) -> i64 {
        self.boundary(n)
    }

    /// Returns its period that starts at this instant.
    pub(crate) fn period_from(&self, start: i64) -> PeriodId {
        PeriodId { subscription: self.id, start: Timestamp::from_micros(start) }
    }

    /// Returns the present period.
    pub(crate) fn present(&self) -> PeriodId {
        self.period_from(self.boundary(self.period))
    }

    pub(super) fn end(&self) -> i64 {
        self.boundary(self.period + 1)
    }

    /// Returns the `k`-th window of an allowance in this period, if it has one.
    pub(super) fn window(&self, allowance: &Allowance, k: u32) -> Option<(i64, i64)> {
        let begin = |k: u32| self.window_begin(allowance, k);
        (begin(k) < self.end()).then(|| (begin(k), begin(k + 1).min(self.end())))
    }

    /// Returns the start of the `k`-th window, also after the end of this period.
    fn window_begin(&self, allowance: &Allowance, k: u32) -> i64 {
        match (self.sold.every, allowance.every) {
            (Every::Months(whole), Every::Months(part)) if whole % part == 0 => {
                let before = i64::from(self.period) * (whole / part);
                nth(self.anchor, allowance.every, u32::try_from(before).unwrap_or(0) + k)
            }
            (whole, part) if whole == part => self.boundary(self.period + k),
            (_, part) => nth(self.boundary(self.period), part, k),
        }
    }

    /// Returns the amount of an allowance for its `k`-th window. If the window is cut short by the end of the period,
    /// that is the share of its length, rounded up.
    pub(super) fn amount_of(&self, allowance: &Allowance, k: u32) -> i64 {
        let Some((from, until)) = self.window(allowance, k) else { return 0 };
        let full = self.window_begin(allowance, k + 1);
        if until < full {
            share(allowance.amount, until - from, full - from, allowance.unit)
        } else {
            allowance.amount
        }
    }

    /// Returns the amount that an allowance gives for its `k`-th window now: a part of it before the payment.
    pub(super) fn given_for(&self, allowance: &Allowance, k: u32) -> i64 {
        let whole = self.amount_of(allowance, k);
        let percent = if self.sold.on_payment { Some(0) } else { self.sold.provisional };
        let percent = percent.filter(|_| self.provisional);
        percent.map_or(whole, |percent| share(whole, percent, 100, allowance.unit).min(whole))
    }

    /// Returns the window that contains an instant.
    pub(super) fn window_at(&self, allowance: &Allowance, at: i64) -> Option<(u32, (i64, i64))> {
        let mut all = (0..).map_while(|k| self.window(allowance, k).map(|window| (k, window)));
        all.find(|(_, (from, until))| (*from..*until).contains(&at))
    }

    /// Returns the amount of an allowance for the rest of its `k`-th window, before it is rounded: the numerator and
    /// the denominator.
    pub(super) fn rest_of(&self, allowance: &Allowance, k: u32, at: i64) -> (i64, i64) {
        let until = self.window(allowance, k).map_or(at, |(_, until)| until);
        (until - at, self.window_begin(allowance, k + 1) - self.window_begin(allowance, k))
    }

    /// Returns the first window of an allowance that begins at `from` or later, with its number, and turns to its
    /// period.
    pub(super) fn next_window(&mut self, allowance: &Allowance, from: i64) -> (i64, u32) {
        loop {
            let mut starts = (0..).map_while(|k| self.window(allowance, k).map(|(start, _)| (start, k)));
            match starts.find(|(start, _)| *start >= from) {
                Some(next) => return next,
                None => self.period += 1,
            }
        }
    }

    pub(super) fn next_given(&self, n: usize) -> i64 {
        if self.paused {
            return NEVER;
        }
        self.window(&self.sold.allowances[n], self.given[n]).map_or(NEVER, |(from, _)| from)
    }

    fn any_given(&self) -> i64 {
        (0..self.given.len()).map(|n| self.next_given(n)).min().unwrap_or(NEVER)
    }

    /// Returns the instant at which something happens besides allowances: the end of the period, or, if the next one
    /// was not paid, the start of a later paid one, or the end of the dunning time.
    pub(super) fn turn(&self) -> i64 {
        if self.paused {
            return self.pause.flatten().unwrap_or(NEVER);
        }
        if self.provisional {
            return self.end().min(self.boundary(self.period) + self.sold.dunning);
        }
        match (self.past_due, self.paid.iter().min()) {
            (false, _) => self.end(),
            (true, Some(paid)) => self.boundary(*paid),
            (true, None) => self.end() + self.dunning.unwrap_or(self.sold.dunning),
        }
    }

    /// Returns the instant of the next due event.
    pub(super) fn next_instant(&self) -> i64 {
        self.turn().min(self.any_given())
    }

    /// Returns the instant at which the subscription gives credits next, as far as it is known.
    pub(super) fn next_renewal(&self) -> i64 {
        let renews = self.ends != Some(self.period + 1) && !self.past_due && !self.provisional;
        let renews = renews && (self.pause.is_none() || !self.paid.is_empty());
        if renews || self.paused { self.turn().min(self.any_given()) } else { self.any_given() }
    }

    /// Returns the first period after all that are paid.
    pub(crate) fn after_paid(&self) -> u32 {
        let unpaid = if self.provisional { self.period } else { self.period + 1 };
        self.paid.iter().map(|paid| paid + 1).max().unwrap_or(unpaid)
    }

    /// Returns whether it is past due although nothing has to be paid for the period that has begun.
    pub(super) fn needs_no_payment(&self) -> bool {
        let change = self.change.as_ref().filter(|(_, period)| *period <= self.period + 1);
        let to_be = change.map_or(&self.sold, |(sold, _)| sold);
        // The catalog has no trial whose next plan needs no payment.
        let is_after_trial = change.is_none() && self.sold.once;
        let is_automatic = !to_be.on_payment && to_be.provisional.is_none() && !is_after_trial;
        self.past_due && self.ends.is_none() && self.pause.is_none() && is_automatic
    }

    /// Continues in the next period or, if that is over, in the one that contains `at`. A change that is due takes
    /// effect.
    pub(super) fn go_on(&mut self, at: i64) {
        let next = self.period + 1;
        self.keep_list();
        self.period = next;
        if let Some((sold, _)) = self.change.take_if(|(_, period)| *period <= next) {
            let same = sold.every == self.sold.every;
            let anchor = if same { self.anchor } else { self.boundary(next) };
            self.number += 1;
            self.sold = sold;
            self.following = None;
            if !same {
                let ends = self.ends.map(|_| 1);
                let price = self.prices.remove(&next).filter(|_| self.paid.contains(&next));
                let id = self.id;
                *self =
                    Self { id, ends, pause: self.pause, ..Self::new(self.number, self.sold.clone(), anchor) };
                if let Some(price) = price {
                    self.paid.push(0);
                    self.prices.insert(0, price);
                }
            }
        } else if let Some(following) = self.following.take() {
            self.sold = following;
        }
        while self.end() <= at {
            self.period += 1;
        }
        let period = self.period;
        let paid_ahead = self.paid.contains(&period);
        self.prices.retain(|of, _| of + 24 > period && (*of != period || paid_ahead));
        self.lists.retain(|of, _| of + 24 > period);
        self.paid.retain(|paid| *paid > period);
        self.given = vec![0; self.sold.allowances.len()];
        (self.past_due, self.provisional) = (false, false);
        (self.paid_late, self.dunning, self.last_list) = (None, None, None);
        self.unpaid = None;
        self.advance.clear();
    }
}

/// Returns `part` of `whole` of an amount, rounded up to the increment of the unit, also below zero.
pub(super) fn share(amount: i64, part: i64, whole: i64, unit: Unit) -> i64 {
    let step = i128::from(catalog::step(unit));
    let (product, whole) = (i128::from(amount) * i128::from(part), i128::from(whole) * step);
    let steps = product.div_euclid(whole) + i128::from(product.rem_euclid(whole) > 0);
    i64::try_from(steps * step).unwrap_or(0)
}
