//! Ends of jobs: settled, failed, cancelled, and the returns of their credits.

use std::collections::BTreeMap;

use wallet_core::decide::{Cancel, Cost, Outcome, PriceSource, Settle};
use wallet_core::entry::EntryKind;
use wallet_core::grant::{Clawback, GrantKey, Origin};
use wallet_core::reservation::{CancelReason, State};
use wallet_core::{Command, Decimal, Operation, Source};

use super::answer::{Answered, Refusal, Seen, same};
use super::calendar::HOUR;
use super::catalog::{self, Beyond, Unit};
use super::jobs::{fence, finished};
use super::request::{chargeable, known};
use super::state::{Job, Lot, Model, Part, Price};

impl Job {
    /// Returns the operation that was priced.
    fn operation(&self) -> Option<&Operation> {
        match self.reserve.as_ref().map(|reserve| &reserve.price) {
            Some(PriceSource::Quote(quote)) => Some(&quote.operation),
            Some(PriceSource::Operation(operation)) => Some(operation),
            _ => None,
        }
    }

    /// Returns the quantities of the Settle that are not those of the operation; `None` without any.
    pub(crate) fn other_usage(&self) -> Option<BTreeMap<String, Decimal>> {
        let Some(Command::Settle(settle)) = &self.finalizer else { return None };
        let Outcome::Succeeded(Cost::Usage(usage)) = &settle.outcome else { return None };
        let reserved = &self.operation()?.quantities;
        let other: BTreeMap<_, _> =
            usage.clone().into_iter().filter(|(name, n)| reserved.get(name) != Some(n)).collect();
        (!other.is_empty()).then_some(other)
    }
}

impl Model {
    pub(super) fn settle(&mut self, settle: &Settle, command: &Command) -> Result<Answered, Refusal> {
        let n = self.find_job(&settle.id).ok_or_else(|| Refusal::new("RESERVATION_NOT_FOUND"))?;
        let job = &self.jobs[n];
        match (job.state, &settle.outcome) {
            (State::Held | State::Processing, outcome) => {
                fence(job, settle.attempt)?;
                match outcome {
                    Outcome::Succeeded(cost) => self.charge(n, cost)?,
                    Outcome::Failed(failure) => self.fail(n, &failure.code),
                }
            }
            (State::Settled | State::Failed, _) => return repeated(job, command),
            (State::Expired, Outcome::Failed(_)) if self.too_late(job) => {
                return Ok(Answered::done(Seen::Job(settle.id.clone())));
            }
            // The credits returned when the hold expired; nothing can be charged for the job any more.
            (State::Expired, Outcome::Failed(_)) => {
                fence(job, settle.attempt)?;
                self.jobs[n].state = State::Failed;
                self.write(EntryKind::Failed, self.now);
            }
            (State::Expired, Outcome::Succeeded(cost)) if settle.accept_late && !self.too_late(job) => {
                fence(job, settle.attempt)?;
                self.charge_late(n, cost)?;
            }
            (state @ (State::Expired | State::Cancelled), _) => return Err(finished(state)),
        }
        Ok(self.ended(n, command))
    }

    /// Returns whether a job with an expired hold can no longer be charged.
    fn too_late(&self, job: &Job) -> bool {
        self.now >= job.ended + 72 * HOUR
    }

    fn ended(&mut self, n: usize, command: &Command) -> Answered {
        let job = &mut self.jobs[n];
        job.ended = self.now;
        job.finalizer = Some(command.clone());
        Answered::done(Seen::Job(job.id.clone()))
    }

    /// Returns the cost of a job.
    fn cost(&self, job: &Job, cost: &Cost) -> Result<Vec<(Unit, i64)>, Refusal> {
        match cost {
            Cost::AsReserved => Ok(job.price.amounts.clone()),
            Cost::Usage(usage) => {
                let (Some(kind), Some(operation)) = (job.price.kind, job.operation()) else {
                    return Err(Refusal::field());
                };
                let mut operation = operation.clone();
                operation.quantities.extend(usage.clone());
                catalog::price(kind, &operation).ok_or_else(Refusal::field)
            }
            Cost::Amounts(amounts) => {
                let reserved = |id: &str| job.price.amounts.iter().any(|(unit, _)| *unit == id);
                if let Some(unit) = amounts.units().find(|unit| !reserved(unit.as_str())) {
                    return Err(Refusal::new("UNIT_MISMATCH").with("unit", unit));
                }
                chargeable(amounts)
            }
        }
    }

    fn charge(&mut self, n: usize, cost: &Cost) -> Result<(), Refusal> {
        let job = self.jobs[n].clone();
        let cost = self.cost(&job, cost)?;
        let over = |unit: Unit| (find(&cost, unit) - job.reserved(unit)).max(0);
        // Held credits of a charged-back purchase cannot be charged.
        let clawed_back =
            |model: &Self, unit| model.clawed_back(&job, unit, find(&cost, unit).min(job.reserved(unit)));
        let wanted =
            |unit: Unit| match job.price.unbounded && !job.price.most.iter().any(|(of, _)| *of == unit) {
                true => over(unit),
                false => over(unit).min((find(&job.price.most, unit) - job.reserved(unit)).max(0)),
            };
        if job.price.beyond == Beyond::AllOrRefuse {
            let beyond = |(unit, _): &(Unit, i64)| match wanted(unit) {
                0 => (*unit, 0),
                wanted => (*unit, wanted + clawed_back(self, unit)),
            };
            let beyond: Vec<(Unit, i64)> = job.price.amounts.iter().map(beyond).collect();
            self.affords(None, &beyond)?;
        }
        for (unit, reserved) in &job.price.amounts {
            let wanted = wanted(unit);
            let clawed_back = clawed_back(self, unit);
            let whole = |amount: i64| amount / catalog::step(unit) * catalog::step(unit);
            // Credits whose money has gone back are charged to available credits first, and the rest becomes debt. Overage is
            // charged to what is left after that.
            let from_available = clawed_back.min(self.available(unit));
            let there = self.available(unit) - from_available;
            let owed = self.owed(unit).debt + clawed_back - from_available;
            let (beyond, debt) = match job.price.beyond {
                Beyond::Never => (0, 0),
                Beyond::AllOrRefuse => (wanted, 0),
                Beyond::IfAvailable => (whole(wanted.min(there)), 0),
                Beyond::Owe => {
                    let all = whole(wanted.min(there + (self.owed(unit).limit - owed).max(0)));
                    (all.min(there), all - all.min(there))
                }
            };
            self.charge_held(n, unit, find(&cost, unit).min(*reserved) - clawed_back, self.now);
            self.charge_free(n, unit, from_available + beyond);
            self.charge_debt(n, unit, clawed_back - from_available + debt);
            if over(unit) > beyond + debt {
                self.jobs[n].uncollected.push((unit, over(unit) - beyond - debt));
            }
        }
        self.return_rest(n, self.now);
        self.jobs[n].state = State::Settled;
        self.write(EntryKind::Settled, self.now);
        Ok(())
    }

    fn charge_late(&mut self, n: usize, cost: &Cost) -> Result<(), Refusal> {
        let job = self.jobs[n].clone();
        let cost = self.cost(&job, cost)?;
        let charges: Vec<(Unit, i64)> = job
            .price
            .amounts
            .iter()
            .map(|(unit, reserved)| (*unit, find(&cost, unit).min(*reserved)))
            .collect();
        self.affords(None, &charges)?;
        for (unit, amount) in charges {
            self.charge_free(n, unit, amount);
            if find(&cost, unit) > amount {
                self.jobs[n].uncollected.push((unit, find(&cost, unit) - amount));
            }
        }
        self.jobs[n].state = State::Settled;
        self.write(EntryKind::SettledLate, self.now);
        Ok(())
    }

    /// Returns the part of a charge to a hold that belongs to purchases whose money has gone back.
    fn clawed_back(&self, job: &Job, unit: Unit, amount: i64) -> i64 {
        let there = |part: &&Part| {
            let lot = part.lot.as_ref().and_then(|key| self.find_lot(key));
            part.unit == unit && lot.is_some_and(|lot| self.lots[lot].clawback != Some(Clawback::ChargedBack))
        };
        let there: i64 = job.parts.iter().filter(there).map(|part| part.held).sum();
        let claimed: i64 = self.claims_on(job, unit).iter().map(|(_, claimed, _)| claimed).sum();
        (amount - there + claimed).max(0)
    }

    /// Charges held credits: first those of expired lots, then in the order in which they were taken.
    fn charge_held(&mut self, n: usize, unit: Unit, amount: i64, at: i64) {
        let mut left = amount;
        let mut claims = self.claims_on(&self.jobs[n], unit);
        for expired in [true, false] {
            for p in 0..self.jobs[n].parts.len() {
                let part = &self.jobs[n].parts[p];
                let Some(lot) = part.lot.as_ref().and_then(|key| self.find_lot(key)) else { continue };
                let is_charged_back = self.lots[lot].clawback == Some(Clawback::ChargedBack);
                if part.unit != unit || is_charged_back || (self.lots[lot].until <= at) != expired {
                    continue;
                }
                let mut now = left.min(part.held - part.charged);
                let of = self.refunded_payment(lot);
                if let Some((_, _, chargeable)) =
                    claims.iter_mut().find(|(of_it, ..)| Some(of_it) == of.as_ref())
                {
                    now = now.min(*chargeable);
                    *chargeable -= now;
                }
                left -= now;
                self.jobs[n].parts[p].charged += now;
                self.lots[lot].used += now;
            }
        }
    }

    fn charge_debt(&mut self, n: usize, unit: Unit, amount: i64) {
        if amount > 0 {
            self.owed.entry(unit).or_default().debt += amount;
            self.jobs[n].parts.push(Part { charged: amount, ..Part::of(None, unit) });
        }
    }

    /// Charges available credits.
    fn charge_free(&mut self, n: usize, unit: Unit, amount: i64) {
        for (key, charged) in self.take(unit, amount) {
            if let Some(lot) = self.find_lot(&key) {
                self.lots[lot].used += charged;
            }
            self.jobs[n].parts.push(Part { charged, ..Part::of(Some(key), unit) });
        }
    }

    /// Returns held credits that were not charged, as grace if their lot has ended meanwhile.
    pub(super) fn return_rest(&mut self, n: usize, at: i64) {
        let mut graces = 0;
        for p in 0..self.jobs[n].parts.len() {
            let part = &self.jobs[n].parts[p];
            let rest = part.held - part.charged - part.forfeited;
            let Some(lot) = part.lot.as_ref().and_then(|key| self.find_lot(key)).filter(|_| rest > 0) else {
                continue;
            };
            let (taken, _) = self.claw_back(lot, rest, false);
            self.jobs[n].parts[p].forfeited += taken;
            let rest = rest - taken;
            if rest == 0 {
                continue;
            }
            if self.lots[lot].clawback.is_some() {
                self.lots[lot].taken += rest;
                self.jobs[n].parts[p].forfeited += rest;
            } else if self.lots[lot].until > at {
                self.lots[lot].free += rest;
                self.mark_changed(self.lots[lot].unit);
                self.repay(lot, rest);
                self.jobs[n].parts[p].returned = rest;
            } else {
                self.lots[lot].expired += rest;
                let key = GrantKey::new(Origin::Grace, self.jobs[n].id.clone().into(), graces);
                match self.grace_lot(lot, n, key.clone(), rest, at) {
                    None => self.jobs[n].parts[p].forfeited += rest,
                    Some(lot) => {
                        graces += 1;
                        self.issue(lot, at);
                        self.jobs[n].parts[p].returned = rest;
                        self.jobs[n].parts[p].grace = Some(key);
                    }
                }
            }
        }
    }

    /// Returns a lot that lives for the grace period of the job, at most 72 hours after the end of the first lot, or a
    /// day if the credits return too late for that.
    fn grace_lot(&self, old: usize, n: usize, key: GrantKey, amount: i64, at: i64) -> Option<Lot> {
        let old = &self.lots[old];
        let grace = self.jobs[n].price.grace;
        let first = old.first.clone().unwrap_or_else(|| old.key.clone());
        let late = at + grace.min(24 * HOUR);
        let bound = old.bound.unwrap_or_else(|| old.until.saturating_add(72 * HOUR).max(late));
        let first_source = Some(old.first_source.unwrap_or(old.source));
        let until = (at + self.jobs[n].price.grace).min(bound);
        let lot = Lot::new(key, old.unit, Source::Grace, amount, at);
        let (period, bound) = (old.period, Some(bound));
        let lot = Lot { unpaid: old.unpaid, ..lot };
        (until > at).then_some(Lot { until, first: Some(first), first_source, bound, period, ..lot })
    }

    fn fail(&mut self, n: usize, code: &str) {
        for (unit, reserved) in self.jobs[n].price.amounts.clone() {
            let fee = catalog::share(reserved, catalog::failure_percent(code, unit), catalog::step(unit));
            self.charge_fee(n, unit, fee);
        }
        self.return_rest(n, self.now);
        self.jobs[n].state = State::Failed;
        self.write(EntryKind::Failed, self.now);
    }

    fn charge_fee(&mut self, n: usize, unit: Unit, fee: i64) {
        if fee > 0 {
            let clawed_back = self.clawed_back(&self.jobs[n], unit, fee);
            let from_available = clawed_back.min(self.available(unit));
            self.charge_held(n, unit, fee - clawed_back, self.now);
            self.charge_free(n, unit, from_available);
            self.charge_debt(n, unit, clawed_back - from_available);
            self.jobs[n].fees.push((unit, fee));
        }
    }

    pub(super) fn cancel(&mut self, cancel: &Cancel, command: &Command) -> Result<Answered, Refusal> {
        let Some(n) = self.find_job(&cancel.id) else {
            if !cancel.allow_missing {
                return Err(Refusal::new("RESERVATION_NOT_FOUND"));
            }
            self.jobs.push(tombstone(cancel, self.now));
            self.write(EntryKind::Cancelled, self.now);
            return Ok(self.ended(self.jobs.len() - 1, command));
        };
        match self.jobs[n].state {
            State::Held | State::Processing => {}
            State::Cancelled => return repeated(&self.jobs[n], command),
            State::Expired if self.too_late(&self.jobs[n]) => {
                return Ok(Answered::done(Seen::Job(cancel.id.clone())));
            }
            State::Expired => {
                self.jobs[n].state = State::Cancelled;
                self.write(EntryKind::Cancelled, self.now);
                return Ok(self.ended(n, command));
            }
            state => return Err(finished(state)),
        }
        let fees = if cancel.reason == CancelReason::User { user_fees(&self.jobs[n]) } else { Vec::new() };
        for (unit, most) in known(&cancel.max_fees)? {
            if find(&fees, unit) > most {
                let refusal = Refusal::new("FEE_ABOVE_LIMIT").with("unit", unit);
                return Err(refusal.with("fee", find(&fees, unit)).with("max_fee", most));
            }
        }
        for (unit, fee) in fees {
            self.charge_fee(n, unit, fee);
        }
        self.return_rest(n, self.now);
        self.jobs[n].state = State::Cancelled;
        self.write(EntryKind::Cancelled, self.now);
        Ok(self.ended(n, command))
    }
}

/// Returns the fees of a user's cancel: nothing before Start, then half, and all of a training.
fn user_fees(job: &Job) -> Vec<(Unit, i64)> {
    if job.state == State::Held {
        return Vec::new();
    }
    let fee = |(unit, reserved): &(Unit, i64)| {
        (*unit, catalog::share(*reserved, catalog::cancel_percent(unit), catalog::step(unit)))
    };
    job.price.amounts.iter().map(fee).collect()
}

/// Answers another finalizer: as a replay if it is the same, otherwise with a refusal.
fn repeated(job: &Job, command: &Command) -> Result<Answered, Refusal> {
    if let Some(before) = &job.finalizer {
        same(before, command).map_err(|refusal| refusal.with("state", job.state.as_str()))?;
    }
    Ok(Answered::again(Seen::Job(job.id.clone())))
}

fn tombstone(cancel: &Cancel, now: i64) -> Job {
    let price = Price {
        amounts: Vec::new(),
        most: Vec::new(),
        unbounded: false,
        max_hold: 0,
        beyond: Beyond::IfAvailable,
        kind: None,
        ttl: 0,
        lease: None,
        grace: catalog::GRACE,
        goodwill: catalog::GOODWILL,
    };
    Job {
        id: cancel.id.clone(),
        state: State::Cancelled,
        reserve: None,
        price,
        made: now,
        deadline: now,
        attempt: 0,
        worker: String::new(),
        lease: None,
        parts: Vec::new(),
        ended: now,
        finalizer: None,
        fees: Vec::new(),
        uncollected: Vec::new(),
    }
}

/// Returns the amount of a unit, 0 if it is not named.
pub(super) fn find(amounts: &[(Unit, i64)], unit: Unit) -> i64 {
    amounts.iter().find(|(of, _)| *of == unit).map_or(0, |(_, amount)| *amount)
}
