//! Settle: ends a job. Charges its actual cost, or returns the whole hold if it failed.
//!
//! The worker that finishes decides: Settle also works without a Start, whose message may have been lost.

use std::collections::BTreeMap;

use crate::catalog::Overage;
use crate::decide::admission_class::AdmissionClass;
use crate::decide::checks::{check_attempt, check_multiples};
use crate::decide::context::Context;
use crate::decide::finalize::{
    Finalization, close_late, failure_fees, finish, may_end_late, uncovered_of_hold,
};
use crate::decide::read_set::ReadSet;
use crate::decide::remedies::{check_funds, insufficient};
use crate::decide::replay::finished_before;
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::value::amount::Amounts;
use crate::value::decimal::Decimal;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::ReservationId;
use crate::view::views::EndedReservationView;
use crate::wallet::rejection::{Rejection, Shortfall};
use crate::wallet::reservation::{Bill, Failure, Reservation, State, Terms, Usage};
use crate::wallet::{Balance, Wallet};

/// The command that ends a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Settle {
    pub id: ReservationId,
    /// The caller's attempt. If given, it must not be lower than the running one.
    pub attempt: Option<i32>,
    pub outcome: Outcome,
    /// If true, the job is charged even if its hold has expired.
    pub accept_late: bool,
}

/// The outcome of a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The job delivered output, all or a part of it.
    Succeeded(Cost),
    /// The job delivered nothing.
    Failed(Failure),
}

/// The cost of a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Cost {
    /// The reserved amounts.
    AsReserved,
    /// These quantities, at the price fixed at Reserve. Quantities not named are those of the operation.
    Usage(BTreeMap<String, Decimal>),
    /// Amounts stated by the caller, in minor units. Units not named cost nothing.
    Amounts(Amounts),
}

impl Settle {
    /// Returns the fingerprint without `accept_late`, so that a repeated Settle is a replay at any time.
    fn fingerprint(&self) -> Fingerprint {
        let fingerprint = Fingerprint::default();
        match &self.outcome {
            Outcome::Succeeded(cost) => {
                let fingerprint = fingerprint.with("outcome", Some(&"succeeded"));
                match cost {
                    Cost::AsReserved => fingerprint,
                    Cost::Usage(quantities) => fingerprint.with("usage", Some(quantities)),
                    Cost::Amounts(amounts) => fingerprint.with("amounts", Some(amounts)),
                }
            }
            Outcome::Failed(failure) => {
                fingerprint.with("outcome", Some(&"failed")).with("code", Some(&failure.code))
            }
        }
    }
}

impl WalletCommand for Settle {
    type View = EndedReservationView;

    fn read_set(&self) -> ReadSet {
        ReadSet::of_reservation(&self.id)
    }

    fn admission_class(&self) -> AdmissionClass {
        AdmissionClass::JobEnd
    }

    /// Returns the catalog version that priced the job, if it is settled by its usage.
    fn priced_by(&self, wallet: &Wallet) -> Option<i64> {
        let Outcome::Succeeded(Cost::Usage(_)) = &self.outcome else { return None };
        let pin = wallet.reservations.get(&self.id)?.terms.pin.as_ref()?;
        Some(pin.catalog_version)
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<ReservationId>, Rejection> {
        let reservation = wallet.reservations.get(&self.id).ok_or(Rejection::ReservationNotFound)?;
        let fingerprint = self.fingerprint();
        match reservation.state {
            State::Held | State::Processing => {
                check_attempt(reservation, self.attempt)?;
                match &self.outcome {
                    Outcome::Succeeded(cost) => succeed(wallet, context, reservation, cost, fingerprint),
                    Outcome::Failed(failure) => Ok(fail(wallet, context, reservation, failure, fingerprint)),
                }
            }
            State::Settled | State::Failed => finished_before(reservation, &fingerprint),
            State::Expired => after_expiry(wallet, context, reservation, self, fingerprint),
            State::Cancelled => Err(Rejection::ReservationFinished(State::Cancelled)),
        }
    }
}

/// Ends an expired hold. A late settle charges it, and a failure rules out a late settle. After [`LATE_SETTLE`]
/// neither changes it.
fn after_expiry(
    wallet: &Wallet,
    context: &Context<'_>,
    reservation: &Reservation,
    settle: &Settle,
    fingerprint: Fingerprint,
) -> Result<Verdict<ReservationId>, Rejection> {
    let in_time = may_end_late(reservation, context);
    match &settle.outcome {
        Outcome::Succeeded(cost) if settle.accept_late && in_time => {
            check_attempt(reservation, settle.attempt)?;
            succeed_late(wallet, context, reservation, cost, fingerprint)
        }
        Outcome::Succeeded(_) => Err(Rejection::ReservationFinished(State::Expired)),
        Outcome::Failed(failure) if in_time => {
            check_attempt(reservation, settle.attempt)?;
            let failed = Bill { failure: Some(failure.clone()), ..Bill::default() };
            Ok(close_late(wallet, context, reservation, State::Failed, fingerprint, failed))
        }
        Outcome::Failed(_) => Ok(Verdict::unchanged(reservation.id.clone())),
    }
}

fn succeed(
    wallet: &Wallet,
    context: &Context<'_>,
    reservation: &Reservation,
    cost: &Cost,
    fingerprint: Fingerprint,
) -> Result<Verdict<ReservationId>, Rejection> {
    let catalog = &context.catalogs.current;
    let terms = &reservation.terms;
    let (actual, usage) = actual_cost(context, terms, cost)?;
    let mut charges = Vec::new();
    let mut shortfalls = Vec::new();
    for (unit, reserved) in terms.amounts.iter() {
        let balance = wallet.balance(unit.as_str());
        let increment = catalog.increment(unit);
        let actual = actual.get(unit.as_str());
        let figures = Figures {
            actual,
            reserved,
            uncovered: uncovered_of_hold(wallet, reservation, unit, actual.min(reserved)),
            most: terms.most(unit.as_str()),
            balance,
            increment,
        };
        match charge(terms.policies.overage, &figures) {
            Some(charge) => charges.push((unit.clone(), charge)),
            None => shortfalls.push(Shortfall {
                unit: unit.clone(),
                required: figures.actual.min(figures.most) - reserved + figures.uncovered,
                available: balance.available,
            }),
        }
    }
    if !shortfalls.is_empty() {
        return Err(insufficient(wallet, catalog, context.now, None, shortfalls));
    }
    let mut finalization = Finalization::of(wallet, reservation, EntryKind::Settled, context.now);
    let mut uncollected = Amounts::none();
    for (unit, charge) in &charges {
        finalization.charge_held(unit, charge.from_hold);
        finalization.charge_available(catalog, unit, charge.from_available);
        finalization.charge_debt(unit, charge.as_debt);
        if charge.uncollected > 0 {
            uncollected.set(unit, charge.uncollected);
        }
    }
    finalization.return_rest();
    let bill = Bill { uncollected, usage, ..finalization.bill() };
    Ok(finish(finalization, State::Settled, fingerprint, bill))
}

/// Returns the actual cost of the job, in units of the reservation, and the usage that it was computed from.
fn actual_cost(
    context: &Context<'_>,
    terms: &Terms,
    cost: &Cost,
) -> Result<(Amounts, Option<Usage>), Rejection> {
    match cost {
        Cost::AsReserved => Ok((terms.amounts.clone(), None)),
        Cost::Usage(quantities) => {
            let (Some(pin), Some(operation)) = (&terms.pin, &terms.operation) else {
                let text = "the reservation has explicit amounts and no price rule for quantities; settle with \
                            amounts instead";
                return Err(Rejection::field("succeeded.usage", text));
            };
            let is_reserved =
                |(name, value): &(&String, &Decimal)| operation.quantities.get(*name) == Some(*value);
            let differing: BTreeMap<String, Decimal> = quantities
                .iter()
                .filter(|quantity| !is_reserved(quantity))
                .map(|(name, value)| (name.clone(), *value))
                .collect();
            let mut operation = operation.clone();
            operation.quantities.extend(differing.clone());
            let catalog = context.catalogs.version(pin.catalog_version)?;
            let price = catalog.price_with_rule(&pin.rule_id, &operation).map_err(Rejection::Unpriced)?;
            let usage = Usage { quantities: differing, lines: price.lines };
            Ok((price.amounts, (!usage.quantities.is_empty()).then_some(usage)))
        }
        Cost::Amounts(amounts) => {
            if let Some(unit) = amounts.units().find(|unit| !terms.amounts.names(unit.as_str())) {
                return Err(Rejection::UnitMismatch { unit: unit.clone() });
            }
            let violations = check_multiples(&context.catalogs.current, amounts, "succeeded.amounts.amounts");
            if violations.is_empty() {
                Ok((amounts.clone(), None))
            } else {
                Err(Rejection::InvalidFields(violations))
            }
        }
    }
}

/// The inputs of a charge in one unit, in minor units.
struct Figures {
    actual: i64,
    reserved: i64,
    /// The part of the charge for which the hold has only uncovered credits.
    uncovered: i64,
    most: i64,
    balance: Balance,
    increment: i64,
}

/// The charge in one unit by source, in minor units.
#[derive(Debug, Default, PartialEq, Eq)]
struct Charge {
    from_hold: i64,
    from_available: i64,
    as_debt: i64,
    uncollected: i64,
}

/// Computes the charge of a cost, by the settlement table of docs/design.md. Returns `None` if the full overage is
/// required and not available.
///
/// Instead of uncovered credits of the hold, available credits are charged, and the rest becomes debt, even above the limit.
/// Overage is charged to the available credits that are left after that.
fn charge(overage: Overage, figures: &Figures) -> Option<Charge> {
    let Figures { actual, reserved, uncovered, most, balance, increment } = *figures;
    let (uncovered_from_available, uncovered_as_debt) = balance.split(uncovered);
    let from_hold = actual.min(reserved) - uncovered;
    if actual <= reserved {
        let (from_available, as_debt) = (uncovered_from_available, uncovered_as_debt);
        return Some(Charge { from_hold, from_available, as_debt, uncollected: 0 });
    }
    let available = balance.available - uncovered_from_available;
    let whole = |amount: i64| amount - amount % increment;
    let wanted = actual.min(most) - reserved;
    let (from_available, as_debt) = match overage {
        Overage::ChargeIfAvailable => (whole(wanted.min(available)), 0),
        Overage::CapAtReserved => (0, 0),
        Overage::RequireFull if wanted > available => return None,
        Overage::RequireFull => (wanted, 0),
        Overage::AllowNegative => {
            let may_owe = (balance.debt_limit - balance.debt - uncovered_as_debt).max(0);
            let beyond = whole(wanted.min(available + may_owe));
            let from_available = beyond.min(available);
            (from_available, beyond - from_available)
        }
    };
    let uncollected = actual - reserved - from_available - as_debt;
    let (from_available, as_debt) = (from_available + uncovered_from_available, as_debt + uncovered_as_debt);
    Some(Charge { from_hold, from_available, as_debt, uncollected })
}

fn fail(
    wallet: &Wallet,
    context: &Context<'_>,
    reservation: &Reservation,
    failure: &Failure,
    fingerprint: Fingerprint,
) -> Verdict<ReservationId> {
    let catalog = &context.catalogs.current;
    let mut finalization = Finalization::of(wallet, reservation, EntryKind::Failed, context.now);
    finalization.decision = finalization.decision.because(&failure.code);
    let fees = failure_fees(reservation, catalog, &failure.code).above_zero();
    for (unit, fee) in fees.iter() {
        finalization.charge_fee(catalog, unit, fee);
    }
    finalization.return_rest();
    let bill = Bill { fees, failure: Some(failure.clone()), ..finalization.bill() };
    finish(finalization, State::Failed, fingerprint, bill)
}

/// Settles an expired hold: charges at most the reserved amounts, from available credits, in full or not at all.
fn succeed_late(
    wallet: &Wallet,
    context: &Context<'_>,
    reservation: &Reservation,
    cost: &Cost,
    fingerprint: Fingerprint,
) -> Result<Verdict<ReservationId>, Rejection> {
    let catalog = &context.catalogs.current;
    let terms = &reservation.terms;
    let (actual, usage) = actual_cost(context, terms, cost)?;
    let charges: Amounts = terms
        .amounts
        .iter()
        .map(|(unit, reserved)| (unit.clone(), actual.get(unit.as_str()).min(reserved)))
        .collect();
    check_funds(wallet, catalog, context.now, None, &charges)?;
    let mut finalization = Finalization::of(wallet, reservation, EntryKind::SettledLate, context.now);
    let mut uncollected = Amounts::none();
    for (unit, amount) in charges.iter() {
        finalization.charge_available(catalog, unit, amount);
        let beyond = actual.get(unit.as_str()) - amount;
        if beyond > 0 {
            uncollected.set(unit, beyond);
        }
    }
    let bill = Bill { uncollected, late: true, usage, ..finalization.bill() };
    Ok(finish(finalization, State::Settled, fingerprint, bill))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(actual: i64, available: i64) -> Figures {
        let balance = Balance { available, held: 100, debt: 5, debt_limit: 30 };
        Figures { actual, reserved: 100, uncovered: 0, most: 120, balance, increment: 1 }
    }

    #[test]
    fn the_settlement_table_holds_row_by_row() {
        use Overage::{AllowNegative, CapAtReserved, ChargeIfAvailable, RequireFull};
        let row = |from_hold, from_available, as_debt, uncollected| {
            Some(Charge { from_hold, from_available, as_debt, uncollected })
        };
        for (overage, actual, available, expected) in [
            (ChargeIfAvailable, 70, 0, row(70, 0, 0, 0)),
            (ChargeIfAvailable, 100, 0, row(100, 0, 0, 0)),
            (ChargeIfAvailable, 110, 50, row(100, 10, 0, 0)),
            (ChargeIfAvailable, 130, 50, row(100, 20, 0, 10)),
            (ChargeIfAvailable, 130, 7, row(100, 7, 0, 23)),
            (CapAtReserved, 130, 50, row(100, 0, 0, 30)),
            (RequireFull, 115, 50, row(100, 15, 0, 0)),
            (RequireFull, 130, 50, row(100, 20, 0, 10)),
            (RequireFull, 130, 20, row(100, 20, 0, 10)),
            (RequireFull, 130, 19, None),
            (AllowNegative, 115, 50, row(100, 15, 0, 0)),
            (AllowNegative, 115, 4, row(100, 4, 11, 0)),
            (AllowNegative, 200, 4, row(100, 4, 16, 80)),
        ] {
            assert_eq!(
                charge(overage, &figures(actual, available)),
                expected,
                "{overage:?} {actual} {available}"
            );
        }
        let nearly_empty = Figures { most: 200, ..figures(200, 4) };
        assert_eq!(charge(AllowNegative, &nearly_empty), row(100, 4, 25, 71), "debt never exceeds the limit");
        let coarse = Figures { increment: 5, ..figures(115, 7) };
        assert_eq!(charge(ChargeIfAvailable, &coarse), row(100, 5, 0, 10), "whole increments only");
        for (overage, actual, available, uncovered, expected) in [
            (ChargeIfAvailable, 70, 10, 0, row(70, 0, 0, 0)),
            (ChargeIfAvailable, 70, 10, 40, row(30, 10, 30, 0)),
            (ChargeIfAvailable, 110, 43, 40, row(60, 43, 0, 7)),
            (ChargeIfAvailable, 110, 0, 40, row(60, 0, 40, 10)),
            (RequireFull, 110, 50, 40, row(60, 50, 0, 0)),
            (RequireFull, 110, 49, 40, None),
            (AllowNegative, 110, 20, 40, row(60, 20, 25, 5)),
            (AllowNegative, 110, 0, 40, row(60, 0, 40, 10)),
        ] {
            let figures = Figures { uncovered, ..figures(actual, available) };
            assert_eq!(charge(overage, &figures), expected, "{overage:?} {actual} {available} {uncovered}");
        }
    }
}
