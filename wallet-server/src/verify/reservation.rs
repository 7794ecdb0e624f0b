//! A reservation's row compared with its life as the entries tell it.

use wallet_core::fact::Digest;
use wallet_core::reservation::{Bill, State, Terms};
use wallet_core::{Timestamp, WorkerId};

use crate::store::entity::reservations;
use crate::verify::entry::optional;
use crate::verify::faults::Faults;
use crate::verify::life::{Life, Told};
use crate::verify::receipt::Receipt;

/// I7: its state, revisions and times are those of its entries. Returns the receipt, if the row reads back.
pub(super) fn check<'a>(
    row: &'a reservations::Model,
    life: &'a Life,
    faults: &mut Faults,
) -> Option<Receipt<'a>> {
    let at = life.revision();
    let id = &row.reservation_id;
    let expected = expected_state(row, life);
    faults.unless(row.state == expected as i16, at, || {
        let state = State::ALL.into_iter().find(|state| *state as i16 == row.state);
        let state = state.map_or_else(|| row.state.to_string(), |state| state.as_str().to_owned());
        format!("I7: reservation {id} is {state}, {} by its entries", expected.as_str())
    });
    faults.unless(row.open == expected.is_open(), at, || {
        format!("I7: reservation {id} has open = {}, is {} by its entries", row.open, expected.as_str())
    });
    check_pointers(row, life, faults);
    check_times(row, life, faults);
    match read(row, life) {
        Ok(receipt) => {
            check_words(row, &receipt, faults);
            Some(receipt)
        }
        Err(error) => {
            faults.add(at, &format!("reservation {id} does not read back: {error}"));
            None
        }
    }
}

/// A job that started together with Reserve has no entry of its own for that.
fn expected_state(row: &reservations::Model, life: &Life) -> State {
    match life.ended {
        Some(_) if life.late.is_some() => State::Settled,
        Some((state, _)) => state,
        None if life.started.is_some() || row.start_time != 0 => State::Processing,
        None => State::Held,
    }
}

/// The row points to the entries that reserved and finished it.
fn check_pointers(row: &reservations::Model, life: &Life, faults: &mut Faults) {
    let (at, id) = (life.revision(), &row.reservation_id);
    let none = Told { revision: 0, time: Timestamp::EPOCH };
    let reserved = life.reserved.unwrap_or(none);
    let finished = life.finished().unwrap_or(none);
    // A tombstone was never reserved; its row begins when it ends.
    let reserve_time = life.reserved.unwrap_or(finished).time;
    for (what, stored, told) in [
        ("reserve_revision", row.reserve_revision, reserved.revision),
        ("finish_revision", row.finish_revision, finished.revision),
        ("reserve_time", row.reserve_time, reserve_time.as_micros()),
        ("finish_time", row.finish_time, finished.time.as_micros()),
    ] {
        faults.unless(stored == told, at, || {
            format!("I7: reservation {id} has {what} {stored}, {told} by its entries")
        });
    }
}

/// I16: what was agreed is what the entry says that reserved it, and so is what the bill says besides figures.
fn check_words(row: &reservations::Model, receipt: &Receipt<'_>, faults: &mut Faults) {
    let (life, id) = (receipt.life, receipt.id);
    let terms = Digest::of_terms(&row.terms, &row.fingerprint);
    faults.unless(life.terms == Some(terms), life.revision(), || {
        format!(
            "I16: reservation {id} is not what its entries say: terms {}, fingerprint {}",
            row.terms, row.fingerprint
        )
    });
    let says_more = receipt.bill.as_ref().is_some_and(Bill::says_more);
    let bill = says_more.then(|| Digest::of_bill(&row.bill, &row.finalizer));
    faults.unless(life.bill == bill, life.revision(), || {
        format!(
            "I16: reservation {id} did not end as its entries say: bill {}, finalizer {}",
            row.bill, row.finalizer
        )
    });
}

/// A hold ends at its deadline or before it, and starts when it is told to.
fn check_times(row: &reservations::Model, life: &Life, faults: &mut Faults) {
    let (at, id) = (life.revision(), &row.reservation_id);
    let deadline = Timestamp::from_micros(row.deadline);
    let in_time = match life.ended {
        Some((State::Expired, told)) => told.time == deadline,
        Some((_, told)) => life.reserved.is_none() || told.time < deadline,
        None => row.sweep_at <= row.deadline,
    };
    faults.unless(in_time, at, || {
        let sweep_at = Timestamp::from_micros(row.sweep_at);
        let ended = life
            .ended
            .map_or_else(|| "open".to_owned(), |(state, told)| format!("{state:?} at {}", told.time));
        format!("I9: reservation {id} has deadline {deadline}, sweep_at {sweep_at}, is {ended}")
    });
    let with_reserve = row.start_time == row.reserve_time;
    let start_fits = match life.started {
        Some(told) => with_reserve || row.start_time == told.time.as_micros(),
        None => with_reserve || row.start_time == 0,
    };
    faults.unless(start_fits && (row.start_time != 0) == (row.attempt > 0), at, || {
        let told = life.started.map_or_else(|| "never".to_owned(), |told| told.time.to_string());
        let start = Timestamp::from_micros(row.start_time);
        format!(
            "I7: reservation {id} has start_time {start}, attempt {}, started {told} by its entries",
            row.attempt
        )
    });
}

/// What the row says in words.
fn read<'a>(row: &'a reservations::Model, life: &'a Life) -> Result<Receipt<'a>, String> {
    let json = |column: &str, error: serde_json::Error| format!("{column}: {error}");
    let terms: Terms = serde_json::from_str(&row.terms).map_err(|error| json("terms", error))?;
    let kind = terms.operation.as_ref().map_or("", |operation| &operation.kind);
    let actor = terms.actor.as_ref().map_or("", |actor| actor.as_str());
    if (kind, actor) != (&*row.kind, &*row.actor) {
        let (kind_column, actor_column) = (&row.kind, &row.actor);
        return Err(format!(
            "kind {kind_column:?}, actor {actor_column:?}; its terms say {kind:?}, {actor:?}"
        ));
    }
    optional::<WorkerId>(&row.worker)?;
    let allocations = serde_json::from_str(&row.allocations).map_err(|error| json("allocations", error))?;
    let bill: Option<Bill> = match row.bill.is_empty() {
        true => None,
        false => Some(serde_json::from_str(&row.bill).map_err(|error| json("bill", error))?),
    };
    if bill.is_some() != life.ended.is_some() {
        return Err(format!(
            "bill {:?} of a reservation that has ended = {}",
            row.bill,
            life.ended.is_some()
        ));
    }
    Ok(Receipt { id: &row.reservation_id, life, allocations, terms, bill })
}
