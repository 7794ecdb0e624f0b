//! Extend: a worker's heartbeat. Moves the deadline and nothing else, and makes no entry.

use std::time::Duration;

use crate::decide::checks::check_attempt;
use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::verdict::{Subject, Verdict};
use crate::value::ids::ReservationId;
use crate::wallet::Wallet;
use crate::wallet::rejection::Rejection;
use crate::wallet::reservation::DEFAULT_LEASE;

/// The command that moves the deadline of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extend {
    pub id: ReservationId,
    /// The caller's attempt. If given, it must not be lower than the running one.
    pub attempt: Option<i32>,
    /// The time from now to the new deadline. By default the lease given at Start, or 60 seconds without one.
    pub lease: Option<Duration>,
}

/// Decides an [`Extend`]. For a job that has ended, the reply has its state, so that a worker learns to stop.
pub fn extend(wallet: &Wallet, context: &Context<'_>, extend: &Extend) -> Result<Verdict, Rejection> {
    let reservation = wallet.reservations.get(&extend.id).ok_or(Rejection::ReservationNotFound)?;
    if !reservation.state.is_open() {
        return Ok(Verdict::unchanged(Subject::Reservation(extend.id.clone())));
    }
    check_attempt(reservation, extend.attempt)?;
    let lease = extend.lease.or(reservation.lease).unwrap_or(DEFAULT_LEASE);
    let deadline = context.now.plus(lease).min(reservation.last_deadline()).max(reservation.deadline);
    if deadline == reservation.deadline {
        return Ok(Verdict::unchanged(Subject::Reservation(extend.id.clone())));
    }
    let mut reservation = reservation.clone();
    reservation.deadline = deadline;
    Ok(Verdict::reservation(Decision::default(), reservation))
}
