//! Commands of jobs that the wallet can pay for.

use std::collections::BTreeMap;
use std::time::Duration;

use wallet_core::decide::{
    Cancel, Cost, ExplicitPrice, Extend, Outcome, PriceSource, Quote, Reserve, ReverseCharge, Settle, Start,
    StartOptions,
};
use wallet_core::reservation::{CancelReason, Failure, State};
use wallet_core::{Amounts, Command, Decimal, Operation, Timestamp};

use super::{Generator, amounts, may_spend, parse, unit};
use crate::model::{Beyond, HOUR, Job, KINDS, Kind, MOST_N, Model, Unit, price};

impl Generator {
    pub(super) fn reserve(&mut self, model: &Model) -> Option<Command> {
        if !may_spend(model) && self.rng.percent(80) {
            return self.remedies(model);
        }
        let open = model.open_jobs().count() as u64;
        if model.concurrency().is_some_and(|limit| open >= limit) && self.rng.percent(80) {
            return self.settle(model);
        }
        if model.available("credits") < 4 && self.rng.percent(90) {
            return self.credit(model);
        }
        let price = if self.rng.percent(15) { self.explicit(model) } else { self.priced(model)? };
        let limits = match &price {
            PriceSource::Explicit(price) if self.rng.percent(30) => price.amounts.clone(),
            _ if self.rng.percent(10) => amounts(&[("credits", 100_000)]),
            _ => Amounts::none(),
        };
        let ttl = match self.rng.within(0, 9) {
            0..6 => None,
            6 => Some(self.rng.within(25, 150).unsigned_abs() * 3600),
            _ => Some(self.rng.within(1, 12_000).unsigned_abs()),
        };
        let start = if self.rng.percent(35) { Some(self.options(1)) } else { None };
        let actor = if self.rng.percent(30) { Some(parse(self.rng.one_of(["ann", "bob"]))) } else { None };
        Some(Command::Reserve(Reserve {
            id: self.new_id("j"),
            price,
            limits,
            ttl: ttl.map(Duration::from_secs),
            start,
            actor,
            labels: BTreeMap::new(),
        }))
    }

    /// Returns an explicit price in one unit or two.
    fn explicit(&mut self, model: &Model) -> PriceSource {
        let mut named: Vec<(Unit, i64)> = Vec::new();
        for (unit, step) in crate::model::UNITS {
            if unit == "credits" || self.rng.percent(25) {
                let part = self.part(model.available(unit));
                named.push((unit, part / step * step));
            }
        }
        let more: Vec<(Unit, i64)> = named.iter().map(|(unit, amount)| (*unit, amount * 2)).collect();
        let max_amounts = if self.rng.percent(40) { amounts(&more) } else { Amounts::none() };
        let operation = if self.rng.percent(20) { self.operation(model) } else { None };
        PriceSource::Explicit(ExplicitPrice { amounts: amounts(&named), max_amounts, operation })
    }

    fn priced(&mut self, model: &Model) -> Option<PriceSource> {
        let operation = self.operation(model)?;
        if self.rng.percent(85) {
            return Some(PriceSource::Operation(operation));
        }
        let expire_time = Timestamp::from_micros(model.now + HOUR / 6);
        Some(PriceSource::Quote(Quote { operation, catalog_version: 1, tier: None, expire_time }))
    }

    /// Returns an operation that the plan allows and the wallet can pay for.
    fn operation(&mut self, model: &Model) -> Option<Operation> {
        let allowed = if self.rng.percent(95) { model.plan().kinds } else { &[] };
        let kind = *self.rng.pick(&KINDS.each_ref()).filter(|kind| {
            let paid = kind.prices.iter().all(|(unit, ..)| model.available(unit) > 0);
            paid && (allowed.is_empty() || allowed.contains(&kind.id))
        })?;
        let most = if allowed.is_empty() { i64::MAX } else { MOST_N };
        for _ in 0..3 {
            let operation = self.sized(model, kind, most);
            let fits = |(unit, amount): &(Unit, i64)| *amount <= model.available(unit);
            if price(kind, &operation).is_some_and(|price| price.iter().all(fits)) {
                return Some(operation);
            }
        }
        None
    }

    fn sized(&mut self, model: &Model, kind: &Kind, most: i64) -> Operation {
        let mut quantities = BTreeMap::new();
        for (unit, quantity, rate) in kind.prices {
            let whole = (self.part(model.available(unit)) * 10 / rate).min(most - 1);
            let tenths = if *unit != "trainings" && self.rng.percent(20) { 5 } else { 0 };
            if kind.otherwise.is_none() || self.rng.percent(60) {
                quantities.insert((*quantity).to_owned(), Decimal::from_minor(whole * 10 + tenths, 1));
            }
        }
        Operation { kind: kind.id.to_owned(), attributes: BTreeMap::new(), quantities }
    }

    /// Returns a part of `there`, mostly a small one.
    fn part(&mut self, there: i64) -> i64 {
        let percent = if self.rng.percent(10) { 100 } else { self.rng.within(0, 40) };
        (there * percent + 99) / 100
    }

    fn options(&mut self, attempt: i32) -> StartOptions {
        let lease = match self.rng.within(0, 9) {
            0..4 => None,
            4 => Some(0),
            _ => Some(self.rng.within(10, 900).unsigned_abs()),
        };
        let worker = parse(self.rng.one_of(["w1", "w2"]));
        StartOptions { worker, attempt, lease: lease.map(Duration::from_secs) }
    }

    pub(super) fn open_job<'a>(&mut self, model: &'a Model) -> Option<&'a Job> {
        let open: Vec<&Job> = model.open_jobs().collect();
        self.rng.pick(&open).copied()
    }

    pub(super) fn start(&mut self, model: &Model) -> Option<Command> {
        let job = self.open_job(model)?;
        if job.state == State::Processing && self.rng.percent(60) {
            return None;
        }
        Some(Command::Start(Start { id: job.id.clone(), options: self.options(job.attempt + 1) }))
    }

    pub(super) fn extend(&mut self, model: &Model) -> Option<Command> {
        let job = self.open_job(model)?;
        let lease = if self.rng.percent(50) { None } else { Some(self.rng.within(1, 7200).unsigned_abs()) };
        let attempt = self.attempt(job);
        Some(Command::Extend(Extend { id: job.id.clone(), attempt, lease: lease.map(Duration::from_secs) }))
    }

    fn attempt(&mut self, job: &Job) -> Option<i32> {
        self.rng.percent(50).then_some(job.attempt)
    }

    pub(super) fn settle(&mut self, model: &Model) -> Option<Command> {
        if self.rng.percent(8) {
            return self.settle_late(model);
        }
        let disputed: Vec<&Job> = model.owing_jobs().filter(|job| model.is_disputed(job)).collect();
        let disputed = self.rng.pick(&disputed).copied().filter(|_| self.rng.percent(80));
        let job = if let Some(job) = disputed { job } else { self.open_job(model)? };
        let outcome = match self.rng.within(0, 99) {
            0..15 => Outcome::Failed(Failure {
                code: self.rng.one_of(["GPU_LOST", "NSFW"]).to_owned(),
                message: "gone".to_owned(),
            }),
            15..30 if disputed.is_none() => Outcome::Succeeded(Cost::AsReserved),
            30..65 if job.price.kind.is_some() => Outcome::Succeeded(self.usage(job)),
            _ => Outcome::Succeeded(self.cost(job, 150)),
        };
        let (attempt, accept_late) = (self.attempt(job), self.rng.percent(20));
        Some(Command::Settle(Settle { id: job.id.clone(), attempt, outcome, accept_late }))
    }

    /// Returns the cost of a job: mostly less than reserved, sometimes more.
    fn usage(&mut self, job: &Job) -> Cost {
        let asked = match job.reserve.as_ref().map(|reserve| &reserve.price) {
            Some(PriceSource::Operation(operation)) => operation.quantities.clone(),
            Some(PriceSource::Quote(quote)) => quote.operation.quantities.clone(),
            _ => BTreeMap::new(),
        };
        let mut used = BTreeMap::new();
        for (name, asked) in asked {
            if name == "n" || self.rng.percent(50) {
                let tenths = asked.to_minor(1).unwrap_or(0) * self.share(job, 160) / 100;
                let tenths = if name == "t" { tenths / 10 * 10 } else { tenths };
                used.insert(name, Decimal::from_minor(tenths, 1));
            }
        }
        Cost::Usage(used)
    }

    fn cost(&mut self, job: &Job, most: i64) -> Cost {
        let share = self.share(job, most);
        let steps =
            |unit: Unit| crate::model::UNITS.iter().find(|(id, _)| *id == unit).map_or(1, |(_, n)| *n);
        // Sometimes more than any percentage: jobs by output may cost something although their estimate was 0.
        let extra = if self.rng.percent(15) { self.rng.within(0, 50) } else { 0 };
        let of = |(unit, amount): &(Unit, i64)| {
            (unit_of(unit), (amount * share / 100 + extra) / steps(unit) * steps(unit))
        };
        Cost::Amounts(job.price.amounts.iter().map(of).collect())
    }

    fn share(&mut self, job: &Job, most: i64) -> i64 {
        match job.price.beyond {
            Beyond::AllOrRefuse if self.rng.percent(60) => self.rng.within(0, 100),
            Beyond::Owe if self.rng.percent(60) => self.rng.within(100, 1100),
            _ => self.rng.within(0, most),
        }
    }

    /// Settles a job whose hold has expired, in time or too late, or that was ended after that.
    fn settle_late(&mut self, model: &Model) -> Option<Command> {
        let job = self.expired_job(model)?;
        let outcome = match self.rng.within(0, 9) {
            0 | 1 => Outcome::Failed(Failure { code: "GPU_LOST".to_owned(), message: String::new() }),
            _ => Outcome::Succeeded(self.cost(job, 110)),
        };
        let attempt = match self.rng.within(0, 9) {
            0 => Some(0),
            1 => Some(job.attempt),
            _ => None,
        };
        let accept_late = self.rng.percent(95);
        Some(Command::Settle(Settle { id: job.id.clone(), attempt, outcome, accept_late }))
    }

    /// Returns a job whose hold expired less than 72 hours ago, or slightly more.
    fn expired_job<'a>(&mut self, model: &'a Model) -> Option<&'a Job> {
        let hours = if self.rng.percent(10) { 80 } else { 72 };
        let late = |job: &&Job| {
            !job.is_open() && job.deadline <= job.ended && model.now < job.deadline + hours * HOUR
        };
        let jobs: Vec<&Job> = model.jobs.iter().filter(late).collect();
        self.rng.pick(&jobs).copied()
    }

    /// Reverses a charge, all that is left or a part, sometimes too much.
    pub(super) fn goodwill(&mut self, model: &Model) -> Option<Command> {
        let left = |job: &Job, unit: Unit| -> i64 {
            let parts = job.parts.iter().filter(|part| part.unit == unit);
            parts.map(|part| part.charged - part.reversed).sum()
        };
        let charged = |job: &&Job| job.price.amounts.iter().any(|(unit, _)| left(job, unit) > 0);
        let jobs: Vec<&Job> = model.jobs.iter().filter(|job| !job.is_open()).filter(charged).collect();
        let job = *self.rng.pick(&jobs)?;
        let share = self.rng.within(1, 108);
        let part = |(unit, _): &(Unit, i64)| (unit_of(unit), left(job, unit) * share / 100 / 5 * 5);
        let part: Amounts = job.price.amounts.iter().map(part).collect();
        let amounts = if self.rng.percent(50) || part.is_zero() { Amounts::none() } else { part };
        let (request, reservation) = (self.new_id("r"), job.id.clone());
        Some(Command::ReverseCharge(ReverseCharge { request, reservation, amounts, reason: String::new() }))
    }

    pub(super) fn cancel(&mut self, model: &Model) -> Option<Command> {
        let reason = if self.rng.percent(55) { CancelReason::User } else { CancelReason::Platform };
        if self.rng.percent(8) {
            let id = self.new_id("j");
            return Some(Command::Cancel(Cancel {
                id,
                reason,
                max_fees: Amounts::none(),
                allow_missing: true,
            }));
        }
        let job = if self.rng.percent(8) { self.expired_job(model)? } else { self.open_job(model)? };
        let generous = amounts(&[("credits", 1_000_000)]);
        let max_fees = if self.rng.percent(20) { generous } else { Amounts::none() };
        let allow_missing = self.rng.percent(30);
        Some(Command::Cancel(Cancel { id: job.id.clone(), reason, max_fees, allow_missing }))
    }
}

fn unit_of(id: Unit) -> wallet_core::UnitId {
    unit(id)
}
