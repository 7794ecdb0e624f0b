//! Start: records that a worker runs the job. From now on a cancel may cost more, and the deadline follows the
//! lease.

use crate::decide::context::Context;
use crate::decide::job_start::{self, StartOptions};
use crate::decide::read_set::ReadSet;
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::value::ids::ReservationId;
use crate::view::views::ReservationView;
use crate::wallet::Wallet;
use crate::wallet::rejection::Rejection;

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
        job_start::start(reservation, &self.options, context.now)
    }
}
