//! Cancel: stops a job before it has finished. A user's cancel may cost a fee; the platform's never does.
//! Cancelling an expired hold costs nothing and rules out a late settle.

use std::sync::Arc;

use crate::decide::admission_class::AdmissionClass;
use crate::decide::checks::check_units;
use crate::decide::context::Context;
use crate::decide::finalize::{Finalization, cancel_fees, close_late, finish, may_end_late};
use crate::decide::read_set::ReadSet;
use crate::decide::replay::finished_before;
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::value::amount::Amounts;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::ReservationId;
use crate::view::views::EndedReservationView;
use crate::wallet::rejection::Rejection;
use crate::wallet::reservation::{Bill, CancelReason, Reservation, State, Terms};
use crate::wallet::{UNNUMBERED, Wallet};

/// The command that stops a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancel {
    pub id: ReservationId,
    /// The party that stops the job.
    pub reason: CancelReason,
    /// The caller's limits for the fee, in minor units. Units not named have no limit.
    pub max_fees: Amounts,
    /// If true, an unknown job is marked as cancelled; if false, the command is refused.
    pub allow_missing: bool,
}

impl WalletCommand for Cancel {
    type View = EndedReservationView;

    fn read_set(&self) -> ReadSet {
        ReadSet::of_reservation(&self.id)
    }

    fn admission_class(&self) -> AdmissionClass {
        AdmissionClass::JobEnd
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<ReservationId>, Rejection> {
        let fingerprint = Fingerprint::default().with("reason", Some(&self.reason));
        let Some(reservation) = wallet.reservations.get(&self.id) else {
            return match self.allow_missing {
                true => Ok(tombstone(wallet, context, self, fingerprint)),
                false => Err(Rejection::ReservationNotFound),
            };
        };
        match reservation.state {
            State::Held | State::Processing => stop(wallet, context, reservation, self, fingerprint),
            State::Cancelled => finished_before(reservation, &fingerprint),
            State::Expired if may_end_late(reservation, context) => {
                let bill = Bill { cancel_reason: Some(self.reason), ..Bill::default() };
                Ok(close_late(wallet, context, reservation, State::Cancelled, fingerprint, bill))
            }
            State::Expired => Ok(Verdict::unchanged(self.id.clone())),
            finished @ (State::Settled | State::Failed) => Err(Rejection::ReservationFinished(finished)),
        }
    }
}

fn stop(
    wallet: &Wallet,
    context: &Context<'_>,
    reservation: &Reservation,
    cancel: &Cancel,
    fingerprint: Fingerprint,
) -> Result<Verdict<ReservationId>, Rejection> {
    let fees = match cancel.reason {
        CancelReason::User => cancel_fees(reservation, &context.catalogs.current),
        CancelReason::Platform => Amounts::none(),
    };
    check_units(context, &cancel.max_fees, "max_fees")?;
    for (unit, max_fee) in cancel.max_fees.iter() {
        let fee = fees.get(unit.as_str());
        if fee > max_fee {
            return Err(Rejection::FeeAboveLimit { unit: unit.clone(), fee, max_fee });
        }
    }
    let mut finalization = Finalization::of(wallet, reservation, EntryKind::Cancelled, context.now);
    for (unit, fee) in fees.iter() {
        finalization.charge_fee(&context.catalogs.current, unit, fee);
    }
    finalization.return_rest();
    let bill = Bill { fees: fees.above_zero(), cancel_reason: Some(cancel.reason), ..finalization.bill() };
    Ok(finish(finalization, State::Cancelled, fingerprint, bill))
}

/// Makes a tombstone: a cancelled reservation for a job that is not reserved. A Reserve that arrives later makes no
/// hold.
fn tombstone(
    wallet: &Wallet,
    context: &Context<'_>,
    cancel: &Cancel,
    fingerprint: Fingerprint,
) -> Verdict<ReservationId> {
    let at = context.now;
    let reservation = Reservation {
        id: cancel.id.clone(),
        state: State::Cancelled,
        terms: Arc::new(Terms::default()),
        fingerprint: Fingerprint::default(),
        reserve_time: at,
        reserve_revision: UNNUMBERED,
        start_time: None,
        deadline: at,
        sweep_at: at,
        attempt: 0,
        worker: None,
        lease: None,
        allocations: Vec::new(),
        finish: None,
    };
    let finalization = Finalization::of(wallet, &reservation, EntryKind::Cancelled, at);
    let bill = Bill { cancel_reason: Some(cancel.reason), ..Bill::default() };
    finish(finalization, State::Cancelled, fingerprint, bill)
}
