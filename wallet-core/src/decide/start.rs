//! Start: records that a worker runs the job. From now on a cancel may cost more, and the deadline follows the
//! lease.

use crate::decide::checks::stale;
use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::job_start::{StartOptions, begin};
use crate::decide::read_set::ReadSet;
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::value::ids::ReservationId;
use crate::view::views::ReservationView;
use crate::wallet::Wallet;
use crate::wallet::rejection::Rejection;
use crate::wallet::reservation::{Reservation, State};

/// The command by which a worker takes a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    pub id: ReservationId,
    pub options: StartOptions,
}

impl WalletCommand for Start {
    type View = ReservationView;

    fn read_set(&self) -> ReadSet {
        ReadSet::of_reservation(&self.id)
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<ReservationId>, Rejection> {
        let reservation = wallet.reservations.get(&self.id).ok_or(Rejection::ReservationNotFound)?;
        match reservation.state {
            State::Held => {}
            State::Processing if self.options.attempt > reservation.attempt => {}
            State::Processing if is_running(reservation, &self.options) => {
                return Ok(Verdict::replay(self.id.clone()));
            }
            State::Processing => return Err(stale(reservation)),
            finished => return Err(Rejection::ReservationFinished(finished)),
        }
        let mut reservation = reservation.clone();
        begin(&mut reservation, &self.options, context.now);
        let decision = Decision::about(EntryKind::Started, context.now, &reservation);
        Ok(Verdict::reservation(decision, reservation))
    }
}

fn is_running(reservation: &Reservation, options: &StartOptions) -> bool {
    reservation.attempt == options.attempt && reservation.worker.as_ref() == Some(&options.worker)
}
