//! Reversals of charges, and refunds of yearly subscriptions.

use wallet_core::decide::{RefundSubscription, ReverseCharge};
use wallet_core::entry::EntryKind;
use wallet_core::grant::{Clawback, GrantKey, Origin};
use wallet_core::wallet::WalletStatus;
use wallet_core::{Amounts, Command, OriginId, Source};

use super::answer::{Answered, Refusal, Seen};
use super::catalog::Unit;
use super::request::chargeable;
use super::state::{Job, Lot, Model, Sub};

impl Job {
    fn sum(&self, unit: Unit, figure: fn(&super::state::Part) -> i64) -> i64 {
        self.parts.iter().filter(|part| part.unit == unit).map(figure).sum()
    }
}

impl Model {
    pub(super) fn reverse(
        &mut self,
        reverse: &ReverseCharge,
        command: &Command,
    ) -> Result<Answered, Refusal> {
        let seen = Seen::Job(reverse.reservation.clone());
        if self.requested(command)? {
            return Ok(Answered::again(seen));
        }
        let n = self.find_job(&reverse.reservation).ok_or_else(|| Refusal::new("RESERVATION_NOT_FOUND"))?;
        let amounts = amounts_to_reverse(&self.jobs[n], &reverse.amounts)?;
        if self.status == WalletStatus::Closed {
            return Err(Refusal::new("WALLET_CLOSED"));
        }
        for (unit, amount) in amounts {
            self.reverse_unit(n, unit, amount);
        }
        self.remember(command, EntryKind::ChargeReversed);
        Ok(Answered::done(seen))
    }

    /// Reverses the last charge first.
    fn reverse_unit(&mut self, n: usize, unit: Unit, amount: i64) {
        let mut left = amount;
        for p in (0..self.jobs[n].parts.len()).rev() {
            let part = &mut self.jobs[n].parts[p];
            if part.unit != unit {
                continue;
            }
            let now = left.min(part.charged - part.reversed);
            part.reversed += now;
            left -= now;
            match part.lot.clone() {
                _ if now == 0 => {}
                None => self.forgive(n, unit, now),
                Some(key) => self.put_back(n, &key, now),
            }
        }
    }

    fn put_back(&mut self, n: usize, key: &GrantKey, amount: i64) {
        let Some(l) = self.find_lot(key) else { return };
        let (taken, forgiven) = self.claw_back(l, amount, true);
        let charged_back = self.lots[l].clawback == Some(Clawback::ChargedBack);
        self.lots[l].used -= amount;
        self.forgive(n, self.lots[l].unit, if charged_back { taken } else { forgiven });
        let (now, amount, lot) = (self.now, amount - taken, &mut self.lots[l]);
        if amount == 0 {
            return;
        }
        if let Some(why) = lot.clawback.or(lot.unpaid.then_some(Clawback::Revoked)) {
            lot.taken += amount;
            if why == Clawback::ChargedBack {
                let unit = lot.unit;
                self.forgive(n, unit, amount);
            }
        } else if lot.until <= now {
            lot.expired += amount;
            let (unit, old) = (lot.unit, lot.clone());
            self.goodwill(n, unit, amount, Some(&old));
        } else {
            lot.free += amount;
            let unit = lot.unit;
            self.mark_changed(unit);
            self.repay(l, amount);
        }
    }

    /// Reduces the debt. The part that was repaid meanwhile becomes goodwill credits.
    fn forgive(&mut self, n: usize, unit: Unit, amount: i64) {
        let owed = self.owed.entry(unit).or_default();
        let off = amount.min(owed.debt);
        owed.debt -= off;
        if amount > off {
            self.goodwill(n, unit, amount - off, None);
        }
    }

    /// Issues a lot like an old one that has ended, or like a correction, for the goodwill period of the job from now.
    fn goodwill(&mut self, n: usize, unit: Unit, amount: i64, old: Option<&Lot>) {
        let until = self.now + self.jobs[n].price.goodwill;
        let id = OriginId::from(self.jobs[n].id.clone());
        let of_job = self.lots.iter().filter(|lot| lot.key.origin == Origin::Grace && lot.key.id == id);
        let next = of_job.map(|lot| lot.key.n + 1).max().unwrap_or(0);
        let source = old.map_or(Source::Adjustment, |old| old.first_source.unwrap_or(old.source));
        let first = old.map(|old| old.first.clone().unwrap_or_else(|| old.key.clone()));
        let lot = Lot::new(GrantKey::new(Origin::Grace, id, next), unit, source, amount, self.now);
        let warn = Self::warning(self.plan().warns, self.now, until);
        let priority = old.map_or(0, |old| old.priority);
        let period = old.and_then(|old| old.period);
        let unpaid = old.is_some_and(|old| old.unpaid);
        self.issue(Lot { until, warn, priority, first, period, unpaid, ..lot }, self.now);
    }

    pub(super) fn refund_plan(
        &mut self,
        refund: &RefundSubscription,
        command: &Command,
    ) -> Result<Answered, Refusal> {
        if self.requested(command)? {
            return Ok(Answered::again(Seen::Wallet));
        }
        let sub = self.subscription()?;
        if sub.paused {
            return Err(Refusal::new("SUBSCRIPTION_PAUSED"));
        }
        let refused = |cause: &str| Refusal::new("NOT_REFUNDABLE").with("cause", cause);
        let asked = refund.requested_time.map_or(self.now, |time| time.as_micros());
        let paid_at = sub.paid_late.unwrap_or(sub.boundary(sub.period));
        if asked > self.now || asked < paid_at {
            return Err(Refusal::field());
        }
        let rule = sub.sold.refund;
        if rule.window == 0 && !rule.unused {
            return Err(refused("NOT_OFFERED"));
        }
        if sub.provisional {
            return Err(refused("UNPAID"));
        }
        let present = sub.present();
        if self.is_charged_back(present) {
            return Err(refused("CHARGED_BACK"));
        }
        let refunds = self.period_refunds.iter().filter(|refund| refund.period == present);
        if self.went_back_ahead(present) || refunds.filter_map(|refund| refund.cents).any(|cents| cents > 0) {
            return Err(refused("ALREADY_REFUNDED"));
        }
        let price_of = |period: u32| self.price_of_own(&sub, period);
        let (price, paid) = price_of(sub.period).ok_or_else(|| refused("NO_PRICE"))?;
        let ahead: i64 = sub.paid.iter().filter_map(|period| Some(price_of(*period)?.1)).sum();
        let (start, end) = (sub.boundary(sub.period), sub.end());
        let in_time = asked < paid_at + rule.window;
        let (mut touched, mut charged) = (false, false);
        // A period that is over has no time left. The subscription may still wait for the payment of the next one.
        let mut money = paid.min(part(price, (end - self.now).max(0), end - start));
        for (unit, _) in super::catalog::UNITS {
            let PeriodUse { used, held, total } = self.use_of_period(&sub, unit);
            (touched, charged) = (touched || used + held > 0, charged || used > 0);
            if total > 0 {
                money = money.min(part(price, total - (used + held).min(total), total));
            }
        }
        if in_time && !(rule.only_unused && touched) {
            money = paid;
        } else if !rule.unused {
            return Err(refused(match (in_time, charged) {
                (false, _) => "TOO_LATE",
                (true, true) => "CREDITS_USED",
                (true, false) => "HOLDS_OUTSTANDING",
            }));
        }
        self.end_plan(self.now, true);
        self.refund_payments_ahead(sub.id);
        // Credits of a term that another one replaced at the instant of its beginning are of the same period.
        self.end_lots(self.now, |lot| lot.key.origin == Origin::Period && lot.period == Some(present));
        self.refunds.push((refund.request.clone(), money + ahead, present));
        self.remember(command, EntryKind::SubscriptionRefunded);
        Ok(Answered::done(Seen::Wallet))
    }

    fn use_of_period(&self, sub: &Sub, unit: Unit) -> PeriodUse {
        let (mut used, mut held, mut total) = (0, 0, 0);
        for (allowance, given) in sub.sold.allowances.iter().zip(&sub.given).filter(|(a, _)| a.unit == unit) {
            let left = (*given..).take_while(|k| sub.window(allowance, *k).is_some());
            total += left.map(|k| sub.amount_of(allowance, k)).sum::<i64>();
        }
        let period = sub.boundary(sub.period)..sub.end();
        let given = |lot: &Lot| {
            let included = lot.key.origin == Origin::Period && lot.source == Source::Subscription;
            let own = lot.key.sale() >= Some(sub.id);
            included && own && period.contains(&lot.from) && !lot.unpaid
        };
        for lot in self.lots.iter().filter(|lot| lot.unit == unit) {
            let first = lot.first.as_ref().and_then(|first| self.find_lot(first));
            if given(lot) {
                total += lot.amount;
            }
            if given(lot) || first.is_some_and(|first| given(&self.lots[first])) {
                used += lot.used + lot.taken;
                held += self.held_of(&lot.key);
            }
        }
        PeriodUse { used, held, total }
    }
}

/// The amount of a unit that the current period gives in all, and its parts that are charged or revoked, or held.
struct PeriodUse {
    used: i64,
    held: i64,
    total: i64,
}

/// Returns `n` parts of `of` of an amount, rounded down.
pub(super) fn part(amount: i64, n: i64, of: i64) -> i64 {
    i64::try_from(i128::from(amount) * i128::from(n) / i128::from(of.max(1))).unwrap_or(0)
}

/// Returns the amounts to reverse, per unit, at most what is left of the charge.
fn amounts_to_reverse(job: &Job, asked: &Amounts) -> Result<Vec<(Unit, i64)>, Refusal> {
    let left = |unit| job.sum(unit, |part| part.charged - part.reversed);
    if asked.is_empty() {
        let all: Vec<_> = super::catalog::UNITS.iter().map(|(unit, _)| (*unit, left(unit))).collect();
        let some: Vec<_> = all.into_iter().filter(|(_, amount)| *amount > 0).collect();
        return if some.is_empty() { Err(Refusal::new("REVERSAL_EXCEEDS_CHARGE")) } else { Ok(some) };
    }
    let reserved = |id: &str| job.price.amounts.iter().any(|(unit, _)| *unit == id);
    if let Some(unit) = asked.units().find(|unit| !reserved(unit.as_str())) {
        return Err(Refusal::new("UNIT_MISMATCH").with("unit", unit));
    }
    let asked = chargeable(asked)?;
    for (unit, amount) in &asked {
        if *amount > left(unit) {
            let charged = job.sum(unit, |part| part.charged);
            let refusal = Refusal::new("REVERSAL_EXCEEDS_CHARGE").with("unit", unit);
            let refusal = refusal.with("requested", amount).with("charged", charged);
            return Err(refusal.with("reversed", charged - left(unit)));
        }
    }
    let some: Vec<_> = asked.into_iter().filter(|(_, amount)| *amount > 0).collect();
    if some.is_empty() { Err(Refusal::field()) } else { Ok(some) }
}
