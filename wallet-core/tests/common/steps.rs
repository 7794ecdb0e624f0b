//! Steps: commands to a wallet and events around it. Instants are durations since the scenario's start.

use std::collections::BTreeMap;
use std::time::Duration;

use wallet_core::decide::{
    Cancel, Cost, ExplicitPrice, Extend, Grant, Outcome, PackSale, PriceSource, ProcessDue, Purchase, Quote,
    Reserve, RevokeGrant, Settle, Start, StartOptions, TopUp, UpdateWallet,
};
use wallet_core::grant::GrantKey;
use wallet_core::reservation::{CancelReason, Failure};
use wallet_core::wallet::WalletStatus;
use wallet_core::{
    Amounts, Command, Operation, OriginId, RequestId, ReservationId, Source, Timestamp, UnitId,
};

use super::world::START;

/// A step of a scenario.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "few and short-lived; a box would clutter every constructor")]
pub(crate) enum Step {
    Command(Command),
    Wait(Duration),
    /// Time passes until this instant.
    Until(Timestamp),
    /// A server whose clock is behind takes over.
    ClockBack(Duration),
    /// An invariant fails.
    Freeze,
    /// Another catalog becomes the current one.
    Publish(String),
}

pub(crate) const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(crate) const fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

pub(crate) const fn hours(n: u64) -> Duration {
    Duration::from_secs(3600 * n)
}

pub(crate) const fn days(n: u64) -> Duration {
    hours(24 * n)
}

pub(crate) const fn wait(time: Duration) -> Step {
    Step::Wait(time)
}

pub(crate) fn unit(id: &str) -> UnitId {
    UnitId::parse(id).unwrap()
}

pub(crate) fn job(id: &str) -> ReservationId {
    ReservationId::parse(id).unwrap()
}

pub(crate) fn origin(id: &str) -> OriginId {
    OriginId::parse(id).unwrap()
}

pub(crate) fn amounts(amounts: &[(&str, i64)]) -> Amounts {
    amounts.iter().map(|(id, amount)| (unit(id), *amount)).collect()
}

pub(crate) fn top_up(n: i64) -> Step {
    buy("t", n)
}

/// `n` credits are bought under this id.
pub(crate) fn buy(id: &str, n: i64) -> Step {
    buy_of(id, "credits", n)
}

pub(crate) fn buy_of(id: &str, of: &str, n: i64) -> Step {
    buy_what(id, Purchase::Amount(unit(of), n))
}

pub(crate) fn buy_pack(id: &str, pack: &str) -> Step {
    buy_what(id, Purchase::Pack(PackSale::one(pack)))
}

fn buy_what(id: &str, purchase: Purchase) -> Step {
    let id = origin(id);
    Step::Command(Command::TopUp(TopUp {
        id,
        purchase,
        external_ref: None,
        line: None,
        paid_amount: None,
        paid_time: None,
        labels: BTreeMap::new(),
    }))
}

/// `n` credits are granted under this id: source FREE, effective at once, without expiry.
pub(crate) fn give(id: &str, n: i64) -> Step {
    give_of(id, "credits", n)
}

pub(crate) fn give_of(id: &str, of: &str, n: i64) -> Step {
    Step::Command(Command::Grant(Grant {
        id: origin(id),
        unit: unit(of),
        amount: n,
        source: Source::Free,
        priority: 0,
        effective_time: None,
        expire_time: None,
        reason: String::new(),
        labels: BTreeMap::new(),
    }))
}

/// A job with the fixed price of `n` credits is reserved.
pub(crate) fn reserve(id: &str, n: i64) -> Step {
    reserve_kind(id, "fixed", n)
}

pub(crate) fn reserve_kind(id: &str, kind: &str, n: i64) -> Step {
    reserve_for(id, PriceSource::Operation(operation(kind, &[("n", &n.to_string())])))
}

/// A job of `n` credits and `t` trainings is reserved.
pub(crate) fn reserve_both(id: &str, kind: &str, n: i64, t: i64) -> Step {
    let quantities = [("n", &*n.to_string()), ("t", &*t.to_string())];
    reserve_for(id, PriceSource::Operation(operation(kind, &quantities)))
}

/// A job with explicit amounts is reserved.
pub(crate) fn reserve_amounts(id: &str, prices: &[(&str, i64)], most: &[(&str, i64)]) -> Step {
    let price = ExplicitPrice { amounts: amounts(prices), max_amounts: amounts(most), operation: None };
    reserve_for(id, PriceSource::Explicit(price))
}

/// A job is reserved with a quote of `n` credits at catalog `version`, valid until `end`.
pub(crate) fn reserve_quoted(id: &str, n: i64, version: i64, end: Duration) -> Step {
    let operation = operation("fixed", &[("n", &n.to_string())]);
    let expire_time = START.plus(end);
    reserve_for(
        id,
        PriceSource::Quote(Quote { operation, catalog_version: version, tier: None, expire_time }),
    )
}

pub(crate) fn reserve_for(id: &str, price: PriceSource) -> Step {
    Step::Command(Command::Reserve(Reserve {
        id: job(id),
        price,
        limits: Amounts::none(),
        ttl: None,
        start: None,
        actor: None,
        labels: BTreeMap::new(),
    }))
}

pub(crate) fn operation(kind: &str, quantities: &[(&str, &str)]) -> Operation {
    let quantity = |(name, value): &(&str, &str)| ((*name).to_owned(), value.parse().unwrap());
    Operation {
        kind: kind.to_owned(),
        attributes: BTreeMap::new(),
        quantities: quantities.iter().map(quantity).collect(),
    }
}

/// Worker w1 starts the job.
pub(crate) fn start(id: &str, attempt: i32) -> Step {
    Step::Command(Command::Start(Start { id: job(id), options: worker("w1", attempt, None) }))
}

pub(crate) fn worker(name: &str, attempt: i32, lease: Option<Duration>) -> StartOptions {
    StartOptions { worker: name.parse().unwrap(), attempt, lease }
}

pub(crate) fn extend(id: &str) -> Step {
    Step::Command(Command::Extend(Extend { id: job(id), attempt: None, lease: None }))
}

/// The job succeeds with quantity `n`.
pub(crate) fn settle(id: &str, n: i64) -> Step {
    settle_usage(id, &[("n", &n.to_string())])
}

pub(crate) fn settle_usage(id: &str, used: &[(&str, &str)]) -> Step {
    settle_for(id, Outcome::Succeeded(Cost::Usage(operation("", used).quantities)))
}

pub(crate) fn settle_amounts(id: &str, costs: &[(&str, i64)]) -> Step {
    settle_for(id, Outcome::Succeeded(Cost::Amounts(amounts(costs))))
}

pub(crate) fn settle_as_reserved(id: &str) -> Step {
    settle_for(id, Outcome::Succeeded(Cost::AsReserved))
}

pub(crate) fn fail(id: &str) -> Step {
    fail_with(id, "GPU_LOST")
}

pub(crate) fn fail_with(id: &str, code: &str) -> Step {
    settle_for(id, Outcome::Failed(Failure { code: code.to_owned(), message: String::new() }))
}

fn settle_for(id: &str, outcome: Outcome) -> Step {
    Step::Command(Command::Settle(Settle { id: job(id), attempt: None, outcome, accept_late: false }))
}

/// The user cancels the job.
pub(crate) fn cancel(id: &str) -> Step {
    cancel_for(id, CancelReason::User)
}

/// The platform cancels the job.
pub(crate) fn stop(id: &str) -> Step {
    cancel_for(id, CancelReason::Platform)
}

fn cancel_for(id: &str, reason: CancelReason) -> Step {
    let id = job(id);
    Step::Command(Command::Cancel(Cancel { id, reason, max_fees: Amounts::none(), allow_missing: false }))
}

pub(crate) fn revoke(request: &str, grant: &str) -> Step {
    Step::Command(Command::RevokeGrant(RevokeGrant {
        request: RequestId::parse(request).unwrap(),
        grant: GrantKey::parse(grant).unwrap(),
        reason: String::new(),
    }))
}

pub(crate) fn update(request: &str) -> Step {
    Step::Command(Command::UpdateWallet(UpdateWallet {
        request: RequestId::parse(request).unwrap(),
        status: None,
        display_name: None,
        debt_limits: Amounts::none(),
        low_balance: BTreeMap::new(),
        reason: String::new(),
    }))
}

pub(crate) fn suspend(request: &str) -> Step {
    update(request).status(WalletStatus::Suspended)
}

pub(crate) fn reactivate(request: &str) -> Step {
    update(request).status(WalletStatus::Active)
}

/// Sets the debt limit to `n` credits.
pub(crate) fn may_owe(n: i64) -> Step {
    update("limit").owing(n)
}

/// Processes due events and nothing else.
pub(crate) const fn process_due() -> Step {
    Step::Command(Command::ProcessDue(ProcessDue))
}
