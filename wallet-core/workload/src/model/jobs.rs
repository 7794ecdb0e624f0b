//! Jobs: reserved, started, extended.

use std::time::Duration;

use wallet_core::decide::{ExplicitPrice, Extend, PriceSource, Reserve, Start, StartOptions};
use wallet_core::entry::EntryKind;
use wallet_core::reservation::State;
use wallet_core::{Command, Operation};

use super::answer::{Answered, Refusal, Seen, same};
use super::calendar::{DAY, SECOND};
use super::catalog::{self, Beyond, GOODWILL, GRACE, TTL, Unit};
use super::request::{chargeable, known};
use super::state::{Job, Model, Part, Price};

impl Model {
    pub(super) fn reserve(&mut self, reserve: &Reserve) -> Result<Answered, Refusal> {
        if let Some(n) = self.find_job(&reserve.id) {
            self.reserved_before(&self.jobs[n], reserve)?;
            return match &reserve.start {
                Some(options) => self.start(&Start { id: reserve.id.clone(), options: options.clone() }),
                None => Ok(Answered::again(Seen::Job(reserve.id.clone()))),
            };
        }
        let (price, operation) = self.price_of(&reserve.price)?;
        for (unit, limit) in known(&reserve.limits)? {
            let asked: i64 = price.amounts.iter().filter(|(of, _)| *of == unit).map(|(_, n)| *n).sum();
            if asked > limit {
                let refusal = Refusal::new("PRICE_ABOVE_LIMIT").with("unit", unit);
                return Err(refusal.with("price", asked).with("limit", limit));
            }
        }
        self.may_reserve(operation.as_ref(), &price.amounts)?;
        let ttl = reserve.ttl.map_or(price.ttl, micros).min(price.max_hold);
        let mut job = Job {
            id: reserve.id.clone(),
            state: State::Held,
            reserve: Some(reserve.clone()),
            made: self.now,
            deadline: self.now + ttl,
            attempt: 0,
            worker: String::new(),
            lease: None,
            parts: Vec::new(),
            ended: 0,
            finalizer: None,
            fees: Vec::new(),
            uncollected: Vec::new(),
            price: Price { ttl, ..price },
        };
        for (unit, amount) in job.price.amounts.clone() {
            for (lot, held) in self.take(unit, amount) {
                job.parts.push(Part { held, ..Part::of(Some(lot), unit) });
            }
        }
        if let Some(options) = &reserve.start {
            job.begin(options, self.now);
        }
        self.jobs.push(job);
        self.write(EntryKind::Reserved, self.now);
        Ok(Answered::done(Seen::Job(reserve.id.clone())))
    }

    /// Checks that a job has not ended and was reserved by an equal command.
    fn reserved_before(&self, job: &Job, reserve: &Reserve) -> Result<(), Refusal> {
        let equal = job
            .reserve
            .as_ref()
            .map(|before| same(&Command::Reserve(before.clone()), &Command::Reserve(reserve.clone())));
        if !job.is_open() && (reserve.start.is_some() || !matches!(equal, Some(Ok(_)))) {
            return Err(finished(job.state));
        }
        equal.transpose().map_err(|refusal| refusal.with("state", job.state.as_str()))?;
        Ok(())
    }

    fn price_of(&self, source: &PriceSource) -> Result<(Price, Option<Operation>), Refusal> {
        let operation = match source {
            PriceSource::Quote(quote) if quote.expire_time.as_micros() <= self.now => {
                return Err(Refusal::new("QUOTE_EXPIRED").with("expire_time", quote.expire_time));
            }
            PriceSource::Quote(quote) if quote.catalog_version != catalog::VERSION => {
                let refusal = Refusal::new("CATALOG_NOT_FOUND");
                return Err(refusal.with("catalog_version", quote.catalog_version));
            }
            PriceSource::Quote(quote) => &quote.operation,
            PriceSource::Operation(operation) => operation,
            PriceSource::Explicit(price) => {
                let terms = explicit(price)?;
                price.operation.iter().try_for_each(known_quantities)?;
                return Ok((terms, price.operation.clone()));
            }
        };
        let no_rule = || Refusal::new("NO_PRICE_RULE").with("kind", &operation.kind);
        let kind = catalog::find_kind(&operation.kind).ok_or_else(no_rule)?;
        let amounts = catalog::price(kind, operation).ok_or_else(Refusal::field)?;
        let most = |(unit, amount): &(Unit, i64)| {
            let most = catalog::up(amount * kind.most?, 100 * catalog::step(unit)) / 100;
            Some((*unit, most.max(kind.at_least).min(kind.highest.unwrap_or(i64::MAX))))
        };
        let price = Price {
            most: amounts.iter().filter_map(most).collect(),
            unbounded: kind.most.is_none(),
            max_hold: kind.max_hold,
            amounts,
            beyond: kind.beyond,
            kind: Some(kind),
            ttl: kind.ttl,
            lease: kind.lease,
            grace: kind.grace,
            goodwill: kind.goodwill,
        };
        Ok((price, Some(operation.clone())))
    }

    pub(super) fn start(&mut self, start: &Start) -> Result<Answered, Refusal> {
        let n = self.find_job(&start.id).ok_or_else(|| Refusal::new("RESERVATION_NOT_FOUND"))?;
        let (job, options) = (&self.jobs[n], &start.options);
        match job.state {
            State::Held => {}
            State::Processing if options.attempt > job.attempt => {}
            State::Processing if options.attempt == job.attempt && options.worker.as_str() == job.worker => {
                return Ok(Answered::again(Seen::Job(start.id.clone())));
            }
            State::Processing => return Err(stale(job)),
            state => return Err(finished(state)),
        }
        let now = self.now;
        self.jobs[n].begin(options, now);
        self.write(EntryKind::Started, now);
        Ok(Answered::done(Seen::Job(start.id.clone())))
    }

    pub(super) fn extend(&mut self, extend: &Extend) -> Result<Answered, Refusal> {
        let n = self.find_job(&extend.id).ok_or_else(|| Refusal::new("RESERVATION_NOT_FOUND"))?;
        let now = self.now;
        let job = &mut self.jobs[n];
        if job.is_open() {
            fence(job, extend.attempt)?;
            let lease = extend.lease.map(micros).or(job.lease).unwrap_or(60 * SECOND);
            let deadline = (now + lease).min(job.made + job.price.max_hold);
            if deadline > job.deadline {
                job.deadline = deadline;
                self.write_silently();
            }
        }
        Ok(Answered::done(Seen::Job(extend.id.clone())))
    }
}

impl Part {
    pub(super) fn of(lot: Option<wallet_core::grant::GrantKey>, unit: Unit) -> Self {
        Self { lot, unit, held: 0, charged: 0, returned: 0, forfeited: 0, reversed: 0, grace: None }
    }
}

impl Job {
    fn begin(&mut self, options: &StartOptions, now: i64) {
        self.state = State::Processing;
        self.attempt = options.attempt;
        options.worker.as_str().clone_into(&mut self.worker);
        self.lease = options.lease.map(micros).or(self.price.lease).filter(|lease| *lease > 0);
        self.deadline = match self.lease {
            Some(lease) => (now + lease).min(self.made + self.price.max_hold),
            None => (now + self.price.ttl).min(self.made + self.price.max_hold),
        };
    }
}

/// Returns an explicit price.
fn explicit(price: &ExplicitPrice) -> Result<Price, Refusal> {
    let amounts = chargeable(&price.amounts)?;
    let named = chargeable(&price.max_amounts)?;
    let below = |(unit, most): &(Unit, i64)| !amounts.iter().any(|(of, amount)| of == unit && amount <= most);
    if named.iter().any(below) {
        return Err(Refusal::field());
    }
    let most = |(unit, amount): &(Unit, i64)| {
        let named = named.iter().find(|(of, _)| of == unit);
        (*unit, named.map_or(*amount, |(_, most)| *most))
    };
    Ok(Price {
        most: amounts.iter().map(most).collect(),
        unbounded: false,
        max_hold: DAY,
        amounts,
        beyond: Beyond::IfAvailable,
        kind: None,
        ttl: TTL,
        lease: None,
        grace: GRACE,
        goodwill: GOODWILL,
    })
}

/// Refuses quantities of a kind that its price does not use: they are misspelt.
fn known_quantities(operation: &Operation) -> Result<(), Refusal> {
    let Some(kind) = catalog::find_kind(&operation.kind) else { return Ok(()) };
    let used = |name: &str| kind.prices.iter().any(|(_, quantity, _)| *quantity == name);
    let unknown: Vec<&str> =
        operation.quantities.keys().map(String::as_str).filter(|name| !used(name)).collect();
    match unknown.is_empty() {
        true => Ok(()),
        false => Err(Refusal::field().with("kind", &operation.kind).with("quantities", unknown.join(","))),
    }
}

pub(super) fn finished(state: State) -> Refusal {
    let reason = match state {
        State::Settled => "RESERVATION_SETTLED",
        State::Failed => "RESERVATION_FAILED",
        State::Cancelled => "RESERVATION_CANCELLED",
        State::Expired | State::Held | State::Processing => "RESERVATION_EXPIRED",
    };
    Refusal::new(reason).with("state", state.as_str())
}

fn stale(job: &Job) -> Refusal {
    Refusal::new("STALE_ATTEMPT").with("attempt", job.attempt).with("worker", &job.worker)
}

/// Refuses an attempt that is lower than the running one.
pub(super) fn fence(job: &Job, attempt: Option<i32>) -> Result<(), Refusal> {
    if attempt.is_some_and(|attempt| attempt < job.attempt) { Err(stale(job)) } else { Ok(()) }
}

pub(super) fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 4)
}
