//! Extend: a worker's heartbeat. Moves the deadline and nothing else, and makes no entry.

use std::time::Duration;

use crate::decide::admission_class::AdmissionClass;
use crate::decide::checks::check_attempt;
use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::read_set::ReadSet;
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::value::ids::ReservationId;
use crate::view::views::ReservationView;
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

impl WalletCommand for Extend {
    type View = ReservationView;

    fn read_set(&self) -> ReadSet {
        ReadSet::of_reservation(&self.id)
    }

    fn admission_class(&self) -> AdmissionClass {
        AdmissionClass::Heartbeat
    }

    /// For a job that has ended, the reply has its state, so that a worker learns to stop.
    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<ReservationId>, Rejection> {
        let reservation = wallet.reservations.get(&self.id).ok_or(Rejection::ReservationNotFound)?;
        if !reservation.state.is_open() {
            return Ok(Verdict::unchanged(self.id.clone()));
        }
        check_attempt(reservation, self.attempt)?;
        let lease = self.lease.or(reservation.lease).unwrap_or(DEFAULT_LEASE);
        let deadline = context.now.plus(lease).min(reservation.last_deadline()).max(reservation.deadline);
        if deadline == reservation.deadline {
            return Ok(Verdict::unchanged(self.id.clone()));
        }
        let mut reservation = reservation.clone();
        reservation.deadline = deadline;
        Ok(Verdict::reservation(Decision::default(), reservation))
    }
}
