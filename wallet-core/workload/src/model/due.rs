//! Due events by brute force: finds the next instant at which an event is due, processes one event at it, and
//! starts again.

use wallet_core::entry::EntryKind;
use wallet_core::reservation::State;

use super::calendar::NEVER;
use super::state::Model;

impl Model {
    /// Processes everything that is due now. Balances are checked after each hold that ends, and when an instant is
    /// over.
    pub(super) fn catch_up(&mut self) {
        while let Some(at) = self.next_instant() {
            let holds_end = self.open_jobs().any(|job| job.deadline <= at);
            self.process_instant(at);
            if holds_end || self.next_instant() != Some(at) {
                self.check_balances();
            }
        }
    }

    /// Returns the first instant, up to now, at which an event is due.
    fn next_instant(&self) -> Option<i64> {
        self.instants().filter(|at| *at <= self.now).min()
    }

    /// Returns the first instant after now at which an event becomes due.
    pub(crate) fn upcoming(&self) -> Option<i64> {
        self.instants().filter(|at| *at > self.now && *at < NEVER).min()
    }

    /// Returns the instants of all future and due events.
    fn instants(&self) -> impl Iterator<Item = i64> {
        let holds = self.open_jobs().map(|job| job.deadline);
        let ends = self.lots.iter().filter(|lot| lot.free > 0 || lot.waiting > 0).map(|lot| lot.until);
        let starts = self.lots.iter().filter(|lot| lot.waiting > 0).map(|lot| lot.from);
        let plan = self.sub.iter().map(super::state::Sub::next_instant);
        let warnings = self.lots.iter().map(|lot| lot.warn).filter(|at| *at < NEVER);
        let plan = plan.chain(self.next_free()).chain(self.auto.as_ref().and_then(|auto| auto.timer));
        holds.chain(warnings).chain(ends).chain(starts).chain(plan)
    }

    /// Processes one instant: first holds expire, then lots, then the subscription's events, then lots become
    /// effective, then expiry warnings, then a purchase of the auto top-up.
    fn process_instant(&mut self, at: i64) {
        let mut holds: Vec<usize> = (0..self.jobs.len())
            .filter(|n| self.jobs[*n].is_open() && self.jobs[*n].deadline <= at)
            .collect();
        holds.sort_by_key(|n| &self.jobs[*n].id);
        if let Some(n) = holds.first() {
            self.return_rest(*n, at);
            self.jobs[*n].state = State::Expired;
            self.jobs[*n].ended = at;
            return self.write(EntryKind::HoldExpired, at);
        }
        let over = self.first_lot(|lot| lot.until <= at && (lot.free > 0 || lot.waiting > 0));
        if let Some(n) = over {
            self.expire_lot(n);
            return self.write(EntryKind::GrantExpired, at);
        }
        let free = self.next_free().is_some_and(|next| next <= at);
        if free || self.sub.as_ref().is_some_and(|sub| sub.next_instant() <= at) {
            return self.plan_goes_on(at);
        }
        if let Some(n) = self.first_lot(|lot| lot.from <= at && lot.waiting > 0) {
            let lot = &mut self.lots[n];
            lot.free += lot.waiting;
            lot.waiting = 0;
            let unit = lot.unit;
            self.mark_changed(unit);
            self.repay(n, i64::MAX);
            return self.write(EntryKind::GrantEffective, at);
        }
        if let Some(n) = self.first_lot(|lot| lot.warn <= at) {
            return self.warn(n, at);
        }
        self.end_auto_top_up_wait(at);
    }

    fn first_lot(&self, which: impl Fn(&super::state::Lot) -> bool) -> Option<usize> {
        let found = (0..self.lots.len()).filter(|n| which(&self.lots[*n]));
        found.min_by_key(|n| &self.lots[*n].key)
    }
}
