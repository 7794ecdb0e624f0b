//! The comparison of a reservation's row with its life according to the entries.

use std::time::Duration;

use wallet_core::catalog::MAX_HOLD;
use wallet_core::fingerprint::Fingerprint;
use wallet_core::reservation::{Bill, State};
use wallet_core::row_digests::Digest;
use wallet_core::{Timestamp, WorkerId};

use crate::store::tables::reservations;
use crate::verify::entry::optional;
use crate::verify::faults::Faults;
use crate::verify::life::{EntryRef, Life};
use crate::verify::receipt::Receipt;
use crate::verify::strict;

/// The writes of a wallet, which bound the deadlines that heartbeats moved without an entry.
#[derive(Debug)]
pub(super) struct Writes {
    /// The effective time of the last entry. Everything due until then has been processed.
    pub(super) effective_time: Timestamp,
    /// The number of writes without an entry.
    pub(super) silent: i64,
}

/// Checks I7: state, revisions and times match the entries. Returns the receipt if the row is readable.
pub(super) fn check<'a>(
    row: &'a reservations::Model,
    life: &'a Life,
    faults: &mut Faults,
) -> Option<Receipt<'a>> {
    let at = life.revision();
    let id = &row.reservation_id;
    let expected = expected_state(life);
    faults.unless(row.state == expected as i16, at, || {
        let state = State::ALL.into_iter().find(|state| *state as i16 == row.state);
        let state = state.map_or_else(|| row.state.to_string(), |state| state.as_str().to_owned());
        format!("I7: reservation {id} is {state}, but {} according to its entries", expected.as_str())
    });
    check_pointers(row, life, faults);
    check_times(row, life, faults);
    check_run(row, life, faults);
    match read(row, life) {
        Ok(receipt) => {
            check_words(row, &receipt, faults);
            Some(receipt)
        }
        Err(error) => {
            faults.add(at, &format!("reservation {id} is unreadable: {error}"));
            None
        }
    }
}

/// Returns whether the row is that of an open reservation.
pub(super) fn is_open(row: &reservations::Model) -> bool {
    State::ALL.into_iter().any(|state| state as i16 == row.state && state.is_open())
}

fn expected_state(life: &Life) -> State {
    match life.state() {
        Some(state) => state,
        None if life.started.is_some() => State::Processing,
        None => State::Held,
    }
}

/// Checks that the row names the entries that reserved and ended the reservation.
fn check_pointers(row: &reservations::Model, life: &Life, faults: &mut Faults) {
    let (at, id) = (life.revision(), &row.reservation_id);
    let none = EntryRef { revision: 0, time: Timestamp::EPOCH };
    let finished = life.finished().unwrap_or(none);
    // A tombstone was never reserved: its end made it.
    let made = life.reserved.unwrap_or(finished);
    for (what, stored, recorded) in [
        ("revision", row.revision, made.revision),
        ("finish_revision", row.finish_revision, finished.revision),
        ("reserve_time", row.reserve_time, made.time.as_micros()),
        ("finish_time", row.finish_time, finished.time.as_micros()),
    ] {
        faults.unless(stored == recorded, at, || {
            format!("I7: reservation {id} has {what} {stored}, but {recorded} according to its entries")
        });
    }
}

/// Checks I16: the terms match the entry of Reserve, and the end matches the entry that ended the reservation. Checks
/// I5: the agreed amounts are those of Reserve, if it had a price of its own.
fn check_words(row: &reservations::Model, receipt: &Receipt<'_>, faults: &mut Faults) {
    let (life, id) = (receipt.life, receipt.id);
    let terms = Digest::of_terms(&row.terms, &row.fingerprint);
    faults.unless(life.terms == Some(terms), life.revision(), || {
        format!(
            "I16: reservation {id} does not match its entries: terms {}, fingerprint {}",
            hex::encode(&row.terms),
            hex::encode(&row.fingerprint)
        )
    });
    // `read` has reported a fingerprint that is unreadable.
    let command: Fingerprint = strict::sparse("fingerprint", &row.fingerprint).unwrap_or_default();
    faults.unless(command.agrees("amounts", &receipt.terms.amounts), life.revision(), || {
        format!("I5: reservation {id} was agreed for other amounts than its Reserve asked for")
    });
    let deadline = Timestamp::from_micros(row.deadline);
    let ended = receipt.bill.is_some() || !row.finalizer.is_empty();
    let bill = ended.then(|| Digest::of_bill(&row.bill, &row.finalizer, deadline));
    faults.unless(life.bill == bill, life.revision(), || {
        format!(
            "I16: reservation {id} has an end that does not match its entries: bill {}, finalizer {}, deadline {deadline}",
            hex::encode(&row.bill),
            hex::encode(&row.finalizer)
        )
    });
}

/// Checks I16: attempt, worker and lease match the entry of the last start.
fn check_run(row: &reservations::Model, life: &Life, faults: &mut Faults) {
    let (id, attempt, worker, lease) = (&row.reservation_id, row.attempt, &row.worker, row.lease);
    let run = match (attempt, worker.as_str(), lease) {
        (0, "", 0) => None,
        _ => Some(Digest::of_run(attempt, worker, lease)),
    };
    faults.unless(run == life.run, life.revision(), || {
        format!(
            "I16: reservation {id} has a run that does not match its entries: attempt {attempt}, worker {worker:?}, lease {lease}"
        )
    });
    let start = life.started.map_or(0, |entry_ref| entry_ref.time.as_micros());
    faults.unless(row.start_time == start, life.revision(), || {
        let [stored, recorded] = [row.start_time, start].map(Timestamp::from_micros);
        format!("I7: reservation {id} has start_time {stored}, but {recorded} according to its entries")
    });
}

/// Checks I9: the deadline of an open hold is that of its last start or of Reserve, or was moved by heartbeats, which
/// are writes without an entry, to at most the longest life of the hold after Reserve. Returns the extension by
/// heartbeats in microseconds.
pub(super) fn check_deadline(
    row: &reservations::Model,
    receipt: &Receipt<'_>,
    writes: &Writes,
    faults: &mut Faults,
) -> i128 {
    let (life, id) = (receipt.life, receipt.id);
    let Some(reserved) = life.reserved else { return 0 };
    let last = reserved.time.plus(receipt.terms.policies.max_hold);
    let lease = u64::try_from(row.lease).ok().filter(|lease| *lease > 0).map(Duration::from_micros);
    let ttl = receipt.terms.policies.ttl;
    let start = life.restarted.unwrap_or(reserved);
    let earliest = start.time.plus(lease.unwrap_or(ttl)).min(last);
    let alone = writes.silent == life.silent;
    let latest = if alone { earliest } else { last };
    let deadline = Timestamp::from_micros(row.deadline);
    let after = writes.effective_time;
    faults.unless((earliest..=latest).contains(&deadline) && deadline >= after, life.revision(), || {
        format!("I9: reservation {id} has deadline {deadline}, but {earliest} to {latest} according to its entries, and not before {after}")
    });
    i128::from(deadline.as_micros().clamp(earliest.as_micros(), last.max(earliest).as_micros()))
        - i128::from(earliest.as_micros())
}

/// Checks that a hold ended at its deadline or before, and that the sweeper finds it in time.
fn check_times(row: &reservations::Model, life: &Life, faults: &mut Faults) {
    let (at, id) = (life.revision(), &row.reservation_id);
    let deadline = Timestamp::from_micros(row.deadline);
    let in_time = match life.ended {
        Some((State::Expired, entry_ref)) => entry_ref.time == deadline,
        Some((_, entry_ref)) => life.reserved.is_none() || entry_ref.time < deadline,
        None => row.sweep_at <= row.deadline,
    };
    let found = Timestamp::from_micros(row.sweep_at);
    let begin = Timestamp::from_micros(row.reserve_time);
    let in_time = in_time && begin <= found && found <= begin.plus(MAX_HOLD);
    faults.unless(in_time, at, || {
        let sweep_at = Timestamp::from_micros(row.sweep_at);
        let ended = life.ended.map_or_else(
            || "open".to_owned(),
            |(state, entry_ref)| format!("{state:?} at {}", entry_ref.time),
        );
        format!("I9: reservation {id} has deadline {deadline}, sweep_at {sweep_at}, is {ended}")
    });
}

/// Decodes the binary columns of a row.
fn read<'a>(row: &'a reservations::Model, life: &'a Life) -> Result<Receipt<'a>, String> {
    let terms = strict::binary("terms", &row.terms)?;
    optional::<WorkerId>(&row.worker)?;
    for (column, bytes) in [("fingerprint", &row.fingerprint), ("finalizer", &row.finalizer)] {
        strict::sparse::<Fingerprint>(column, bytes)?;
    }
    let allocations = strict::sparse("allocations", &row.allocations)?;
    let bill: Option<Bill> = match row.bill.is_empty() {
        true => None,
        false => Some(strict::binary("bill", &row.bill)?),
    };
    if bill.is_some() != life.ended.is_some() {
        return Err(format!(
            "bill {} of a reservation that has ended = {}",
            hex::encode(&row.bill),
            life.ended.is_some()
        ));
    }
    Ok(Receipt { id: &row.reservation_id, life, allocations, terms, bill })
}
