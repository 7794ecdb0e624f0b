//! Previews of commands: decided on a copy in memory by the same code as in a lane.

use wallet_core::grant::Grant;
use wallet_core::{Command, Context, Reply, TenantId, Touched, WalletId, execute};

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
            self.advanced(tenant, wallet, command.addressed()).await?;
        let before: Vec<_> = wallet.grants.keys().cloned().collect();
        let catalogs = self.catalogs.of_wallet(tenant, &wallet, None).await?;
        let context = Context { now: read_time, catalogs: &catalogs };
        let reply = execute(&mut wallet, &context, command, &mut Vec::new(), &mut Touched::default());
        let reply = reply.map_err(defect)?;
        let issued = wallet.grants.into_values().filter(|grant| !before.contains(&grant.key));
        Ok((reply, issued.collect()))
    }
}
