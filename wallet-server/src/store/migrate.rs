//! The schema of a database: brings it up to date, and compares it with the migrations of this release.
//!
//! A release serves from a schema that a newer one has migrated, so that servers can be replaced one by one and a
//! release can be rolled back: migrations only add. The name of a migration that removes something states which
//! releases may still use the schema ([`migrations::excludes`]).

use migrations::{Migrator, excludes, failpoints};
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};
use sea_orm_migration::MigratorTrait;

use crate::store::connect::connect_lane;
use crate::store::timed::begin_migrating;
use crate::store::{Backend, Store, StoreError, StoreErrorKind};

/// Key of the advisory lock around migrations: the bytes of "credwall".
const MIGRATION_LOCK: i64 = 0x6372_6564_7761_6c6c;

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
    /// Fails if this release cannot use the schema of the newer one.
    pub(crate) async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        let connection = connect_lane(self.url().secret(), self.backend()).await?;
        let transaction = begin_migrating(&connection).await?;
        if self.backend() == Backend::Postgres {
            let alone = format!(
                "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0;
                 SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"
            );
            transaction.execute_unprepared(&alone).await?;
        }
        let newer = migrate_within(&transaction, self.backend()).await?;
        transaction.commit().await?;
        failpoints::reach();
        connection.close().await?;
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
