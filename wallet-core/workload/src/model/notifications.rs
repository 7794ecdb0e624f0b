//! Notifications: low and empty balances, checked when an instant is over, and lots that will expire.

use std::collections::BTreeSet;

use wallet_core::catalog::Threshold;
use wallet_core::entry::EntryKind;
use wallet_core::event::{Event, EventKind};
use wallet_core::{Timestamp, UnitId};

use super::calendar::{DAY, NEVER};
use super::catalog::{UNITS, Unit};
use super::state::Model;

impl Model {
    /// Returns the instant of the expiry warning for a lot that lives from `begin` to `until`, under a plan that
    /// warns `days` before. Never, if that instant is not after `begin`.
    pub(super) fn warning(days: i64, begin: i64, until: i64) -> i64 {
        let at = until.saturating_sub(days * DAY);
        if days == 0 || until == NEVER || at <= begin { NEVER } else { at }
    }

    /// Removes the expiry warnings of lots without credits left and of clawed back lots.
    pub(super) fn forget_warnings(&mut self) {
        for n in 0..self.lots.len() {
            let lot = &self.lots[n];
            if lot.warn < NEVER {
                let left = lot.free > 0 || lot.waiting > 0 || self.held_of(&lot.key) > 0;
                if !left || lot.clawback.is_some() {
                    self.lots[n].warn = NEVER;
                }
            }
        }
    }

    /// Notifies that a lot will expire.
    pub(super) fn warn(&mut self, n: usize, at: i64) {
        let lot = &mut self.lots[n];
        lot.warn = NEVER;
        let event = Event {
            kind: EventKind::GrantExpiring,
            unit: unit_id(lot.unit),
            available: lot.free,
            threshold: 0,
            grant: Some(lot.key.clone()),
            expire_time: Timestamp::from_micros(lot.until),
            auto_top_up: None,
        };
        self.write(EntryKind::GrantExpiring, at);
        self.notify(event);
    }

    /// Marks a unit whose available credits changed.
    pub(super) fn mark_changed(&mut self, unit: Unit) {
        self.changed_units.insert(unit);
    }

    /// Marks the unit of a lot if its available credits are about to change.
    pub(super) fn mark_changed_if_free(&mut self, n: usize) {
        if self.lots[n].free > 0 {
            self.mark_changed(self.lots[n].unit);
        }
    }

    /// Checks the balances at the end of an instant or a command. Notifications of newly low or empty balances go
    /// to the last entry.
    pub(super) fn check_balances(&mut self) {
        let changed_units = std::mem::take(&mut self.changed_units);
        for (unit, _) in UNITS.iter().filter(|(unit, _)| changed_units.contains(unit)) {
            let there = self.available(unit);
            let before = self.checked_balances.insert(unit, there).unwrap_or(0);
            let thresholds = self.thresholds(unit);
            let notified = self.notified.entry(unit).or_default();
            // A threshold is notified once, until the balance is a tenth above it or it is no longer a threshold. The
            // exhausted balance, noted as 0, is one until there are credits.
            notified.retain(|low| *low == 0 || thresholds.contains(low));
            let over: Vec<i64> = notified
                .iter()
                .copied()
                .filter(|low| if *low == 0 { there > 0 } else { 10 * there >= 11 * *low })
                .collect();
            notified.retain(|low| !over.contains(low));
            let news: Vec<i64> = thresholds
                .into_iter()
                .rev()
                .filter(|low| before >= *low && there < *low && !notified.contains(low))
                .collect();
            notified.extend(&news);
            let exhausted = before > 0 && there == 0;
            if exhausted {
                notified.insert(0);
            }
            for low in news {
                self.notify(about(EventKind::LowBalance, unit, there, low));
            }
            if exhausted {
                self.notify(about(EventKind::Exhausted, unit, 0, 0));
            }
            for low in over {
                self.notify(about(EventKind::Recovered, unit, there, low));
            }
        }
        self.check_auto_top_up();
    }

    pub(super) fn notify(&mut self, event: Event) {
        if let Some(last) = self.written.last_mut() {
            last.events.push(event);
        }
    }

    /// Returns the thresholds of low balances: the wallet's own, or else the plan's. Percentages refer to the sold
    /// allowances, those of the default plan's thresholds to its allowances.
    fn thresholds(&self, unit: Unit) -> BTreeSet<i64> {
        let sold = self.running().into_iter().flat_map(|sub| &sub.sold.allowances);
        let mut given: i64 = sold.filter(|sold| sold.unit == unit).map(|sold| sold.amount).sum();
        let own = self.low.iter().find(|(of, _)| of.as_str() == unit).map(|(_, low)| low.as_slice());
        let of_plan = self.plan().low.iter().find(|(of, _)| *of == unit).map(|(_, low)| *low);
        if own.is_none() && self.running().is_none() {
            let allowances = self.plan().allowances.iter();
            given = allowances.filter(|(of, ..)| *of == unit).map(|(_, amount, ..)| *amount).sum();
        }
        let amount = |threshold: &Threshold| match threshold {
            Threshold::Amount(amount) => *amount,
            Threshold::Percent(percent) => (given * i64::from(*percent) + 99) / 100,
        };
        own.or(of_plan).unwrap_or_default().iter().map(amount).collect()
    }
}

fn about(kind: EventKind, unit: Unit, available: i64, threshold: i64) -> Event {
    let expire_time = Timestamp::NEVER;
    Event { kind, unit: unit_id(unit), available, threshold, grant: None, expire_time, auto_top_up: None }
}

fn unit_id(unit: Unit) -> UnitId {
    unit.parse().expect("a unit")
}
