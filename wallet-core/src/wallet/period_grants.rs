//! The credits that a subscription gives in its present period: one grant of each allowance per window.

use crate::catalog::Term;
use crate::value::ids::{OriginId, UnitId};
use crate::value::source::Source;
use crate::value::time::Timestamp;
use crate::wallet::grant::{Grant, GrantDetails, GrantKey, Origin, Parts};
use crate::wallet::rollover::{Unused, carried_over};
use crate::wallet::subscription::{Standing, Subscription};

impl Subscription {
    /// Returns the instant of the next grant of an allowance in the present period.
    pub fn next_given(&self, index: usize) -> Option<Timestamp> {
        if self.is_paused() {
            return None;
        }
        let (allowance, k) = (self.sold.allowances.get(index)?, *self.given.get(index)?);
        self.window(allowance, k).map(|window| window.from)
    }

    /// Returns the instant of its next due event.
    pub fn next_time(&self) -> Timestamp {
        let given = (0..self.sold.allowances.len()).filter_map(|index| self.next_given(index));
        given.chain([self.turn()]).min().unwrap_or(Timestamp::NEVER)
    }

    /// Returns the instant at which it grants credits again, as far as is known.
    pub fn next_renewal(&self) -> Option<Timestamp> {
        let next = self.period + 1;
        let is_followed = match self.standing {
            Standing::Active => self.end != Some(next) && (self.pause.is_none() || !self.paid.is_empty()),
            Standing::Paused => true,
            Standing::PastDue | Standing::Provisional => false,
        };
        let turn = Some(self.turn()).filter(|turn| is_followed && *turn < Timestamp::NEVER);
        (0..self.sold.allowances.len()).filter_map(|index| self.next_given(index)).chain(turn).min()
    }

    /// Grants an allowance for the window that contains `now`. Returns the grants to issue: that of the allowance, and
    /// those of the unused credits of its unit that roll over.
    pub fn give(&mut self, index: usize, unused: &[Unused], now: Timestamp) -> Vec<Grant> {
        let Some(allowance) = self.sold.allowances.get(index) else { return Vec::new() };
        let Some((k, window)) = self.window_at(allowance, now) else { return Vec::new() };
        let share = self.given_for(allowance, &window);
        let in_advance = self.advance.get(allowance.unit.as_str()).min(share);
        let amount = share - in_advance;
        let lifetime = (window.from, window.until);
        let new = self.grant(index, k, allowance.unit.clone(), amount, lifetime, now);
        let carried = allowance.rollover.map(|rule| carried_over(&rule, &allowance.unit, unused));
        let rolled = carried.into_iter().flatten().map(|(times, amount)| {
            let id = OriginId::of_rollover(self.number, self.period, k, times);
            let details = GrantDetails { rolled: times, period: None, ..new.details.clone() };
            Grant { key: GrantKey::new(Origin::Rollover, id, new.key.n), amount, details, ..new.clone() }
        });
        let grants = rolled.chain([new.clone()]).filter(|grant| grant.amount > 0).collect();
        if in_advance > 0 {
            let unit = allowance.unit.clone();
            self.advance.set(&unit, self.advance.get(unit.as_str()) - in_advance);
        }
        if let Some(given) = self.given.get_mut(index) {
            *given = k + 1;
        }
        grants
    }

    /// Returns a grant of the present period.
    pub fn grant(
        &self,
        index: usize,
        k: u32,
        unit: UnitId,
        amount: i64,
        (effective_time, expire_time): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Grant {
        let source = if self.sold.term.is_once() { Source::Free } else { Source::Subscription };
        Grant {
            key: GrantKey::new(
                Origin::Period,
                OriginId::of_period(self.number, self.period, k),
                index_u16(index),
            ),
            unit,
            source,
            priority: 0,
            effective_time,
            expire_time,
            warn_time: self.sold.alerts.warn_time(effective_time.max(now), expire_time),
            create_time: now,
            amount,
            parts: Parts::default(),
            clawback: None,
            details: GrantDetails {
                reason: self.sold.plan.clone(),
                period: (self.number > 0).then(|| self.period_id()),
                ..GrantDetails::default()
            },
        }
    }

    /// Returns whether a grant is an allowance of this subscription to a plan of term ONCE.
    pub fn gave_once(&self, grant: &Grant) -> bool {
        let of_sale = grant.key.sale().is_some_and(|number| number >= self.first);
        self.sold.term == Term::ONCE && of_sale && grant.source == Source::Free
    }
}

#[expect(clippy::expect_used, reason = "two allowances must not issue grants of the same key")]
fn index_u16(index: usize) -> u16 {
    u16::try_from(index)
        .expect("a plan has one allowance per unit and cadence, and a catalog far fewer than 65,536")
}
