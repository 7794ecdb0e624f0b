//! The catalogs at hand for a decision: the current one, and older ones that reservations are pinned to.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalog::Catalog;
use crate::rejection::Rejection;

/// The current catalog and the older versions that the commands at hand refer to.
#[derive(Debug, Clone)]
pub struct Catalogs {
    /// What new work is priced by.
    pub current: Arc<Catalog>,
    /// By version.
    pub older: BTreeMap<i64, Arc<Catalog>>,
}

impl Catalogs {
    /// A set with the current catalog only.
    pub fn of(current: Arc<Catalog>) -> Self {
        Self { current, older: BTreeMap::new() }
    }

    /// The catalog of a version.
    pub fn version(&self, version: i64) -> Result<&Catalog, Rejection> {
        if self.current.version == version {
            return Ok(&self.current);
        }
        self.older.get(&version).map(Arc::as_ref).ok_or(Rejection::CatalogNotFound(version))
    }
}
