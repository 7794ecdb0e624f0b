//! Previews of commands: decided on a copy in memory by the same code as in a lane.

use std::collections::BTreeMap;

use wallet_core::decide::Cancel;
use wallet_core::grant::Grant;
use wallet_core::reservation::{Bill, CancelReason, Reservation};
use wallet_core::{Amounts, Catalogs, Command, Reply, ReservationId, TenantId, UnitOfWork, WalletId};

use crate::query::snapshot::defect;
use crate::query::{Queries, ReadError, Snapshot};

/// The effects of a command on the wallet's credits.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// The grants that it issues.
    pub(crate) issued: Vec<Grant>,
    /// The credits of plans that the wallet has and keeps.
    pub(crate) kept: Amounts,
    /// The credits of plans that expire or are revoked at once.
    pub(crate) lost: Amounts,
}

/// The effects of a cancel by the user on the credits of a job, by unit.
#[derive(Debug, Default)]
pub(crate) struct CancelEffects {
    pub(crate) fees: Amounts,
    pub(crate) returned: Amounts,
    /// The part of `returned` that becomes grace credits.
    pub(crate) grace: Amounts,
    pub(crate) forfeited: Amounts,
}

impl Queries {
    /// Returns the effects of a cancel by the user at the time of the snapshot; none if the job cannot be cancelled.
    pub(crate) fn if_cancelled(
        &self,
        tenant: TenantId,
        snapshot: &Snapshot,
        id: &ReservationId,
    ) -> Result<Option<CancelEffects>, ReadError> {
        let cancel = Cancel {
            id: id.clone(),
            reason: CancelReason::User,
            max_fees: Amounts::none(),
            allow_missing: false,
        };
        let mut wallet = snapshot.wallet.clone();
        if !wallet.reservations.get(id).is_some_and(|job| job.state.is_open()) {
            return Ok(None);
        }
        let catalogs = Catalogs::of(self.catalogs.current(tenant));
        let mut work = UnitOfWork::open(&mut wallet, snapshot.read_time);
        let reply = work.execute(&cancel.into(), &catalogs).map_err(defect)?;
        let Ok(answer) = reply.result else { return Ok(None) };
        let Some(Reservation { finish: Some(finish), allocations, .. }) = answer.shown.reservation() else {
            return Ok(None);
        };
        let graced = allocations.iter().filter(|line| line.grace.is_some());
        let grace = graced.map(|line| (line.unit.clone(), line.returned)).collect();
        let Bill { fees, returned, forfeited, .. } = finish.bill.clone();
        Ok(Some(CancelEffects { fees, returned, grace, forfeited }))
    }

    /// Returns the reply that the command would get now, and its effects. Writes nothing. Only for commands that need
    /// no catalog but the current one.
    pub(crate) async fn preview(
        &self,
        tenant: TenantId,
        wallet: &WalletId,
        command: &Command,
    ) -> Result<(Reply, Effects), ReadError> {
        let Snapshot { mut wallet, read_time, .. } =
            self.advanced(tenant, wallet, command.read_set()).await?;
        let lost_of = |grant: &Grant| grant.parts.expired + grant.parts.revoked;
        let before: BTreeMap<_, _> =
            wallet.grants.iter().map(|(key, grant)| (key.clone(), lost_of(grant))).collect();
        let catalogs = self.catalogs.of_wallet(tenant, &wallet, None).await?;
        let reply = UnitOfWork::open(&mut wallet, read_time).execute(command, &catalogs).map_err(defect)?;
        let mut effects = Effects::default();
        for (key, grant) in wallet.grants {
            match before.get(&key) {
                None => effects.issued.push(grant),
                Some(lost_before) if grant.is_of_plan() => {
                    let kept = grant.parts.available + grant.parts.pending;
                    let lost = lost_of(&grant) - lost_before;
                    for (amounts, amount) in [(&mut effects.kept, kept), (&mut effects.lost, lost)] {
                        if amount > 0 {
                            amounts.add(&grant.unit, amount);
                        }
                    }
                }
                Some(_) => {}
            }
        }
        Ok((reply, effects))
    }
}
