//! Periods that have begun without their payment: paid after all, or revoked.

use std::collections::BTreeMap;

use wallet_core::OriginId;
use wallet_core::grant::{Clawback, GrantKey, Origin};

use super::calendar::NEVER;
use super::catalog;
use super::state::{Model, Sold, Sub};

impl Model {
    /// Revokes what is left of the credits of a period that was not paid. Held ones are revoked when they return.
    pub(super) fn revoke_unpaid(&mut self, at: i64) {
        let Some(sub) = self.sub.clone().filter(|sub| sub.provisional) else { return };
        self.never_paid.insert(sub.present());
        let prefix = format!("{}.{}.", sub.number, sub.period);
        for n in 0..self.lots.len() {
            let of_sale = |key: &GrantKey| key.id.as_str().starts_with(&prefix);
            let lot = &mut self.lots[n];
            let first = lot.first.as_ref().unwrap_or(&lot.key);
            lot.unpaid |= first.origin == Origin::Period && of_sale(first);
            let lot = &self.lots[n];
            let of_period = [Origin::Period, Origin::Rollover].contains(&lot.key.origin)
                && of_sale(&lot.key)
                && lot.until > at;
            if of_period && (lot.free > 0 || self.held_of(&lot.key) > 0) {
                let lot = &mut self.lots[n];
                lot.taken += lot.free;
                lot.free = 0;
                lot.clawback = lot.clawback.max(Some(Clawback::Revoked));
                (lot.until, lot.warn) = (at, NEVER);
                let unit = lot.unit;
                self.mark_changed(unit);
            }
        }
    }

    /// Pays the provisional period, perhaps with better terms: gives what is missing for the windows of this instant. A
    /// change to come stays.
    pub(super) fn complete(&mut self, old: &Sub, sold: Sold) {
        let now = self.now;
        let mut new = Sub { number: old.number + 1, provisional: false, paid_late: Some(now), ..old.clone() };
        new.sold = sold;
        new.given = vec![0; new.sold.allowances.len()];
        new.advance = BTreeMap::new();
        for (unit, _) in catalog::UNITS {
            let mut given = 0;
            for allowance in old.sold.allowances.iter().filter(|allowance| allowance.unit == unit) {
                given += old.window_at(allowance, now).map_or(0, |(k, _)| old.given_for(allowance, k));
            }
            let mut places: Vec<(i64, usize, u32)> = (0..new.sold.allowances.len())
                .filter(|n| new.sold.allowances[*n].unit == unit)
                .filter_map(|n| {
                    new.window_at(&new.sold.allowances[n], now).map(|(k, (_, until))| (until, n, k))
                })
                .collect();
            places.sort_unstable();
            for (until, n, k) in places {
                let whole = new.amount_of(&new.sold.allowances[n], k);
                let counted = given.min(whole);
                given -= counted;
                let id = OriginId::of_period(new.number, new.period, k);
                self.issue_of(&new, n, (Origin::Period, id, 0), whole - counted, (now, until), now);
                new.given[n] = k + 1;
            }
            if given > 0 {
                new.advance.insert(unit, given);
            }
        }
        self.subscribed(new);
    }
}
