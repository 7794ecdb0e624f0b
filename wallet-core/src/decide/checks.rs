//! Checks that several commands make, each with its rejection.

use crate::catalog::Catalog;
use crate::decide::context::Context;
use crate::value::amount::Amounts;
use crate::value::field_violation::FieldViolation;
use crate::value::grant_key::Origin;
use crate::value::ids::{OriginId, UnitId};
use crate::value::wallet_status::WalletStatus;
use crate::wallet::rejection::Rejection;
use crate::wallet::reservation::{MAX_GRANTS_PER_JOB, Reservation};
use crate::wallet::{MAX_OPEN_GRANTS, Wallet};

/// Refuses a wallet that does not exist or is frozen.
pub(crate) fn check_wallet(wallet: &Wallet) -> Result<(), Rejection> {
    match (wallet.exists(), wallet.frozen) {
        (false, _) => Err(Rejection::WalletNotFound),
        (true, true) => Err(Rejection::WalletFrozen),
        (true, false) => Ok(()),
    }
}

/// Refuses amounts in units that the current catalog does not have.
pub(crate) fn check_units(context: &Context<'_>, amounts: &Amounts, field: &str) -> Result<(), Rejection> {
    let unknown: Vec<FieldViolation> = amounts
        .units()
        .filter(|unit| context.catalogs.current.unit(unit.as_str()).is_none())
        .map(|unit| FieldViolation::new(field, format!("the catalog has no unit {unit}")))
        .collect();
    if unknown.is_empty() { Ok(()) } else { Err(Rejection::InvalidFields(unknown)) }
}

/// Returns the violations of amounts to be charged: units that the catalog does not have, and amounts that are not
/// multiples of the increment.
pub(crate) fn check_multiples(catalog: &Catalog, amounts: &Amounts, field: &str) -> Vec<FieldViolation> {
    let check = |(unit, amount): (&UnitId, i64)| match catalog.unit(unit.as_str()) {
        None => Some(FieldViolation::new(field, format!("the catalog has no unit {unit}"))),
        Some(known) if !known.is_multiple(amount) => Some(FieldViolation::new(
            field,
            format!("{amount} {unit} is not a multiple of the increment {}", known.increment),
        )),
        Some(_) => None,
    };
    amounts.iter().filter_map(check).collect()
}

/// Refuses an id that begins like the public id of a grant, because it could be mistaken for that of another grant.
pub(crate) fn check_chosen_id(field: &str, id: &OriginId) -> Result<(), Rejection> {
    let Some((origin, _)) = Origin::named(id.as_str()) else { return Ok(()) };
    let word = origin.as_str();
    let text = format!(
        "{:?} begins with {word}:, which is the prefix of ids that the wallet makes; choose another id",
        id.as_str()
    );
    Err(Rejection::field(field, text))
}

/// Refuses new credits in a closed wallet.
pub(crate) fn check_not_closed(wallet: &Wallet) -> Result<(), Rejection> {
    if wallet.status == WalletStatus::Closed { Err(Rejection::WalletClosed) } else { Ok(()) }
}

/// Refuses a gift to a closed wallet, and more than [`MAX_OPEN_GRANTS`] open grants. Credits that the customer paid for
/// have no such bound: money has moved already.
pub(crate) fn check_grant_capacity(wallet: &Wallet) -> Result<(), Rejection> {
    check_not_closed(wallet)?;
    let requested = wallet.open_grants() + 1;
    if requested > MAX_OPEN_GRANTS {
        return Err(above("open_grants", MAX_OPEN_GRANTS, requested));
    }
    Ok(())
}

/// Refuses more than [`MAX_GRANTS_PER_JOB`] grants of one job: the wallet could not number the grants for credits that
/// return.
pub(crate) fn check_grants_of_job(requested: usize) -> Result<(), Rejection> {
    match requested <= MAX_GRANTS_PER_JOB {
        true => Ok(()),
        false => Err(above("grants_per_job", MAX_GRANTS_PER_JOB, requested)),
    }
}

fn above(limit: &str, maximum: usize, requested: usize) -> Rejection {
    Rejection::LimitExceeded {
        limit: limit.to_owned(),
        maximum: maximum.to_string(),
        requested: requested.to_string(),
        plans: Vec::new(),
    }
}

/// Returns the rejection of an attempt that is not the running one.
pub(crate) fn stale(reservation: &Reservation) -> Rejection {
    let worker = reservation.worker.as_ref().map(ToString::to_string).unwrap_or_default();
    Rejection::StaleAttempt { attempt: reservation.attempt, worker }
}

/// Refuses an attempt that is lower than the running one. A higher attempt is accepted: its Start was lost.
pub(crate) fn check_attempt(reservation: &Reservation, attempt: Option<i32>) -> Result<(), Rejection> {
    match attempt {
        Some(attempt) if attempt < reservation.attempt => Err(stale(reservation)),
        _ => Ok(()),
    }
}
