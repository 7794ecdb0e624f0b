//! The ways in which a subscription continues: it begins, takes other terms, enters its next period, is resumed, or
//! is not paid. Each returns the subscription after the step.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Renewal;
use crate::value::amount::Amounts;
use crate::value::period::{boundary, period_at};
use crate::value::time::Timestamp;
use crate::wallet::payment::RefundAhead;
use crate::wallet::rollover::Unused;
use crate::wallet::sold::{PlanChange, Sold};
use crate::wallet::subscription::{Standing, Subscription};

impl Subscription {
    /// Returns a subscription that begins at `anchor`, paid for its first period, with no allowance granted yet.
    pub fn begin(number: u32, sold: Sold, anchor: Timestamp) -> Self {
        let given = vec![0; sold.allowances.len()];
        Self {
            number,
            id: number,
            first: number,
            sold,
            anchor,
            period: 0,
            paid: BTreeSet::new(),
            prices: BTreeMap::new(),
            earlier_prices: BTreeMap::new(),
            given,
            standing: Standing::Active,
            change: None,
            following: None,
            pause: None,
            end: None,
            paid_late: None,
            dunning_seconds: None,
            unused: Vec::new(),
            advance: Amounts::none(),
        }
    }

    /// Returns the subscription with other terms, whose periods are counted from `anchor`, paid for the first of them.
    #[must_use]
    pub fn restarted(&self, sold: Sold, anchor: Timestamp) -> Self {
        Self { id: self.id, ..Self::begin(self.number + 1, sold, anchor) }
    }

    /// Returns the subscription in the first period from its present one on that has not ended at `now`.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.period = self.period.max(period_at(self.anchor, self.sold.term, now));
        self
    }

    /// Returns the subscription with other terms in the present period, of which no allowance has been issued yet.
    #[must_use]
    pub fn with_terms(mut self, sold: Sold) -> Self {
        // If it is past due, the terms begin with another period.
        let is_past_due = self.standing == Standing::PastDue;
        let last = if is_past_due { Some(self.period) } else { self.period.checked_sub(1) };
        last.into_iter().for_each(|last| self.remember_list_price(last));
        let given = vec![0; sold.allowances.len()];
        let is_same = sold == self.sold;
        let (change, following) = if is_same { (self.change, self.following) } else { (None, None) };
        Self { number: self.number + 1, given, sold, change, following, ..self }
    }

    /// Returns the subscription with what follows it: a trial ends with its period, or gives way to the next plan.
    #[must_use]
    pub fn with_follow_up(mut self) -> Self {
        let is_trial = self.sold.once && !self.sold.term.is_once();
        if !is_trial || self.end.is_some() || self.change.is_some() {
            return self;
        }
        let next = self.unpaid_period().max(self.period + 1);
        match &self.sold.then {
            Some(then) => self.change = Some(PlanChange { sold: (**then).clone(), period: next }),
            None => self.end = Some(next),
        }
        self
    }

    /// Returns the subscription in its next period, or, if it is paid late, in the one that contains `now`, with no
    /// allowance granted yet. A change of plan that is due happens. The periods between them grant nothing.
    pub fn continued(mut self, now: Timestamp) -> Self {
        let period = self.period + 1;
        if self.due_change().or(self.following.as_deref()).is_some() {
            self.remember_list_price(self.period);
        }
        let next = match self.change.take_if(|change| change.period <= period) {
            Some(PlanChange { sold, .. }) if sold.term == self.sold.term => {
                Self { number: self.number + 1, sold, following: None, period, ..self }
            }
            // Periods of another term are counted from its start: a cancellation takes effect after the first one.
            Some(PlanChange { sold, .. }) => {
                let anchor = boundary(self.anchor, self.sold.term, period);
                let end = self.end.map(|_| 1);
                let paid = self.paid.take(&period).map(|_| 0).into_iter().collect();
                let prices = self.prices.remove(&period).map(|price| (0, price)).into_iter().collect();
                Self { end, pause: self.pause, paid, prices, ..self.restarted(sold, anchor) }
            }
            None => {
                let sold = self.following.map_or(self.sold, |following| *following);
                Self { sold, following: None, period, ..self }
            }
        };
        let next = next.at(now);
        Self {
            prices: next.remembered_prices(),
            earlier_prices: next.remembered_list_prices(),
            paid: next.paid.iter().copied().filter(|paid| *paid > next.period).collect(),
            given: vec![0; next.sold.allowances.len()],
            standing: Standing::Active,
            paid_late: None,
            dunning_seconds: None,
            unused: Vec::new(),
            advance: Amounts::none(),
            ..next
        }
    }

    /// Returns the subscription at the end of its period whose next one was not paid.
    pub fn past_due(mut self, unused: Vec<Unused>) -> Self {
        self.dunning_seconds = self.due_change().map(|sold| sold.dunning_seconds);
        Self { standing: Standing::PastDue, unused, ..self }
    }

    /// Returns the subscription after its provisional period was not paid. It waits for a later period that is paid.
    /// The grants of a late payment get other keys.
    pub fn unpaid(mut self) -> Self {
        self.number += 1;
        self.standing = Standing::PastDue;
        self.period = self.period.saturating_sub(1);
        let all = |allowance| u32::try_from(self.windows(allowance, 0).count()).unwrap_or(u32::MAX);
        self.given = self.sold.allowances.iter().map(all).collect();
        self
    }

    /// Returns the subscription after the payment of a later period was refunded. An end, or a change of plan, at the end of
    /// what was paid comes earlier.
    #[must_use]
    pub fn refunded_ahead(mut self, period: u32, now: Timestamp) -> Self {
        self.paid.remove(&period);
        let unpaid = self.unpaid_period();
        self.end = self.end.map(|end| end.min(unpaid));
        if let Some(change) = &mut self.change {
            change.period = change.period.min(unpaid.max(self.period + 1));
        }
        // It was only the later period that kept it beyond the dunning time.
        if self.turn() < now {
            let since = now.as_micros() - self.period_end().as_micros();
            self.dunning_seconds = u64::try_from(since).ok().map(|micros| micros.div_ceil(1_000_000));
        }
        self
    }

    /// Returns the subscription after the refund of a later period failed, so that the period is paid again. A
    /// cancellation at the end of what is paid moves to the new end. A change of plan moves too, unless its first period
    /// is paid: if the payment was for its terms, to the period in which they were to begin then, but not beyond this
    /// one; otherwise to the next one. The list price of the period is that of the refund.
    #[must_use]
    pub fn paid_again(mut self, period: u32, refund: &RefundAhead) -> Self {
        if let Some(change) = self.change.as_mut().filter(|change| !self.paid.contains(&change.period)) {
            let paid = refund.change.as_ref().filter(|paid| paid.sold.is_same_sale(&change.sold));
            change.period = match paid {
                Some(paid) => change.period.max(paid.period).min(period),
                None => change.period.max(period + 1),
            };
        }
        self.prices.insert(period, refund.listed.clone());
        self.paid.insert(period);
        let unpaid = self.unpaid_period();
        self.end = self.end.map(|end| end.max(unpaid));
        self
    }

    /// Returns the subscription after its pause: the first period of the terms that are valid then, counted from `at`,
    /// with no allowance granted yet. It is paid if the plan needs no payment.
    pub fn resumed(&self, at: Timestamp) -> Self {
        let next = self.change.as_ref().map(|change| &change.sold).or(self.following.as_deref());
        let sold = next.unwrap_or(&self.sold).clone();
        let standing = match sold.renewal {
            Renewal::Automatic => Standing::Active,
            Renewal::OnPayment | Renewal::Provisional => Standing::Provisional,
        };
        Self { standing, ..self.restarted(sold, at) }
    }
}
