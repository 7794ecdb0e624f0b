//! Reserve: sets credits aside for a job. The `reservation_id` is the idempotency key.
//!
//! The checks are in the order of [`Rejection`]: replay, price, price limit, wallet, debt, entitlement, limits,
//! concurrency, credits, grants.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::{Catalog, Policies};
use crate::decide::admission_class::AdmissionClass;
use crate::decide::checks::{check_grants_of_job, check_multiples, check_units};
use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::entitlement::{check_concurrency, check_entitlement};
use crate::decide::job_start::{self, StartOptions};
use crate::decide::read_set::ReadSet;
use crate::decide::remedies::check_funds;
use crate::decide::spend;
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::ledger::posting::{Account, Part};
use crate::value::amount::Amounts;
use crate::value::field_violation::FieldViolation;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::{Actor, ReservationId};
use crate::value::operation::Operation;
use crate::value::time::Timestamp;
use crate::view::views::NewReservationView;
use crate::wallet::catalogs::Catalogs;
use crate::wallet::rejection::Rejection;
use crate::wallet::reservation::{Allocation, MAX_GRANTS_PER_JOB, Pin, Reservation, State, Terms};
use crate::wallet::{UNNUMBERED, Wallet, WalletStatus};

/// The command that sets credits aside for a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Reserve {
    pub id: ReservationId,
    /// The source of the price.
    pub price: PriceSource,
    /// The caller's limits for the price, in minor units. Units not named have no limit.
    pub limits: Amounts,
    /// The time to live of the hold. That of the price rule by default.
    pub ttl: Option<Duration>,
    /// Starts the job at once, if given, also one that was reserved before.
    pub start: Option<StartOptions>,
    /// The member who requests the job.
    pub actor: Option<Actor>,
    /// Free labels of the caller.
    pub labels: BTreeMap<String, String>,
}

/// The source of a price.
#[derive(Debug, Clone, PartialEq)]
pub enum PriceSource {
    /// A quote signed by this server.
    Quote(Quote),
    /// An operation, priced by the current catalog.
    Operation(Operation),
    /// Amounts stated by the caller.
    Explicit(ExplicitPrice),
}

/// A verified quote: an operation at the prices of a catalog version for a tier, until an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    pub operation: Operation,
    /// The version of the catalog that prices the operation.
    pub catalog_version: i64,
    /// The tier that the operation is priced for.
    pub tier: Option<String>,
    /// The instant from which the quote is no longer valid.
    pub expire_time: Timestamp,
}

/// A price computed by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplicitPrice {
    /// The amounts to set aside, in minor units.
    pub amounts: Amounts,
    /// The most that Settle may charge, in minor units. The amounts themselves for units not named.
    pub max_amounts: Amounts,
    /// The operation, recorded with the reservation and checked against the plan's entitlements.
    pub operation: Option<Operation>,
}

impl Reserve {
    fn fingerprint(&self) -> Fingerprint {
        let fingerprint = Fingerprint::default().with("actor", self.actor.as_ref());
        match &self.price {
            PriceSource::Quote(Quote { operation, .. }) | PriceSource::Operation(operation) => {
                fingerprint.with("operation", Some(operation))
            }
            PriceSource::Explicit(price) => fingerprint
                .with("amounts", Some(&price.amounts))
                .with("max_amounts", (!price.max_amounts.is_empty()).then_some(&price.max_amounts))
                .with("operation", price.operation.as_ref()),
        }
    }
}

impl WalletCommand for Reserve {
    type View = NewReservationView;

    fn read_set(&self) -> ReadSet {
        ReadSet::of_reservation(&self.id)
    }

    fn admission_class(&self) -> AdmissionClass {
        AdmissionClass::NewJob
    }

    /// Returns the catalog version of a new quote.
    fn priced_by(&self, wallet: &Wallet) -> Option<i64> {
        match &self.price {
            PriceSource::Quote(quote) if !wallet.reservations.contains_key(&self.id) => {
                Some(quote.catalog_version)
            }
            PriceSource::Quote(_) | PriceSource::Operation(_) | PriceSource::Explicit(_) => None,
        }
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<ReservationId>, Rejection> {
        let fingerprint = self.fingerprint();
        if let Some(made) = wallet.reservations.get(&self.id) {
            return self.again(made, &fingerprint, context.now);
        }
        let Agreed { terms, counted } = price_terms(wallet, context, &self.price)?;
        check_limits(context, &terms.amounts, &self.limits)?;
        let now = context.now;
        check_admission(wallet, context.catalogs, now, counted.as_ref(), &terms.amounts)?;

        let ttl = self.ttl.unwrap_or(terms.policies.ttl).min(terms.policies.max_hold);
        let policies = Policies { ttl, ..terms.policies };
        let terms = Terms { actor: self.actor.clone(), labels: self.labels.clone(), policies, ..terms };
        let mut reservation = Reservation {
            id: self.id.clone(),
            state: State::Held,
            terms: Arc::new(terms),
            fingerprint,
            reserve_time: now,
            reserve_revision: UNNUMBERED,
            start_time: None,
            deadline: now.plus(ttl),
            sweep_at: now.plus(ttl),
            attempt: 0,
            worker: None,
            lease: None,
            allocations: Vec::new(),
            finish: None,
        };
        let mut decision = Decision::about(EntryKind::Reserved, now, &reservation);
        hold(wallet, &context.catalogs.current, &mut reservation, &mut decision);
        if let Some(start) = &self.start {
            job_start::begin(&mut reservation, start, now);
        }
        Ok(Verdict::reservation(decision, reservation))
    }
}

impl Reserve {
    /// Answers a command for a reservation that exists with its current state, even an ended one. A command that starts
    /// the job is decided as Start, so no worker gets permission to run a job that has ended or that another one runs.
    fn again(
        &self,
        made: &Reservation,
        fingerprint: &Fingerprint,
        now: Timestamp,
    ) -> Result<Verdict<ReservationId>, Rejection> {
        let fields = made.fingerprint.differences(fingerprint);
        if !made.state.is_open() && (self.start.is_some() || !fields.is_empty()) {
            return Err(Rejection::ReservationFinished(made.state));
        }
        if !fields.is_empty() {
            return Err(Rejection::IdempotencyMismatch { fields, state: Some(made.state) });
        }
        match &self.start {
            Some(options) => job_start::start(made, options, now),
            None => Ok(Verdict::replay(self.id.clone())),
        }
    }
}

/// The terms of a job, and the operation to check against the plan.
struct Agreed {
    /// The terms, without actor and labels.
    terms: Terms,
    /// The operation with the quantities by which it is priced.
    counted: Option<Operation>,
}

/// Returns the terms of a job with this price.
fn price_terms(wallet: &Wallet, context: &Context<'_>, source: &PriceSource) -> Result<Agreed, Rejection> {
    let current = &context.catalogs.current;
    match source {
        PriceSource::Quote(quote) if quote.expire_time <= context.now => {
            Err(Rejection::QuoteExpired(quote.expire_time))
        }
        PriceSource::Quote(quote) => {
            let catalog = context.catalogs.version(quote.catalog_version)?;
            priced(catalog, &quote.operation, quote.tier.clone())
        }
        PriceSource::Operation(operation) => priced(current, operation, wallet.tier(context.catalogs)?),
        PriceSource::Explicit(price) => explicit(current, price),
    }
}

fn priced(catalog: &Catalog, operation: &Operation, tier: Option<String>) -> Result<Agreed, Rejection> {
    let price = catalog.price(operation, tier.as_deref()).map_err(Rejection::Unpriced)?;
    let counted = Some(catalog.counted(&price.rule_id, operation));
    let terms = Terms {
        operation: Some(operation.clone()),
        amounts: price.amounts,
        max_amounts: price.max_amounts,
        max_unbounded: price.max_unbounded,
        lines: price.lines,
        pin: Some(Pin { catalog_version: catalog.version, rule_id: price.rule_id, tier }),
        policies: price.policies,
        ..Terms::default()
    };
    Ok(Agreed { terms, counted })
}

fn explicit(catalog: &Catalog, price: &ExplicitPrice) -> Result<Agreed, Rejection> {
    let mut violations = check_multiples(catalog, &price.amounts, "explicit.amounts");
    violations.extend(check_multiples(catalog, &price.max_amounts, "explicit.max_amounts"));
    let mut max_amounts = price.amounts.clone();
    for (unit, max) in price.max_amounts.iter() {
        if max < price.amounts.get(unit.as_str()) || !price.amounts.names(unit.as_str()) {
            let text = format!(
                "{max} {unit} is below the amount of the unit in explicit.amounts, or the unit is missing there"
            );
            violations.push(FieldViolation::new("explicit.max_amounts", text));
        }
        max_amounts.set(unit, max);
    }
    if !violations.is_empty() {
        return Err(Rejection::InvalidFields(violations));
    }
    let counted = price.operation.as_ref().map(|operation| catalog.counted_unpriced(operation)).transpose();
    let counted = counted.map_err(Rejection::Unpriced)?;
    let terms = Terms {
        operation: price.operation.clone(),
        amounts: price.amounts.clone(),
        max_amounts,
        policies: catalog.policies().clone(),
        ..Terms::default()
    };
    Ok(Agreed { terms, counted })
}

/// Checks the caller's price limits. A limit in an unknown unit is refused, because it is most likely misspelt and
/// would limit nothing.
fn check_limits(context: &Context<'_>, amounts: &Amounts, limits: &Amounts) -> Result<(), Rejection> {
    check_units(context, limits, "limits")?;
    for (unit, limit) in limits.iter() {
        let price = amounts.get(unit.as_str());
        if price > limit {
            return Err(Rejection::PriceAboveLimit { unit: unit.clone(), price, limit });
        }
    }
    Ok(())
}

/// Runs the checks of a job with a price, in order: wallet, debt, entitlement, limits, concurrency, credits, grants.
/// `operation` has the quantities by which it is priced ([`Catalog::counted`]).
pub fn check_admission(
    wallet: &Wallet,
    catalogs: &Catalogs,
    now: Timestamp,
    operation: Option<&Operation>,
    amounts: &Amounts,
) -> Result<(), Rejection> {
    check_status(wallet)?;
    if let Some(operation) = operation {
        check_entitlement(wallet, catalogs, operation)?;
    }
    check_concurrency(wallet, catalogs)?;
    check_funds(wallet, &catalogs.current, now, operation, amounts)?;
    check_grants(wallet, &catalogs.current, amounts)
}

/// Refuses a hold with credits of more grants than its returned credits could make. Few wallets have so many grants; in
/// all others the takes are not counted.
fn check_grants(wallet: &Wallet, catalog: &Catalog, amounts: &Amounts) -> Result<(), Rejection> {
    if wallet.grants.len() <= MAX_GRANTS_PER_JOB {
        return Ok(());
    }
    let takes = |(unit, amount)| spend::take(wallet, catalog, unit, amount).len();
    check_grants_of_job(amounts.iter().map(takes).sum())
}

/// Checks that the wallet may spend at all, independent of the price.
fn check_status(wallet: &Wallet) -> Result<(), Rejection> {
    match wallet.status {
        _ if wallet.frozen => return Err(Rejection::WalletFrozen),
        WalletStatus::Active => {}
        WalletStatus::Suspended => return Err(Rejection::WalletSuspended),
        WalletStatus::Closed => return Err(Rejection::WalletClosed),
    }
    match wallet.balances.iter().find(|(_, balance)| balance.debt > 0) {
        Some((unit, balance)) => Err(Rejection::InDebt { unit: unit.clone(), debt: balance.debt }),
        None => Ok(()),
    }
}

fn hold(wallet: &Wallet, catalog: &Catalog, reservation: &mut Reservation, decision: &mut Decision) {
    for (unit, amount) in reservation.terms.amounts.iter() {
        for take in spend::take(wallet, catalog, unit, amount) {
            decision.move_in_grant(&take.grant, unit, Part::Available, Part::Held, take.amount);
            let account = Account::Grant(take.grant);
            let allocation = Allocation::of(account, Some(take.source), unit, take.amount);
            reservation.allocations.push(allocation);
        }
    }
}
