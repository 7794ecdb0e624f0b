//! The clock that a server follows, and the ledger's newest time, which a clock that is right cannot contradict.

use std::time::Duration;

use wallet_core::Timestamp;

use crate::app::AppError;
use crate::clock::{Clock, MAX_LEAP, MAX_SKEW, Verdict};
use crate::store::{Due, Store, StoreError};

/// How long a ledger may have been at rest before a start asks whether the clock is right.
const LONGEST_REST: Duration = Duration::from_secs(86_400);

/// Compares the clock with the database's, or with the system's where the database is a file.
pub(crate) async fn compare(store: &Store, clock: &Clock) -> Result<Verdict, StoreError> {
    Ok(match store.database_time().await? {
        Some((theirs, round_trip)) => clock.follow(theirs, round_trip),
        None => clock.follow_system(),
    })
}

/// Compares, and logs what the operator should know: a leap with what falls due in it.
pub(crate) async fn watch(store: &Store, clock: &Clock) {
    let before = clock.now();
    match compare(store, clock).await {
        Ok(Verdict::Agrees) => {}
        Ok(Verdict::Doubted { leap, is_first: true }) => {
            let due = due_in_leap(store, before, leap).await;
            tracing::error!(
                leap = ?signed(leap), %due,
                "the clock that this server follows leapt: nothing is executed until it is back, or until its readings \
                 have agreed for a while; after a leap of more than {MAX_LEAP:?}, until this server is started again"
            );
        }
        Ok(Verdict::Doubted { leap, is_first: false }) => {
            tracing::debug!(leap = ?signed(leap), "the clock that this server follows is not believed yet");
        }
        Ok(Verdict::Followed { leap }) => {
            let due = due_in_leap(store, before, leap).await;
            tracing::warn!(leap = ?signed(leap), %due, "followed a leap of the clock, which has stayed there");
        }
        Err(error) => tracing::warn!(%error, "cannot ask the database for its time"),
    }
}

/// Refuses to start by a clock that contradicts the reference by more than [`MAX_LEAP`], or the ledger by more than
/// [`LONGEST_REST`] where credits would lapse by it.
pub(crate) async fn check(store: &Store, clock: &Clock, accept_clock: bool) -> Result<(), AppError> {
    if let Verdict::Doubted { leap, .. } = compare(store, clock).await?
        && Duration::from_micros(leap.unsigned_abs()) > MAX_LEAP
    {
        return Err(AppError::Clocks(Duration::from_micros(leap.unsigned_abs())));
    }
    if clock.is_manual() {
        return Ok(());
    }
    let (now, newest) = (clock.now(), store.last_time().await?);
    if newest > now.plus(MAX_SKEW) {
        tracing::warn!(
            %newest, %now,
            "the ledger is ahead of the clock, as one is that was served with --manual-clock: the time of each such \
             wallet stands still until the clock is there"
        );
    }
    let seen = newest.max(store.last_sweep().await?);
    if accept_clock || seen == Timestamp::EPOCH || now <= seen.plus(LONGEST_REST) {
        return Ok(());
    }
    let due = store.due_between(seen, now).await?;
    match due.lapses_credits() {
        true => Err(AppError::ClockAhead { now, seen, due }),
        false => Ok(()),
    }
}

/// What falls due in a leap; nothing in one that leads back.
async fn due_in_leap(store: &Store, before: Timestamp, leap: i64) -> Due {
    let after = before.plus(Duration::from_micros(leap.max(0).unsigned_abs()));
    store.due_between(before, after).await.unwrap_or_default()
}

fn signed(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "+" };
    format!("{sign}{:?}", Duration::from_micros(micros.unsigned_abs()))
}
