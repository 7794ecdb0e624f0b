//! The catalogs of a decision: the current one, and older ones to which reservations are pinned.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalog::{Catalog, Unusable};
use crate::wallet::rejection::Rejection;

/// The current catalog and the older versions that the commands at hand refer to.
#[derive(Debug, Clone)]
pub struct Catalogs {
    /// The catalog that prices new work.
    pub current: Arc<Catalog>,
    /// The older catalogs, by version.
    pub older: BTreeMap<i64, Arc<Catalog>>,
    /// The reasons why stored versions cannot be used, by version.
    pub unusable: BTreeMap<i64, Unusable>,
}

impl Catalogs {
    /// Returns a set with the current catalog only.
    pub fn of(current: Arc<Catalog>) -> Self {
        Self { current, older: BTreeMap::new(), unusable: BTreeMap::new() }
    }

    /// Returns the catalog of a version.
    pub fn version(&self, version: i64) -> Result<&Catalog, Rejection> {
        if self.current.version == version {
            return Ok(&self.current);
        }
        if let Some(catalog) = self.older.get(&version) {
            return Ok(catalog);
        }
        match self.unusable.get(&version) {
            Some(why) => Err(Rejection::CatalogUnusable { version, why: why.clone() }),
            None => Err(Rejection::CatalogNotFound(version)),
        }
    }

    /// Returns whether the catalog of a version is in the set, or known to be unusable.
    pub fn knows(&self, version: i64) -> bool {
        version == self.current.version
            || self.older.contains_key(&version)
            || self.unusable.contains_key(&version)
    }
}
