//! The transaction of a batch: begin, lock, load, append, commit. Dropping it before the commit rolls it back.

use std::collections::BTreeSet;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};
use wallet_core::{TenantId, WalletKey};

use crate::store::batch::load::{by_key, load_wallets, query_rows, wallet_rows};
use crate::store::batch::write::write;
use crate::store::batch::{LoadedWallets, ReadPlan, WalletRows, WalletWrite};
use crate::store::sql::load;
use crate::store::timed::TimedConnection;
use crate::store::{Backend, LaneConnection, StoreError, publishing};

/// A transaction that locks wallets and writes the decisions about them.
#[derive(Debug)]
pub(crate) struct Tx {
    transaction: TimedConnection<DatabaseTransaction>,
    backend: Backend,
}

/// The result of locking a batch's wallets.
#[derive(Debug, Default)]
pub(crate) struct Locked {
    /// The wallets that exist and are locked by this transaction.
    pub(crate) wallets: WalletRows,
    /// The wallets that another transaction has locked. Empty unless `skip_locked` was set.
    pub(crate) locked_elsewhere: BTreeSet<WalletKey>,
}

impl Tx {
    /// Begins a transaction that writes. Each call to the database fails as unavailable after `call_timeout`.
    pub(crate) async fn begin(
        connection: &LaneConnection,
        backend: Backend,
        call_timeout: Duration,
    ) -> Result<Self, StoreError> {
        Ok(Self { transaction: TimedConnection::begin(connection.pool(), call_timeout).await?, backend })
    }

    /// Excludes publications of these tenants' catalogs until the end of the transaction, and returns the newest
    /// version of each. Must precede the locks of wallets.
    pub(crate) async fn lock_catalogs(
        &self,
        tenants: &BTreeSet<TenantId>,
    ) -> Result<Vec<(TenantId, i64)>, StoreError> {
        let mut newest = Vec::new();
        for tenant in tenants {
            if self.backend == Backend::Postgres {
                self.transaction
                    .execute_raw(publishing::lock("pg_advisory_xact_lock_shared", *tenant))
                    .await?;
            }
            // A separate statement after the wait, so that it sees what was published meanwhile.
            let sql = "SELECT coalesce(max(version), 0) AS version FROM catalogs WHERE tenant = $1";
            let statement = Statement::from_sql_and_values(self.backend.db(), sql, [tenant.0.into()]);
            let row = self.transaction.query_one_raw(statement).await?;
            let version = row.map(|row| row.try_get("", "version")).transpose()?.unwrap_or_default();
            newest.push((*tenant, version));
        }
        Ok(newest)
    }

    /// Locks the wallets, which must be sorted by key.
    pub(crate) async fn lock(&self, keys: &[WalletKey], skip_locked: bool) -> Result<Locked, StoreError> {
        debug_assert!(keys.is_sorted(), "locks are taken in the order of the keys");
        // Read before locking: a wallet that is created between the two statements must not count as
        // locked elsewhere.
        let wallet_rows = match skip_locked {
            true => wallet_rows(&self.transaction, self.backend, keys).await?,
            false => WalletRows::new(),
        };
        let wallets =
            by_key(query_rows(&self.transaction, load::lock(self.backend, keys, skip_locked)).await?);
        let locked_elsewhere = wallet_rows.into_keys().filter(|key| !wallets.contains_key(key)).collect();
        Ok(Locked { wallets, locked_elsewhere })
    }

    /// Reads the rows of the locked wallets that the batch needs and that are not in `loaded`, and adds them.
    pub(crate) async fn load(
        &self,
        locked: &Locked,
        plan: &ReadPlan,
        loaded: &mut LoadedWallets,
    ) -> Result<(), StoreError> {
        load_wallets(&self.transaction, self.backend, &locked.wallets, plan, loaded).await
    }

    /// Writes the decisions of the batch. Fails if the database reports another number of rows than expected.
    pub(crate) async fn append(&self, batch: &[WalletWrite<'_>]) -> Result<(), StoreError> {
        for write in write(self.backend, batch) {
            let written = match self.backend {
                Backend::Postgres => self.counts(write.statement, write.rows.len()).await?,
                Backend::Sqlite => {
                    let result = self.transaction.execute_raw(write.statement).await?;
                    #[expect(clippy::expect_used, reason = "compared with the number of rows of the batch")]
                    let rows = i64::try_from(result.rows_affected()).expect("SQLite counts rows as i64");
                    vec![rows]
                }
            };
            if written != write.rows {
                let text = format!("{:?} rows were written instead of {:?}", written, write.rows);
                return Err(StoreError::corrupt(text));
            }
        }
        Ok(())
    }

    /// Commits. Unless the database refuses, an error leaves the outcome unknown.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.transaction.commit().await.map_err(StoreError::of_commit)
    }

    async fn counts(&self, statement: Statement, columns: usize) -> Result<Vec<i64>, StoreError> {
        let row = self.transaction.query_one_raw(statement).await?;
        let row = row.ok_or_else(|| StoreError::corrupt("the write returned no counts"))?;
        (0..columns).map(|i| row.try_get_by_index(i).map_err(StoreError::from)).collect()
    }
}
