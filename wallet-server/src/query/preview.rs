//! Previews of commands: decided on a copy in memory by the same code as in a lane.

use wallet_core::grant::Grant;
use wallet_core::{Command, Reply, TenantId, UnitOfWork, WalletId};

use crate::query::{Queries, ReadError, Snapshot, defect};

impl Queries {
    /// Returns the reply that the command would get now, and the grants that it would issue. Writes nothing. Only
    /// for commands that need no catalog but the current one.
    pub(crate) async fn preview(
        &self,
        tenant: TenantId,
        wallet: &WalletId,
        command: &Command,
    ) -> Result<(Reply, Vec<Grant>), ReadError> {
        let Snapshot { mut wallet, read_time, .. } =
            self.advanced(tenant, wallet, command.read_set()).await?;
        let before: Vec<_> = wallet.grants.keys().cloned().collect();
        let catalogs = self.catalogs.of_wallet(tenant, &wallet, None).await?;
        let reply = UnitOfWork::open(&mut wallet, read_time).execute(command, &catalogs).map_err(defect)?;
        let issued = wallet.grants.into_values().filter(|grant| !before.contains(&grant.key));
        Ok((reply, issued.collect()))
    }
}
