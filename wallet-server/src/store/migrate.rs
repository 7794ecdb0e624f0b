//! The schema of a database: brings it up to date, and compares it with the migrations of this release.
//!
//! A release serves from a schema that a newer one has migrated, so that servers can be replaced one by one and a
//! release can be rolled back: migrations only add. The name of a migration that removes something states which
//! releases may still use the schema ([`migrations::excludes`]).

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use migrations::{Migrator, excludes, failpoints};
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, Statement};
use sea_orm_migration::MigratorTrait;

use crate::causes::Chain;
use crate::store::connect::connect_lane;
use crate::store::timed::begin_migrating;
use crate::store::{Backend, Store, StoreError, StoreErrorKind};

/// Key of the advisory lock around migrations: the bytes of "credwall".
const MIGRATION_LOCK: i64 = 0x6372_6564_7761_6c6c;
/// The longest wait for the lock of a table.
const LOCK_TIMEOUT: Duration = Duration::from_secs(3);
/// The attempts after the first, and the pauses between them, which double: with the waits, about a minute.
const RETRIES: usize = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The error after the last attempt.
const LOCKED: &str = "the schema was not migrated, because another transaction has a lock on one of its tables; \
    SELECT pid, usename, application_name, state, xact_start FROM pg_stat_activity WHERE xact_start IS NOT NULL \
    ORDER BY xact_start shows long transactions: wait for them, or end them with pg_terminate_backend(pid), and start again";

/// The migrations of a database, compared with those of this release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Migrations {
    /// Those of this release that are not applied.
    pub(crate) missing: Vec<String>,
    /// Those that are applied and that this release does not know: a newer release has applied them.
    pub(crate) unknown: Vec<String>,
}

impl Migrations {
    fn of(applied: Vec<String>) -> Self {
        let ours = names();
        Self {
            missing: ours.iter().filter(|name| !applied.contains(name)).cloned().collect(),
            unknown: applied.into_iter().filter(|name| !ours.contains(name)).collect(),
        }
    }

    /// Returns the unknown migration after which this release cannot use the schema, if there is one.
    pub(crate) fn exclusive(&self) -> Option<&str> {
        let newest = names().into_iter().next_back().unwrap_or_default();
        self.unknown.iter().map(String::as_str).find(|name| excludes(name, &newest))
    }
}

impl Store {
    /// Brings the schema up to date in one transaction. Servers that start together take turns. Returns the migrations
    /// of a newer release; if there are any, nothing is changed.
    ///
    /// Fails if this release cannot use the schema of the newer one, or if another transaction uses a table of the
    /// migration for about a minute.
    pub(crate) async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(LONGEST_PAUSE)
            .with_max_times(RETRIES);
        self.migrate_with(LOCK_TIMEOUT, pauses.build()).await
    }

    /// Migrates, again after each pause, until the locks of its tables are free within `lock_timeout`. While a
    /// statement waits for a lock, all later statements about its table wait too, so servers work in the pauses.
    async fn migrate_with(
        &self,
        lock_timeout: Duration,
        mut pauses: impl Iterator<Item = Duration> + Send,
    ) -> Result<Vec<String>, StoreError> {
        loop {
            let error = match self.migrate_once(lock_timeout).await {
                Err(error) if error.kind == StoreErrorKind::Conflict => error,
                done => return done,
            };
            let Some(pause) = pauses.next() else {
                let oldest =
                    self.oldest_transaction().await.ok().flatten().map_or_else(String::new, |oldest| {
                        format!(
                            "; the oldest transaction is {} s old: {}",
                            oldest.age.as_secs(),
                            oldest.owner
                        )
                    });
                return Err(StoreError::unavailable(format!("{LOCKED}{oldest}"), error));
            };
            tracing::warn!(
                error = %Chain(&error),
                "another transaction uses a table that is to be migrated; the migration is tried again"
            );
            tokio::time::sleep(pause).await;
        }
    }

    async fn migrate_once(&self, lock_timeout: Duration) -> Result<Vec<String>, StoreError> {
        let connection = connect_lane(self.url().secret(), self.backend()).await?;
        let migrated = self.migrate_on(&connection, lock_timeout).await;
        connection.close().await?;
        migrated
    }

    async fn migrate_on(
        &self,
        connection: &DatabaseConnection,
        lock_timeout: Duration,
    ) -> Result<Vec<String>, StoreError> {
        let transaction = begin_migrating(connection).await?;
        if self.backend() == Backend::Postgres {
            // The wait for another migration has no bound and blocks no server.
            let alone = format!(
                "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0;
                 SELECT pg_advisory_xact_lock({MIGRATION_LOCK});
                 SET LOCAL lock_timeout = {}",
                lock_timeout.as_millis()
            );
            transaction.execute_unprepared(&alone).await?;
        }
        let newer = migrate_within(&transaction, self.backend()).await?;
        transaction.commit().await?;
        failpoints::reach();
        Ok(newer)
    }

    /// Compares the applied migrations with those of this release.
    pub(crate) async fn migrations(&self) -> Result<Migrations, StoreError> {
        Ok(Migrations::of(applied(&self.control(), self.backend()).await?))
    }
}

async fn migrate_within(
    transaction: &DatabaseTransaction,
    backend: Backend,
) -> Result<Vec<String>, StoreError> {
    let found = Migrations::of(applied(transaction, backend).await?);
    if let Some(name) = found.exclusive() {
        let text = format!(
            "this release is too old for the database, to which a newer one has applied {name}; start a newer release"
        );
        return Err(StoreError::new(StoreErrorKind::Refused, text));
    }
    match (found.missing.first(), found.unknown.first()) {
        (Some(missing), Some(unknown)) => {
            let text = format!(
                "a newer release has applied {unknown}, and {missing} of this release is missing; start the newest release in use"
            );
            return Err(StoreError::new(StoreErrorKind::Refused, text));
        }
        (_, None) => {
            failpoints::reach();
            Migrator::up(transaction, None).await?;
            failpoints::reach();
        }
        (None, Some(_)) => {}
    }
    Ok(found.unknown)
}

/// Returns the names of the applied migrations, in order.
async fn applied(connection: &impl ConnectionTrait, backend: Backend) -> Result<Vec<String>, StoreError> {
    let there = match backend {
        Backend::Sqlite => "SELECT 1 FROM sqlite_master WHERE name = 'seaql_migrations'",
        Backend::Postgres => "SELECT 1 WHERE to_regclass('seaql_migrations') IS NOT NULL",
    };
    let rows = |sql: &str| connection.query_all_raw(Statement::from_string(backend.db(), sql));
    if rows(there).await?.is_empty() {
        return Ok(Vec::new());
    }
    let rows = rows("SELECT version FROM seaql_migrations ORDER BY version").await?;
    Ok(rows.iter().map(|row| row.try_get("", "version")).collect::<Result<_, _>>()?)
}

/// Returns the names of this release's migrations, in order.
fn names() -> Vec<String> {
    Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use tokio::sync::Notify;
    use tokio::time::timeout;

    use super::*;
    use crate::postgres::Postgres;

    const SHORT: Duration = Duration::from_millis(20);
    /// The time after which a migration that waits without a bound fails the test.
    const LONG: Duration = Duration::from_secs(20);

    /// Returns a database, and a connection whose transaction has locked a table that migrations read.
    async fn locked() -> (Store, DatabaseConnection) {
        let store = Store::open(&Postgres::shared().create_database()).await.unwrap();
        store.migrate().await.unwrap();
        let other = connect_lane(store.url().secret(), Backend::Postgres).await.unwrap();
        other.execute_unprepared("BEGIN; LOCK TABLE seaql_migrations").await.unwrap();
        (store, other)
    }

    #[tokio::test]
    async fn a_migration_goes_on_when_another_transaction_has_released_its_table() {
        let (store, other) = locked().await;
        let is_retried = Notify::new();
        let pauses = std::iter::repeat_with(|| {
            is_retried.notify_one();
            SHORT
        });
        let release = async {
            is_retried.notified().await;
            other.execute_unprepared("ROLLBACK").await.unwrap();
        };
        let both = async { tokio::join!(store.migrate_with(SHORT, pauses), release) };
        let (migrated, ()) = timeout(LONG, both).await.unwrap();
        assert_eq!(migrated.unwrap(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_migration_that_gets_no_lock_ends_and_names_long_transactions() {
        let (store, _other) = locked().await;
        let migrated = timeout(LONG, store.migrate_with(SHORT, [SHORT; 2].into_iter())).await.unwrap();
        let error = migrated.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Unavailable);
        let text = Chain(&error).to_string();
        for part in ["pg_stat_activity", "the oldest transaction is ", "idle in transaction", "lock timeout"]
        {
            assert!(text.contains(part), "{text}");
        }
    }
}
