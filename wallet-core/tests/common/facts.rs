//! Facts: expectations about a world. Balances, grants and reservations are as a read sees them now.

use std::fmt::Debug;
use std::time::Duration;

use wallet_core::entry::EntryKind;
use wallet_core::grant::{Grant, GrantKey};
use wallet_core::posting::Account;
use wallet_core::reservation::{Allocation, Bill, Reservation, State};
use wallet_core::spend::listing_order;
use wallet_core::wallet::{Balance, WalletStatus};

use super::world::{START, World};

/// An expectation about the world.
pub(crate) struct Fact {
    what: String,
    expected: String,
    actual: Box<dyn Fn(&World) -> String>,
}

impl Fact {
    pub(super) fn new<T: Debug>(
        what: impl Into<String>,
        expected: T,
        actual: impl Fn(&World) -> T + 'static,
    ) -> Self {
        Self {
            what: what.into(),
            expected: format!("{expected:?}"),
            actual: Box::new(move |world| format!("{:?}", actual(world))),
        }
    }

    /// Returns the difference from the expectation, if there is one.
    pub(crate) fn wrong(&self, world: &World) -> Option<String> {
        let Self { what, expected, .. } = self;
        let actual = (self.actual)(world);
        (actual != *expected).then(|| format!("{what}: {actual}, expected {expected}"))
    }
}

fn balance(of: &str, what: &str, n: i64, figure: impl Fn(Balance) -> i64 + 'static) -> Fact {
    let unit = of.to_owned();
    Fact::new(format!("{what} {of}"), n, move |world| figure(world.seen().balance(&unit)))
}

/// The credits that can be reserved.
pub(crate) fn available(n: i64) -> Fact {
    available_of("credits", n)
}

pub(crate) fn available_of(of: &str, n: i64) -> Fact {
    balance(of, "available", n, |balance| balance.available)
}

/// The credits set aside for jobs.
pub(crate) fn held(n: i64) -> Fact {
    held_of("credits", n)
}

pub(crate) fn held_of(of: &str, n: i64) -> Fact {
    balance(of, "held", n, |balance| balance.held)
}

pub(crate) fn status(status: WalletStatus) -> Fact {
    Fact::new("status", status, |world| world.seen().status)
}

pub(crate) fn debt(n: i64) -> Fact {
    balance("credits", "debt", n, |balance| balance.debt)
}

pub(super) fn of_job<T: Debug>(
    id: &str,
    what: &str,
    expected: T,
    get: impl Fn(&Reservation) -> T + 'static,
) -> Fact {
    let job = id.to_owned();
    Fact::new(format!("{what} of {id}"), Some(expected), move |world| {
        world.reservation(&job).as_ref().map(&get)
    })
}

fn of_bill(id: &str, what: &str, n: i64, of: &str, get: impl Fn(&Bill) -> i64 + 'static) -> Fact {
    of_job(id, &format!("{what} {of}"), Some(n), move |job| {
        job.finish.as_ref().map(|finish| get(&finish.bill))
    })
}

pub(crate) fn state(id: &str, state: State) -> Fact {
    of_job(id, "state", state, |job| job.state)
}

/// No reservation with this id exists.
pub(crate) fn unknown(id: &str) -> Fact {
    let job = id.to_owned();
    Fact::new(format!("existence of {id}"), false, move |world| world.reservation(&job).is_some())
}

pub(crate) fn charged(id: &str, n: i64) -> Fact {
    charged_of(id, "credits", n)
}

pub(crate) fn charged_of(id: &str, of: &str, n: i64) -> Fact {
    let unit = of.to_owned();
    of_bill(id, "charged", n, of, move |bill| bill.charged.get(&unit))
}

pub(crate) fn returned(id: &str, n: i64) -> Fact {
    returned_of(id, "credits", n)
}

pub(crate) fn returned_of(id: &str, of: &str, n: i64) -> Fact {
    let unit = of.to_owned();
    of_bill(id, "returned", n, of, move |bill| bill.returned.get(&unit))
}

pub(crate) fn fee(id: &str, n: i64) -> Fact {
    fee_of(id, "credits", n)
}

pub(crate) fn fee_of(id: &str, of: &str, n: i64) -> Fact {
    let unit = of.to_owned();
    of_bill(id, "fee", n, of, move |bill| bill.fees.get(&unit))
}

pub(crate) fn forfeited(id: &str, n: i64) -> Fact {
    of_bill(id, "forfeited", n, "credits", |bill| bill.forfeited.get("credits"))
}

pub(crate) fn uncollected(id: &str, n: i64) -> Fact {
    uncollected_of(id, "credits", n)
}

pub(crate) fn uncollected_of(id: &str, of: &str, n: i64) -> Fact {
    let unit = of.to_owned();
    of_bill(id, "uncollected", n, of, move |bill| bill.uncollected.get(&unit))
}

/// The quantities and the price lines of the usage in the bill.
pub(crate) fn used(id: &str, quantities: &[(&str, &str)], lines: &[&str]) -> Fact {
    let quantities: Vec<String> = quantities.iter().map(|(name, n)| format!("{name} {n}")).collect();
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    of_job(id, "usage", (quantities, lines), |job| {
        let usage = job.finish.as_ref().and_then(|finish| finish.bill.usage.clone()).unwrap_or_default();
        let quantities = usage.quantities.iter().map(|(name, n)| format!("{name} {n}")).collect();
        let lines = usage.lines.iter().map(|line| format!("{} {}", line.amount, line.unit)).collect();
        (quantities, lines)
    })
}

/// The deadline, as time since the start.
pub(crate) fn deadline(id: &str, at: Duration) -> Fact {
    of_job(id, "deadline", START.plus(at), |job| job.deadline)
}

/// The worker and attempt that run the job: "w1, attempt 1".
pub(crate) fn run_by(id: &str, who: &str) -> Fact {
    of_job(id, "run", who.to_owned(), |job| {
        format!("{}, attempt {}", job.worker.as_ref().map_or("nobody", |worker| worker.as_str()), job.attempt)
    })
}

/// The held amounts by grant: "grant:a 30, top_up:t 10".
pub(crate) fn held_from(id: &str, takes: &str) -> Fact {
    of_job(id, "holds", takes.to_owned(), |job| amounts_by_grant(job, |allocation| allocation.held))
}

/// The charged amounts by grant: "grant:a 30, debt 10".
pub(crate) fn charged_to(id: &str, charges: &str) -> Fact {
    of_job(id, "charges", charges.to_owned(), |job| amounts_by_grant(job, |allocation| allocation.charged))
}

pub(super) fn amounts_by_grant(job: &Reservation, figure: impl Fn(&Allocation) -> i64) -> String {
    let name = |account: &Account| match account {
        Account::Grant(key) => key.to_string(),
        Account::Debt => "debt".to_owned(),
    };
    let parts = job.allocations.iter().filter(|allocation| figure(allocation) > 0);
    parts.map(|a| format!("{} {}", name(&a.account), figure(a))).collect::<Vec<_>>().join(", ")
}

pub(super) fn of_grant<T: Debug>(
    id: &str,
    what: &str,
    expected: T,
    get: impl Fn(&Grant) -> T + 'static,
) -> Fact {
    let key = GrantKey::parse(id).unwrap();
    Fact::new(format!("{what} of {id}"), Some(expected), move |world| world.seen().grants.get(&key).map(&get))
}

/// The parts of a grant: "available 10, consumed 30".
pub(crate) fn parts(id: &str, parts: &str) -> Fact {
    of_grant(id, "parts", parts.to_owned(), |grant| {
        let parts = grant.parts;
        let named = [
            ("pending", parts.pending),
            ("available", parts.available),
            ("held", parts.held),
            ("consumed", parts.consumed),
            ("expired", parts.expired),
            ("revoked", parts.revoked),
            ("paid out", parts.paid_out),
        ];
        let some = named.into_iter().filter(|(_, amount)| *amount > 0);
        some.map(|(name, amount)| format!("{name} {amount}")).collect::<Vec<_>>().join(", ")
    })
}

/// All grants in the order of a listing.
pub(crate) fn listed(grants: &str) -> Fact {
    Fact::new("listing", grants.to_owned(), |world| {
        let seen = world.seen();
        let listed = listing_order(&world.catalogs.current, seen.grants.values());
        listed.iter().map(|grant| grant.key.to_string()).collect::<Vec<_>>().join(", ")
    })
}

/// The expiry of a grant, as time since the start.
pub(crate) fn expires(id: &str, at: Duration) -> Fact {
    of_grant(id, "end", START.plus(at), |grant| grant.expire_time)
}

/// The grant that grace credits stem from.
pub(crate) fn stems_from(id: &str, first: &str) -> Fact {
    let first = GrantKey::parse(first).unwrap();
    of_grant(id, "origin", Some(first), |grant| grant.details.stems_from.clone())
}

pub(crate) fn no_grant(id: &str) -> Fact {
    let key = GrantKey::parse(id).unwrap();
    Fact::new(format!("existence of {id}"), false, move |world| world.seen().grants.contains_key(&key))
}

/// The kinds of the entries of the last step, in order.
pub(crate) fn wrote(kinds: &[EntryKind]) -> Fact {
    Fact::new("entries", kinds.to_vec(), |world| world.lazy.kinds(world.mark))
}

/// The principals of the entries of the last step, in order.
pub(crate) fn authors(principals: &[&str]) -> Fact {
    let principals: Vec<String> = principals.iter().map(ToString::to_string).collect();
    Fact::new("authors", principals, |world| {
        let entries = world.lazy.entries.iter().skip(world.mark);
        entries.map(|entry| entry.author.principal.to_string()).collect()
    })
}

/// The last step made no entry.
pub(crate) fn wrote_nothing() -> Fact {
    wrote(&[])
}

/// The effective times of the entries of the last step, as time since the start.
pub(crate) fn effective(times: &[Duration]) -> Fact {
    let times: Vec<_> = times.iter().map(|time| START.plus(*time)).collect();
    Fact::new("effective times", times, |world| {
        world.lazy.entries.iter().skip(world.mark).map(|entry| entry.effective_time).collect()
    })
}

/// Returns the outcome of the last command: "done", "replayed", or the reason of the refusal.
pub(crate) fn outcome(world: &World) -> &'static str {
    match world.reply.as_ref().map(|reply| &reply.result) {
        None => "no reply",
        Some(Ok(answer)) if answer.replayed => "replayed",
        Some(Ok(_)) => "done",
        Some(Err(rejection)) => rejection.reason(),
    }
}

pub(crate) fn done() -> Fact {
    Fact::new("the answer", "done", outcome)
}

pub(crate) fn replayed() -> Fact {
    Fact::new("the answer", "replayed", outcome)
}

pub(crate) fn refused(reason: &'static str) -> Fact {
    Fact::new("the answer", reason, outcome)
}

/// The metadata of the refusal contain this value.
pub(crate) fn saying(name: &str, value: &str) -> Fact {
    let key = name.to_owned();
    Fact::new(format!("metadata {name}"), Some(value.to_owned()), move |world| metadata_of(world, &key))
}

/// The metadata of the last refusal do not contain this key.
pub(crate) fn not_saying(name: &str) -> Fact {
    let key = name.to_owned();
    Fact::new(format!("metadata {name}"), None, move |world| metadata_of(world, &key))
}

/// The text of the refusal.
pub(crate) fn text(text: &str) -> Fact {
    Fact::new("the text of the refusal", Some(text.to_owned()), |world| {
        world.reply.as_ref()?.result.as_ref().err().map(ToString::to_string)
    })
}

pub(crate) fn metadata_of(world: &World, name: &str) -> Option<String> {
    let metadata = world.reply.as_ref()?.result.as_ref().err()?.metadata();
    metadata.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// The kind of the last entry of the last step.
pub(crate) fn wrote_last(kind: EntryKind) -> Fact {
    Fact::new("the last entry", Some(kind), |world| world.lazy.kinds(world.mark).last().copied())
}
