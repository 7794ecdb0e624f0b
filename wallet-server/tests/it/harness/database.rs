//! A database of a test's own.

use std::sync::Arc;

use tempfile::TempDir;

use super::postgres::Postgres;

/// A fresh database; a SQLite file goes with the last clone, a PostgreSQL database with its cluster.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pub(crate) url: String,
    _folder: Option<Arc<TempDir>>,
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite://{}/wallet.db", folder.path().display());
        Self { url, _folder: Some(Arc::new(folder)) }
    }

    pub(crate) fn postgres() -> Self {
        Self::on(Postgres::shared())
    }

    /// A database of this cluster.
    pub(crate) fn on(cluster: &Postgres) -> Self {
        Self { url: cluster.create_database(), _folder: None }
    }
}
