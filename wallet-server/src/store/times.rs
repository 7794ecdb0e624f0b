//! The newest times in the database, its clock, and the number of events that fall due between two times.

use std::fmt;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, Statement};
use wallet_core::Timestamp;

use crate::store::{Backend, Store, StoreError, StoreErrorKind};

/// The number of due events in a span of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DueCounts {
    /// Holds that expire.
    pub holds: i64,
    /// Grants that expire with credits left.
    pub grants: i64,
    /// Subscription periods that end.
    pub periods: i64,
}

impl DueCounts {
    /// Returns true if grants expire or periods end. An expired hold alone only returns its credits.
    pub(crate) const fn expires_credits(self) -> bool {
        self.grants > 0 || self.periods > 0
    }
}

impl fmt::Display for DueCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { holds, grants, periods } = self;
        write!(
            f,
            "{grants} grants with credits left expire, {periods} periods of subscriptions and {holds} holds end"
        )
    }
}

impl Store {
    /// Returns the time of the newest write to any wallet, or the Unix epoch if there is none. Wallets of tenants whose
    /// clocks are ahead of the server's do not count.
    pub(crate) async fn last_time(&self) -> Result<Timestamp, StoreError> {
        if self.tenant_clocks().await?.is_empty() {
            return self.newest("wallets", "last_time").await;
        }
        let counted = "(SELECT w.last_time FROM wallets w WHERE NOT EXISTS
                          (SELECT 1 FROM wallet_profiles p WHERE p.bucket = w.bucket AND p.wallet_key = w.wallet_key
                           AND p.tenant IN (SELECT tenant FROM tenants WHERE clock_ahead > 0 AND mode = 1))) AS counted";
        self.newest(counted, "last_time").await
    }

    /// Returns the latest expiry of a lease of the sweep: ten sweep periods after a server was last alive. The Unix
    /// epoch if there is none.
    pub(crate) async fn last_sweep(&self) -> Result<Timestamp, StoreError> {
        self.newest(
            "(SELECT expire_time FROM task_leases WHERE task LIKE 'sweep-%') AS leases",
            "expire_time",
        )
        .await
    }

    /// Counts the events that fall due after `from` and up to `to`.
    pub(crate) async fn due_between(&self, from: Timestamp, to: Timestamp) -> Result<DueCounts, StoreError> {
        let count = |rows: &str, filter: &str, column: &str| {
            format!("(SELECT count(*) FROM {rows} WHERE {filter} AND {column} > $1 AND {column} <= $2)")
        };
        let sql = format!(
            "SELECT {} AS holds, {} AS grants, {} AS periods",
            count("holds", "sweep_at > 0", "sweep_at"),
            count("grants", "open", "expire_time"),
            count("wallet_profiles", "next_time < 9223372036854775807", "next_time"),
        );
        let values = [from.as_micros().into(), to.as_micros().into()];
        let statement = Statement::from_sql_and_values(self.backend().db(), sql, values);
        let row = self
            .control()
            .query_one_raw(statement)
            .await?
            .ok_or_else(|| StoreError::corrupt("a count has no row"))?;
        let figure = |name| row.try_get::<i64>("", name);
        Ok(DueCounts { holds: figure("holds")?, grants: figure("grants")?, periods: figure("periods")? })
    }

    /// Returns the newest time in a column among the rows with a readable one, or the Unix epoch if there is none.
    async fn newest(&self, rows: &str, column: &str) -> Result<Timestamp, StoreError> {
        // SQLite stores values of any type in any column.
        let readable = match self.backend() {
            Backend::Sqlite => format!("typeof({column}) = 'integer'"),
            Backend::Postgres => "true".to_owned(),
        };
        let sql = format!("SELECT coalesce(max({column}), 0) AS newest FROM {rows} WHERE {readable}");
        let row = self.control().query_one_raw(Statement::from_string(self.backend().db(), sql)).await?;
        let micros = row.map(|row| row.try_get("", "newest")).transpose()?.unwrap_or_default();
        Ok(Timestamp::from_micros(micros))
    }

    /// Returns the time of the database's clock and how long the query took. `None` for a SQLite file.
    pub(crate) async fn database_time(&self) -> Result<Option<(Timestamp, Duration)>, StoreError> {
        if self.backend() == Backend::Sqlite {
            return Ok(None);
        }
        let sent = Instant::now();
        let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS micros";
        let row = self.control().query_one_raw(Statement::from_string(self.backend().db(), sql)).await?;
        let row =
            row.ok_or_else(|| StoreError::new(StoreErrorKind::Unavailable, "the database returned no time"))?;
        Ok(Some((Timestamp::from_micros(row.try_get("", "micros")?), sent.elapsed())))
    }
}
