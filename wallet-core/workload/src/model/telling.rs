//! What people are told: low and empty balances, judged when an instant is over, and lots that will lapse.

use std::collections::BTreeSet;

use wallet_core::catalog::Threshold;
use wallet_core::entry::EntryKind;
use wallet_core::event::{Event, EventKind};
use wallet_core::{Timestamp, UnitId};

use super::calendar::{DAY, NEVER};
use super::sold::{UNITS, Unit};
use super::state::Model;

impl Model {
    /// When it is told that a lot will lapse that lives between these instants, under the plan that warns so many days
    /// before: never if that is not after its beginning.
    pub(super) fn warning(days: i64, begin: i64, until: i64) -> i64 {
        let at = until.saturating_sub(days * DAY);
        if days == 0 || until == NEVER || at <= begin { NEVER } else { at }
    }

    /// Lots that nothing is left of, and those that were taken back, are not told of.
    pub(super) fn forget_warnings(&mut self) {
        for n in 0..self.lots.len() {
            let lot = &self.lots[n];
            if lot.warn < NEVER {
                let left = lot.free > 0 || lot.waiting > 0 || self.held_of(&lot.key) > 0;
                if !left || lot.gone.is_some() {
                    self.lots[n].warn = NEVER;
                }
            }
        }
    }

    /// It is told that a lot will lapse.
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
        };
        self.write(EntryKind::GrantExpiring, at);
        self.tell(event);
    }

    /// Credits of a unit have come or gone.
    pub(super) fn stir(&mut self, unit: Unit) {
        self.stirred.insert(unit);
    }

    /// The free credits of a lot are about to go.
    pub(super) fn stir_if_free(&mut self, n: usize) {
        if self.lots[n].free > 0 {
            self.stir(self.lots[n].unit);
        }
    }

    /// An instant is over, or a command: whatever has come to be low or empty since the last time is told with the last
    /// entry.
    pub(super) fn judge(&mut self) {
        let stirred = std::mem::take(&mut self.stirred);
        for (unit, _) in UNITS.iter().filter(|(unit, _)| stirred.contains(unit)) {
            let there = self.available(unit);
            let before = self.judged.insert(unit, there).unwrap_or(0);
            let thresholds = self.thresholds(unit);
            let told = self.told.entry(unit).or_default();
            // Once is enough, until a tenth more than the threshold is there again or it is a threshold no more.
            told.retain(|low| thresholds.contains(low) && 10 * there < 11 * *low);
            let news: Vec<i64> = thresholds
                .into_iter()
                .rev()
                .filter(|low| before >= *low && there < *low && !told.contains(low))
                .collect();
            told.extend(&news);
            for low in news {
                self.tell(about(EventKind::LowBalance, unit, there, low));
            }
            if before > 0 && there == 0 {
                self.tell(about(EventKind::Exhausted, unit, 0, 0));
            }
        }
    }

    fn tell(&mut self, event: Event) {
        if let Some(last) = self.written.last_mut() {
            last.events.push(event);
        }
    }

    /// Amounts below which a balance is low: the wallet's own, else the plan's. Percentages are of what was sold; of
    /// the default plan's thresholds of what that gives.
    fn thresholds(&self, unit: Unit) -> BTreeSet<i64> {
        let sold = self.sub.iter().flat_map(|sub| &sub.sold.allowances);
        let mut given: i64 = sold.filter(|sold| sold.unit == unit).map(|sold| sold.amount).sum();
        let own = self.low.iter().find(|(of, _)| of.as_str() == unit).map(|(_, low)| low.as_slice());
        let of_plan = self.plan().low.iter().find(|(of, _)| *of == unit).map(|(_, low)| *low);
        if own.is_none() && self.sub.is_none() {
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
    Event { kind, unit: unit_id(unit), available, threshold, grant: None, expire_time }
}

fn unit_id(unit: Unit) -> UnitId {
    unit.parse().expect("a unit")
}
