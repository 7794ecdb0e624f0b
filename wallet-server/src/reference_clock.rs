//! Compares the server's clock with the reference clock, and with the newest time in the ledger, which cannot be
//! later than a correct clock.

use std::time::Duration;

use wallet_core::Timestamp;

use crate::app::AppError;
use crate::causes::Chain;
use crate::clock::{Clock, MAX_JUMP, MAX_SKEW, Verdict};
use crate::store::{DueCounts, Store, StoreError};

/// The longest time without a write after which a server starts without a confirmation of the clock.
const LONGEST_REST: Duration = Duration::from_secs(86_400);

/// Compares the clock with the database's, or with the system's for SQLite.
pub(crate) async fn compare(store: &Store, clock: &Clock) -> Result<Verdict, StoreError> {
    Ok(match store.database_time().await? {
        Some((theirs, round_trip)) => clock.follow(theirs, round_trip),
        None => clock.follow_system(),
    })
}

/// Compares the clocks and logs what an operator should know: a jump, and the events that fall due in it.
pub(crate) async fn watch(store: &Store, clock: &Clock) {
    let before = clock.now();
    match compare(store, clock).await {
        Ok(Verdict::Agrees) => {}
        Ok(Verdict::Doubted { jump, is_first: true }) => {
            let due = due_in_jump(store, before, jump).await;
            tracing::error!(
                jump = ?signed(jump), %due,
                "the reference clock jumped: no command is executed until it is back, or until its readings \
                 have agreed for a while; after a jump of more than {MAX_JUMP:?}, until this server is started again"
            );
        }
        Ok(Verdict::Doubted { jump, is_first: false }) => {
            tracing::debug!(jump = ?signed(jump), "the reference clock is not trusted yet");
        }
        Ok(Verdict::Followed { jump }) => {
            let due = due_in_jump(store, before, jump).await;
            tracing::warn!(jump = ?signed(jump), %due, "followed a jump of the reference clock, whose readings agree");
        }
        Err(error) => tracing::warn!(error = %Chain(&error), "cannot read the database's time"),
    }
}

/// Refuses to start with a clock that differs from the reference by more than [`MAX_JUMP`], or that is ahead of the
/// ledger by more than [`LONGEST_REST`] while credits would expire.
pub(crate) async fn check(store: &Store, clock: &Clock, accept_clock: bool) -> Result<(), AppError> {
    if let Verdict::Doubted { jump, .. } = compare(store, clock).await?
        && Duration::from_micros(jump.unsigned_abs()) > MAX_JUMP
    {
        return Err(AppError::Clocks(Duration::from_micros(jump.unsigned_abs())));
    }
    if clock.is_manual() {
        return Ok(());
    }
    let (now, newest) = (clock.now(), store.last_time().await?);
    if newest > now.plus(MAX_SKEW) {
        tracing::warn!(
            %newest, %now,
            "the ledger is ahead of the clock, for example after a use of --manual-clock: the time of each such \
             wallet stands still until the clock reaches it"
        );
    }
    let seen = newest.max(store.last_sweep().await?);
    if accept_clock || seen == Timestamp::EPOCH || now <= seen.plus(LONGEST_REST) {
        return Ok(());
    }
    let due = store.due_between(seen, now).await?;
    match due.expires_credits() {
        true => Err(AppError::ClockAhead { now, seen, due }),
        false => Ok(()),
    }
}

/// Counts the events that fall due in a jump forward. A jump back has none.
async fn due_in_jump(store: &Store, before: Timestamp, jump: i64) -> DueCounts {
    let after = before.plus(Duration::from_micros(jump.max(0).unsigned_abs()));
    store.due_between(before, after).await.unwrap_or_default()
}

fn signed(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "+" };
    format!("{sign}{:?}", Duration::from_micros(micros.unsigned_abs()))
}
