//! The start of a job, by Start or by Reserve.

use std::time::Duration;

use crate::decide::checks::stale;
use crate::decide::decision::Decision;
use crate::decide::verdict::Verdict;
use crate::ledger::entry::EntryKind;
use crate::value::ids::{ReservationId, WorkerId};
use crate::value::time::Timestamp;
use crate::wallet::rejection::Rejection;
use crate::wallet::reservation::{Reservation, State};

/// The worker, its attempt and its lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartOptions {
    pub worker: WorkerId,
    /// The number of the run, counted from 1.
    pub attempt: i32,
    /// The time between heartbeats. That of the price rule by default; without one, or with zero, no heartbeats are
    /// expected.
    pub lease: Option<Duration>,
}

/// Starts the job. With a lease, the deadline becomes now + lease, which may be earlier or later than before. Without
/// one, the time to live begins again, because the time in the queue does not count as work.
pub(crate) fn begin(reservation: &mut Reservation, options: &StartOptions, now: Timestamp) {
    reservation.state = State::Processing;
    reservation.attempt = options.attempt;
    reservation.worker = Some(options.worker.clone());
    reservation.start_time = reservation.start_time.or(Some(now));
    reservation.lease = options.lease.or(reservation.terms.policies.lease).filter(|lease| !lease.is_zero());
    reservation.deadline = match reservation.lease {
        Some(lease) => now.plus(lease).min(reservation.last_deadline()),
        None => now.plus(reservation.terms.policies.ttl).min(reservation.last_deadline()),
    };
    reservation.sweep_at = reservation.sweep_at.min(reservation.deadline);
}

/// Starts a job that was reserved before, or takes it over from a worker with a lower attempt. The same worker with the
/// same attempt repeats its start.
pub(crate) fn start(
    reservation: &Reservation,
    options: &StartOptions,
    now: Timestamp,
) -> Result<Verdict<ReservationId>, Rejection> {
    match reservation.state {
        State::Held => {}
        State::Processing if options.attempt > reservation.attempt => {}
        State::Processing if is_run_by(reservation, options) => {
            return Ok(Verdict::replay(reservation.id.clone()));
        }
        State::Processing => return Err(stale(reservation)),
        finished => return Err(Rejection::ReservationFinished(finished)),
    }
    let mut reservation = reservation.clone();
    begin(&mut reservation, options, now);
    let decision = Decision::about(EntryKind::Started, now, &reservation);
    Ok(Verdict::reservation(decision, reservation))
}

fn is_run_by(reservation: &Reservation, options: &StartOptions) -> bool {
    reservation.attempt == options.attempt && reservation.worker.as_ref() == Some(&options.worker)
}
