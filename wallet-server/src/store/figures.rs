//! Figures about the database that `doctor` judges: its version, migrations, space, vacuum and oldest transaction, and
//! the work that waits in it. Reads only.

use std::time::Duration;

use rustix::fs::statvfs;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QueryResult,
    QuerySelect, Statement, Value,
};
use uuid::Uuid;
use wallet_core::Timestamp;
use wallet_core::key::BUCKETS;

use crate::store::connect::sqlite_path;
use crate::store::tables::{feed_outbox, holds, wallet_profiles, wallets};
use crate::store::{Backend, Store, StoreError};

/// The tables that every command changes.
const HOT: &str = "'wallets', 'wallet_profiles', 'grants', 'reservations', 'holds', 'feed_outbox'";

/// The disk of a SQLite file, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Space {
    pub(crate) free: u64,
    /// The size of the database with its journal.
    pub(crate) used: u64,
}

/// The state of a table that PostgreSQL must vacuum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableVacuum {
    pub(crate) table: String,
    pub(crate) live: i64,
    pub(crate) dead: i64,
    pub(crate) is_automatic: bool,
}

/// A transaction in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OldTransaction {
    /// The process and the name of the client, or the name of a prepared transaction.
    pub(crate) owner: String,
    pub(crate) age: Duration,
}

/// Rows that wait to be processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) count: i64,
    pub(crate) oldest: Timestamp,
}

impl Store {
    /// Returns the name and the version of the database.
    pub(crate) async fn version(&self) -> Result<String, StoreError> {
        let sql = match self.backend() {
            Backend::Sqlite => "SELECT 'SQLite ' || sqlite_version() AS version",
            Backend::Postgres => "SELECT 'PostgreSQL ' || current_setting('server_version') AS version",
        };
        let row = self.figures(sql).await?;
        Ok(row.first().map(|row| row.try_get("", "version")).transpose()?.unwrap_or_default())
    }

    /// Returns the space on the disk of a SQLite file. `None` for PostgreSQL.
    pub(crate) fn space(&self) -> Result<Option<Space>, StoreError> {
        let Some(path) = sqlite_path(self.url().secret()) else { return Ok(None) };
        let failed = |error| StoreError::unavailable(path.display(), error);
        let disk = statvfs(&path).map_err(|error| failed(std::io::Error::from(error)))?;
        let journal = format!("{}-wal", path.display());
        let size = |name: &std::path::Path| std::fs::metadata(name).map(|file| file.len());
        let used = size(&path).map_err(failed)? + size(journal.as_ref()).unwrap_or_default();
        Ok(Some(Space { free: disk.f_bavail.saturating_mul(disk.f_frsize), used }))
    }

    /// Returns the state of the tables that every command changes. Empty for SQLite.
    pub(crate) async fn vacuum(&self) -> Result<Vec<TableVacuum>, StoreError> {
        if self.backend() == Backend::Sqlite {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT s.relname::text AS name, n_live_tup, n_dead_tup, current_setting('autovacuum') = 'on'
                    AND NOT coalesce(reloptions @> ARRAY['autovacuum_enabled=false'], false) AS automatic
               FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
              WHERE s.relid = to_regclass(s.relname) AND s.relname IN ({HOT}) ORDER BY 1"
        );
        let table = |row: &QueryResult| {
            Ok(TableVacuum {
                table: row.try_get("", "name")?,
                live: row.try_get("", "n_live_tup")?,
                dead: row.try_get("", "n_dead_tup")?,
                is_automatic: row.try_get("", "automatic")?,
            })
        };
        self.figures(&sql).await?.iter().map(table).collect()
    }

    /// Returns the oldest transaction of another session, or the oldest prepared one. `None` for SQLite.
    pub(crate) async fn oldest_transaction(&self) -> Result<Option<OldTransaction>, StoreError> {
        if self.backend() == Backend::Sqlite {
            return Ok(None);
        }
        let sql = "
            SELECT owner, extract(epoch FROM clock_timestamp() - begun)::bigint AS seconds FROM (
              SELECT 'process ' || pid || ' (' || application_name || ', ' || state || ')' AS owner, xact_start AS begun
                FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
              UNION ALL
              SELECT 'the prepared transaction ' || gid, prepared FROM pg_prepared_xacts
               WHERE database = current_database()
            ) AS transactions ORDER BY begun LIMIT 1";
        let transaction = |row: &QueryResult| {
            let seconds: i64 = row.try_get("", "seconds")?;
            let age = Duration::from_secs(seconds.max(0).unsigned_abs());
            Ok(OldTransaction { owner: row.try_get("", "owner")?, age })
        };
        self.figures(sql).await?.first().map(transaction).transpose()
    }

    /// Returns the number of open holds.
    pub(crate) async fn open_holds(&self) -> Result<i64, StoreError> {
        let count = holds::Entity::find().count(&self.control()).await?;
        Ok(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// Returns the holds that the sweeper should have processed before a time, without those of frozen wallets.
    pub(crate) async fn holds_before(&self, time: Timestamp) -> Result<Option<Waiting>, StoreError> {
        // The index on the times begins with the bucket.
        let sql = "SELECT count(*) AS count, min(sweep_at) AS oldest FROM holds h
                    WHERE bucket = $1 AND sweep_at > 0 AND sweep_at < $2 AND NOT EXISTS (
                      SELECT 1 FROM wallets w WHERE w.bucket = h.bucket AND w.wallet_key = h.wallet_key AND w.frozen)";
        let (mut count, mut oldest) = (0, i64::MAX);
        for bucket in 0..BUCKETS {
            let values = [Value::from(bucket), Value::from(time.as_micros())];
            let statement = Statement::from_sql_and_values(self.backend().db(), sql, values);
            let Some(row) = self.control().query_one_raw(statement).await? else { continue };
            count += row.try_get::<i64>("", "count")?;
            oldest = oldest.min(row.try_get::<Option<i64>>("", "oldest")?.unwrap_or(i64::MAX));
        }
        Ok((count > 0).then_some(Waiting { count, oldest: Timestamp::from_micros(oldest) }))
    }

    /// Returns the batches whose items of the feed have no positions yet.
    pub(crate) async fn outbox_waiting(&self) -> Result<Option<Waiting>, StoreError> {
        let count = feed_outbox::Entity::find().count(&self.control()).await?;
        // The ids of batches begin with their time (UUIDv7).
        let oldest = feed_outbox::Entity::find()
            .select_only()
            .column(feed_outbox::Column::BatchId)
            .order_by_asc(feed_outbox::Column::BatchId)
            .limit(1)
            .into_tuple::<Uuid>()
            .one(&self.control())
            .await?;
        let time = oldest.and_then(|id| id.get_timestamp()).map(|time| {
            let (seconds, nanos) = time.to_unix();
            Timestamp::EPOCH.plus(Duration::new(seconds, nanos))
        });
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        Ok(time.map(|oldest| Waiting { count, oldest }))
    }

    /// Returns the number of frozen wallets and the ids of the first ones, at most `most`. Reads all wallets, a bucket
    /// at a time, so that no statement takes long.
    pub(crate) async fn frozen(&self, most: usize) -> Result<(u64, Vec<String>), StoreError> {
        let (mut count, mut ids) = (0, Vec::new());
        for bucket in 0..BUCKETS {
            let frozen = wallets::Entity::find()
                .select_only()
                .columns([wallets::Column::Bucket, wallets::Column::WalletKey])
                .filter(wallets::Column::Bucket.eq(bucket))
                .filter(wallets::Column::Frozen.eq(true))
                .into_tuple::<(i16, Uuid)>()
                .all(&self.control())
                .await?;
            count += frozen.len() as u64;
            for key in frozen.into_iter().take(most.saturating_sub(ids.len())) {
                let profile = wallet_profiles::Entity::find_by_id(key)
                    .select_only()
                    .column(wallet_profiles::Column::WalletId)
                    .into_tuple::<String>();
                ids.extend(profile.one(&self.control()).await?);
            }
        }
        Ok((count, ids))
    }

    async fn figures(&self, sql: &str) -> Result<Vec<QueryResult>, StoreError> {
        Ok(self.control().query_all_raw(Statement::from_string(self.backend().db(), sql)).await?)
    }
}
