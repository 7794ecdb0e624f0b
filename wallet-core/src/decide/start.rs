//! Start: records that a worker runs the job. From now on a cancel may cost more, and the deadline follows the
//! lease.

use std::time::Duration;

use crate::decide::checks::stale;
use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::verdict::{Subject, Verdict};
use crate::ledger::entry::EntryKind;
use crate::value::ids::{ReservationId, WorkerId};
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::rejection::Rejection;
use crate::wallet::reservation::{Reservation, State};

/// The command by which a worker takes a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    pub id: ReservationId,
    pub options: StartOptions,
}

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

/// Decides a [`Start`].
pub fn start(wallet: &Wallet, context: &Context<'_>, start: &Start) -> Result<Verdict, Rejection> {
    let reservation = wallet.reservations.get(&start.id).ok_or(Rejection::ReservationNotFound)?;
    match reservation.state {
        State::Held => {}
        State::Processing if start.options.attempt > reservation.attempt => {}
        State::Processing if is_running(reservation, &start.options) => {
            return Ok(Verdict::replay(Subject::Reservation(start.id.clone())));
        }
        State::Processing => return Err(stale(reservation)),
        finished => return Err(Rejection::ReservationFinished(finished)),
    }
    let mut reservation = reservation.clone();
    begin(&mut reservation, &start.options, context.now);
    let decision = Decision::about(EntryKind::Started, context.now, &reservation);
    Ok(Verdict::reservation(decision, reservation))
}

fn is_running(reservation: &Reservation, options: &StartOptions) -> bool {
    reservation.attempt == options.attempt && reservation.worker.as_ref() == Some(&options.worker)
}

/// Starts the job. With a lease, the deadline becomes now + lease, sooner or later than before. Without one, the
/// time to live counts, even if an earlier attempt had a lease.
pub(crate) fn begin(reservation: &mut Reservation, options: &StartOptions, now: Timestamp) {
    reservation.state = State::Processing;
    reservation.attempt = options.attempt;
    reservation.worker = Some(options.worker.clone());
    reservation.start_time = reservation.start_time.or(Some(now));
    reservation.lease = options.lease.or(reservation.terms.policies.lease).filter(|lease| !lease.is_zero());
    reservation.deadline = match reservation.lease {
        Some(lease) => now.plus(lease).min(reservation.last_deadline()),
        None => reservation.deadline.max(reservation.reserve_time.plus(reservation.terms.policies.ttl)),
    };
    reservation.sweep_at = reservation.sweep_at.min(reservation.deadline);
}
