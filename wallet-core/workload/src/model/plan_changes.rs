//! Changes of plans: the terms that begin now, and the credits that they give for the rest of the windows.

use wallet_core::decide::ChangePlan;
use wallet_core::entry::EntryKind;
use wallet_core::grant::Origin;
use wallet_core::payment::Paid;
use wallet_core::sold::Overrides;
use wallet_core::subscription::{UnusedCredits, When};
use wallet_core::{Command, OriginId, PeriodId, Timestamp};

use super::answer::{Answered, Refusal, Seen};
use super::calendar::Every;
use super::catalog::{self, Plan, Unit};
use super::state::{Model, Sold, Sub};
use super::subscription::share;

impl Model {
    pub(super) fn change_plan(
        &mut self,
        change: &ChangePlan,
        command: &Command,
    ) -> Result<Answered, Refusal> {
        if self.requested(command)? {
            return Ok(Answered::again(Seen::Wallet));
        }
        self.counts_already(&change.paid)?;
        let mut sub = self.subscription()?;
        let pays_more = change.paid != Paid::default() && !self.counts_for(&sub, &change.paid);
        let id = sub.id;
        let seats = change.quantity.unwrap_or(sub.sold.seats);
        // The terms that were negotiated stay if only the seats change.
        let kept =
            (change.plan == sub.sold.plan && change.overrides == Overrides::default()).then(|| Overrides {
                allowances: sub.sold.negotiated.clone(),
                limits: sub.sold.limits.clone(),
                entitlements: None,
                rank: Some(sub.sold.rank),
            });
        let mut sold = self.sell(&change.plan, kept.as_ref().unwrap_or(&change.overrides), seats)?;
        let now = self.now;
        let is_present = sold.plan == sub.sold.plan && seats == sub.sold.seats;
        if is_present && change.overrides == Overrides::default() {
            self.may_change_again(&sub)?;
            sub.change = None;
            let begins = sub.needs_no_payment();
            if pays_more && !begins {
                return Err(Refusal::field());
            }
            self.undone(sub);
            if let Some(period) = self.sub.as_ref().map(Sub::present).filter(|_| begins) {
                self.paid_for(&change.paid, period);
            }
            self.remember(command, EntryKind::PlanChanged);
            return Ok(Answered::done(Seen::Wallet));
        }
        self.never_had(&sold)?;
        let upgrade = self.is_upgrade(&sub.sold, &sold);
        if upgrade {
            let most = catalog::find_plan(sold.plan).and_then(|plan| plan.most_jobs(seats));
            for (name, limit) in &sub.sold.limits {
                if most.is_some_and(|most| most < *limit) && !sold.limits.contains_key(name) {
                    sold.limits.insert(name.clone(), *limit);
                }
            }
        }
        let is_now = match change.when {
            Some(when) => when == When::Now,
            None => upgrade || sub.past_due || sub.sold.every == Every::Once,
        };
        let same = sub.sold.every == sold.every && sold.every != Every::Once && !sub.paused;
        if change.unused.is_some() && (!is_now || same) || !is_now && sub.sold.every == Every::Once {
            return Err(Refusal::field());
        }
        if is_now && sub.provisional && !upgrade {
            return Err(Refusal::field());
        }
        let repeated = sub.change.clone().filter(|(paid, _)| paid.is_sold_like(&sold));
        let repeated = repeated.filter(|_| sub.paid_as_changed().is_some()).map(|(_, from)| from);
        if !is_now && repeated.is_none() {
            self.may_change_again(&sub)?;
        }
        if !is_now && pays_more {
            return Err(Refusal::field());
        }
        let stays = self.paid_change(&sub, &sold);
        let mut pays_period = true;
        let start = if !is_now {
            let start = repeated.unwrap_or(sub.after_paid().max(sub.period + 1));
            sub.change = Some((sold, start));
            self.subscribed(sub);
            self.remember(command, EntryKind::PlanChanged);
            return Ok(Answered::done(Seen::Wallet));
        } else if !same {
            let keeps = change.unused.map_or(upgrade, |unused| unused == UnusedCredits::Keep);
            self.begin_other_term(sub, sold, keeps);
            now
        } else if sub.past_due {
            sub.keep_list();
            let following = sub.following.clone().filter(|_| sold == sub.sold);
            self.give_late(Sub { number: sub.number + 1, sold, change: stays, following, ..sub }, now);
            self.sub.as_ref().map_or(0, |sub| sub.boundary(sub.period))
        } else if sub.provisional {
            let start = sub.boundary(sub.period);
            self.complete(&Sub { change: stays, ..sub }, sold);
            start
        } else {
            let start = sub.boundary(sub.period);
            self.replace(&sub, Sub { number: sub.number + 1, sold, change: stays, ..sub.clone() });
            // The period is paid: without a payment of its own, the change is no payment for it.
            pays_period = change.paid != Paid::default();
            start
        };
        let period = PeriodId { subscription: id, start: Timestamp::from_micros(start) };
        if pays_period {
            self.paid_for(&change.paid, period);
        }
        self.remember(command, EntryKind::PlanChanged);
        Ok(Answered::done(Seen::Wallet))
    }

    /// Begins the terms of another plan now, whose periods are counted from now. Payments for periods ahead are carried
    /// over, and the credits of the old plan end unless the customer `keeps` them.
    fn begin_other_term(&mut self, sub: Sub, sold: Sold, keeps: bool) {
        let now = self.now;
        let ahead: Vec<_> = sub
            .paid
            .iter()
            .map(|n| (sub.period_from(sub.boundary(*n)), self.price_of_own(&sub, *n)))
            .collect();
        self.carry_over(ahead, sub.period_from(now));
        // The new credits repay debt before the old ones expire.
        let first = self.lots.len();
        let is_next_unpaid = sub.past_due && now < sub.boundary(sub.period + 2);
        let unused = sub.unpaid.clone().filter(|_| sub.paused || is_next_unpaid);
        let mut new = Sub { id: sub.id, ..Sub::new(sub.number + 1, sold, now) };
        new.ends = sub.ends.filter(|_| new.sold.every != Every::Once).map(|_| 1);
        if new.sold.plan == sub.sold.plan && (sub.sold.every, new.sold.every) == (Every::Once, Every::Once) {
            new.advance = sub.given_of_once();
        }
        self.give(new, now, unused);
        if sub.provisional {
            let new = self.sub.replace(sub.clone());
            let lots = self.lots.split_off(first);
            self.revoke_unpaid(now);
            self.lots.extend(lots);
            // At the boundary itself, the new plan's payment is for a period that starts like the unpaid one.
            self.never_paid.remove(&sub.period_from(now));
            self.sub = new;
        }
        if !keeps {
            let new = self.sub.replace(sub);
            let lots = self.lots.split_off(first);
            self.end_credits(now);
            self.lots.extend(lots);
            self.sub = new;
        }
    }

    /// Issues what the new plan gives now, less what the old one gave for the same time, by unit and rounded up.
    /// Credits given in advance are counted against windows to come.
    fn replace(&mut self, old: &Sub, mut new: Sub) {
        let now = self.now;
        new.given = vec![0; new.sold.allowances.len()];
        new.pay_difference(&old.sold, now);
        let before = std::mem::take(&mut new.advance);
        let mut given = Vec::new();
        for (unit, _) in catalog::UNITS {
            let mut left = difference(old, &new, unit, now) - before.get(unit).copied().unwrap_or(0);
            if left < 0 {
                new.advance.insert(unit, -left);
            }
            let mut places: Vec<(i64, usize)> = (0..new.sold.allowances.len())
                .filter(|n| new.sold.allowances[*n].unit == unit)
                .filter_map(|n| Some((-new.window_at(&new.sold.allowances[n], now)?.1.1, n)))
                .collect();
            places.sort_unstable();
            for (_, n) in places {
                let allowance = new.sold.allowances[n].clone();
                let Some((k, (_, until))) = new.window_at(&allowance, now) else { continue };
                let (part, whole) = new.rest_of(&allowance, k, now);
                let amount = left.clamp(0, share(allowance.amount, part, whole, unit));
                left -= amount;
                let id = OriginId::of_period(new.number, new.period, k);
                given.push((n, id, amount, until));
                new.given[n] = k + 1;
            }
        }
        for (n, id, amount, until) in given {
            self.issue_of(&new, n, (Origin::Period, id, 0), amount, (now, until), now);
        }
        self.subscribed(new);
    }

    /// Returns whether a change is an upgrade: to a higher rank, to a longer term or more seats of the same rank, or
    /// from the default plan or a plan that is sold once.
    pub(super) fn is_upgrade(&self, old: &Sold, new: &Sold) -> bool {
        // The days of 4,800 months, which are 400 years.
        let length = |every: Every| match every {
            Every::Days(days) => 4_800 * days,
            Every::Months(months) => 146_097 * months,
            Every::Once => 0,
        };
        old.every == Every::Once
            || old.plan == self.default
            || new.rank > old.rank
            || new.rank == old.rank && length(new.every) > length(old.every)
            || new.rank == old.rank && new.every == old.every && new.seats > old.seats
    }

    /// Returns the amount of a unit that the wallet would receive if this plan were sold to it now.
    pub(super) fn gives_at_once(&self, plan: &'static Plan, unit: Unit) -> i64 {
        let Ok(sold) = self.sell(plan.id, &Overrides::default(), self.seats()) else { return 0 };
        let of_unit = sold.allowances.iter().filter(|allowance| allowance.unit == unit);
        let all = of_unit.map(|allowance| allowance.amount).sum();
        match &self.sub {
            Some(old) if old.past_due && old.sold.every == sold.every => {
                let mut then = self.clone();
                then.give_late(Sub { number: old.number + 1, sold, change: None, ..old.clone() }, self.now);
                let new = then.lots[self.lots.len()..].iter().filter(|lot| lot.unit == unit);
                new.map(|lot| lot.amount).sum::<i64>().min(all)
            }
            Some(old) if old.past_due => all,
            Some(old)
                if old.provisional && old.sold.every == sold.every && self.is_upgrade(&old.sold, &sold) =>
            {
                let mut then = self.clone();
                then.complete(old, sold);
                let new = then.lots[self.lots.len()..].iter().filter(|lot| lot.unit == unit);
                new.map(|lot| lot.amount).sum()
            }
            Some(old) if old.sold.every != Every::Once && !self.is_upgrade(&old.sold, &sold) => 0,
            Some(old) if old.paused => all,
            Some(old) if old.sold.every == sold.every && sold.every != Every::Once => {
                let new = Sub { sold: sold.clone(), ..old.clone() };
                (difference(old, &new, unit, self.now) - old.advance.get(unit).copied().unwrap_or(0)).max(0)
            }
            _ => all,
        }
    }
}

/// Returns the difference of a unit that two plans give for the rest of their windows that contain now. The amounts of
/// the same window are added up before the rounding.
fn difference(old: &Sub, new: &Sub, unit: Unit, now: i64) -> i64 {
    // Windows that begin and end alike, and would end alike without the end of the period.
    let mut by_window: Vec<((i64, i64, i64), i64)> = Vec::new();
    for (sub, sign) in [(new, 1), (old, -1)] {
        for allowance in sub.sold.allowances.iter().filter(|allowance| allowance.unit == unit) {
            let Some((k, (from, _))) = sub.window_at(allowance, now) else { continue };
            let (part, whole) = sub.rest_of(allowance, k, now);
            let window = (from, part, whole);
            match by_window.iter_mut().find(|(other, _)| *other == window) {
                Some((_, amount)) => *amount += sign * allowance.amount,
                None => by_window.push((window, sign * allowance.amount)),
            }
        }
    }
    by_window.into_iter().map(|((_, part, whole), amount)| share(amount, part, whole, unit)).sum()
}
