//! A batch without locks between its statements (PostgreSQL): wallets are read or kept from before, decided, and
//! written by one statement, which commits only if every wallet still has the version that it was decided on.
//!
//! Reads need no snapshot: every write to a wallet raises its version, so rows that were read at different moments
//! count only if nothing was written in between.

use std::time::Duration;

use sea_orm::sqlx::Row as _;
use wallet_core::WalletKey;
use wallet_core::ids::ReservationId;

use crate::store::batch::load::{load_wallets, query_rows, wallet_rows};
use crate::store::batch::write::write_at_versions;
use crate::store::batch::{LoadedWallets, ReadPlan, WalletRows, WalletWrite};
use crate::store::sql::load;
use crate::store::tables::reservations;
use crate::store::timed::TimedConnection;
use crate::store::{Backend, LaneConnection, StoreError, StoreErrorKind};

/// The connection of a lane, for statements that are transactions of their own.
#[derive(Debug)]
pub(crate) struct Optimistic {
    connection: TimedConnection<LaneConnection>,
}

impl Optimistic {
    /// Each call to the database fails as unavailable after `call_timeout`.
    pub(crate) fn new(connection: &LaneConnection, call_timeout: Duration) -> Self {
        Self { connection: TimedConnection::of_lane(connection, call_timeout) }
    }

    /// Returns the rows of the table `wallets` with these keys. Wallets that do not exist are missing.
    pub(crate) async fn wallets(&self, keys: &[WalletKey]) -> Result<WalletRows, StoreError> {
        if keys.is_empty() {
            return Ok(WalletRows::new());
        }
        wallet_rows(&self.connection, Backend::Postgres, keys).await
    }

    /// Reads the wallets of these rows, and the rows that the plan names, unless they are in `loaded`.
    pub(crate) async fn load(
        &self,
        rows: &WalletRows,
        plan: &ReadPlan,
        loaded: &mut LoadedWallets,
    ) -> Result<(), StoreError> {
        load_wallets(&self.connection, Backend::Postgres, rows, plan, loaded).await
    }

    /// Returns whether one of these reservations exists.
    pub(crate) async fn any_exists(&self, ids: &[(WalletKey, ReservationId)]) -> Result<bool, StoreError> {
        if ids.is_empty() {
            return Ok(false);
        }
        let found: Vec<reservations::Model> =
            query_rows(&self.connection, load::reservations_by_id(Backend::Postgres, ids)).await?;
        Ok(!found.is_empty())
    }

    /// Writes and commits what was decided. Returns false, and has written nothing, if another version of one of the
    /// wallets is stored. Unless the database refuses or nothing was sent, an error leaves the outcome unknown.
    pub(crate) async fn write(&self, batch: &[WalletWrite<'_>]) -> Result<bool, StoreError> {
        // All rows are fetched: the first one is sent before the commit, the end of the answer after it.
        let answer = self.connection.write_by_columns(write_at_versions(batch)).await;
        let rows = answer.map_err(StoreError::of_committing_statement)?;
        let holds = rows.first().map(|row| row.try_get("holds"));
        let unknown = || StoreError::new(StoreErrorKind::CommitUnknown, "the write returned no answer");
        holds.and_then(Result::ok).ok_or_else(unknown)
    }
}
