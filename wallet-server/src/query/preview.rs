//! Previews of commands: decided on a copy in memory by the same code as in a lane.

use std::collections::BTreeMap;

use wallet_core::grant::Grant;
use wallet_core::{Amounts, Command, Reply, TenantId, UnitOfWork, WalletId};

use crate::query::{Queries, ReadError, Snapshot, defect};

/// The effects of a command on the wallet's credits.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// The grants that it issues.
    pub(crate) issued: Vec<Grant>,
    /// The credits of plans that the wallet has and keeps.
    pub(crate) kept: Amounts,
    /// The credits of plans that expire at once.
    pub(crate) lost: Amounts,
}

impl Queries {
    /// Returns the reply that the command would get now, and its effects. Writes nothing. Only for commands that need no
    /// catalog but the current one.
    pub(crate) async fn preview(
        &self,
        tenant: TenantId,
        wallet: &WalletId,
        command: &Command,
    ) -> Result<(Reply, Effects), ReadError> {
        let Snapshot { mut wallet, read_time, .. } =
            self.advanced(tenant, wallet, command.read_set()).await?;
        let before: BTreeMap<_, _> =
            wallet.grants.iter().map(|(key, grant)| (key.clone(), grant.parts.expired)).collect();
        let catalogs = self.catalogs.of_wallet(tenant, &wallet, None).await?;
        let reply = UnitOfWork::open(&mut wallet, read_time).execute(command, &catalogs).map_err(defect)?;
        let mut effects = Effects::default();
        for (key, grant) in wallet.grants {
            match before.get(&key) {
                None => effects.issued.push(grant),
                Some(expired) if grant.is_of_plan() => {
                    let (kept, lost) =
                        (grant.parts.available + grant.parts.pending, grant.parts.expired - expired);
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
