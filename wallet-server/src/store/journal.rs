//! The journal of SQLite. PostgreSQL checkpoints on its own.

use sea_orm::{ConnectionTrait, Statement};

use crate::store::{Backend, LaneConnection, Store, StoreError};

/// The pages of a long journal of SQLite: 32 MiB.
const LONG_JOURNAL: i64 = 8_192;

impl Store {
    /// Returns true if SQLite's journal has become so long that its pages should be copied into the file.
    pub(crate) async fn has_long_journal(&self, lane: &LaneConnection) -> Result<bool, StoreError> {
        if self.backend() == Backend::Postgres {
            return Ok(false);
        }
        let sql = "PRAGMA wal_checkpoint(NOOP)";
        let row = lane.query_one_raw(Statement::from_string(self.backend().db(), sql)).await?;
        let pages = row.map(|row| row.try_get::<i64>("", "log")).transpose()?.unwrap_or_default();
        Ok(pages >= LONG_JOURNAL)
    }

    /// Copies committed pages from SQLite's journal into its file. PostgreSQL checkpoints on its own.
    pub(crate) async fn checkpoint(&self, lane: &LaneConnection) -> Result<(), StoreError> {
        if self.backend() == Backend::Sqlite {
            lane.execute_unprepared("PRAGMA wal_checkpoint(PASSIVE)").await?;
        }
        Ok(())
    }
}
