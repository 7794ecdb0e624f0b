//! Fresh databases, one per test.

use std::net::SocketAddr;
use std::sync::Arc;

use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection};
use tempfile::TempDir;

use super::postgres::Postgres;

/// A fresh database. A SQLite file is removed with the last clone, a PostgreSQL database with its cluster.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pub(crate) url: String,
    _folder: Option<Arc<TempDir>>,
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        Self::within(tempfile::tempdir().expect("a temporary folder"))
    }

    /// The SQLite file `wallet.db` of this folder.
    pub(crate) fn within(folder: TempDir) -> Self {
        let url = format!("sqlite://{}/wallet.db", folder.path().display());
        Self { url, _folder: Some(Arc::new(folder)) }
    }

    pub(crate) fn postgres() -> Self {
        Self::on(Postgres::shared())
    }

    /// `SQLite` or `PostgreSQL`.
    pub(crate) fn name(&self) -> &'static str {
        if self.url.starts_with("sqlite") { "SQLite" } else { "PostgreSQL" }
    }

    /// The address on which its PostgreSQL listens.
    pub(crate) fn address(&self) -> SocketAddr {
        let (_, rest) = self.url.split_once('@').expect("a database of a cluster");
        rest.split('/').next().and_then(|address| address.parse().ok()).expect("its address")
    }

    /// The same database through another address, for example a proxy's.
    pub(crate) fn by_way_of(&self, address: SocketAddr) -> Self {
        Self { url: self.url.replace(&self.address().to_string(), &address.to_string()), ..self.clone() }
    }

    /// Opens a session of its own, as no server does.
    pub(crate) async fn connect(&self) -> DatabaseConnection {
        let mut options = ConnectOptions::new(&self.url);
        // Otherwise sqlx 0.9.0 runs a task that closes old connections and can spin forever (sqlx issue 3645).
        options.idle_timeout(None).max_lifetime(None).sqlx_logging(false);
        sea_orm::Database::connect(options).await.expect("the database")
    }

    /// Executes statements directly, as no server does. Returns the number of rows that changed.
    pub(crate) async fn execute(&self, sql: &str) -> u64 {
        let connection = self.connect().await;
        let done = connection.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        connection.close().await.expect("it closes");
        done.rows_affected()
    }

    /// A new database of this cluster.
    pub(crate) fn on(cluster: &Postgres) -> Self {
        Self { url: cluster.create_database(), _folder: None }
    }
}
