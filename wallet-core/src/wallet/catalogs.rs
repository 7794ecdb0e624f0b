//! The catalogs of a decision: the current one, and older ones that reservations are pinned to.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalog::{Catalog, Unusable};
use crate::value::time::Timestamp;
use crate::wallet::rejection::Rejection;

/// The current catalog and the older versions that the commands refer to.
#[derive(Debug, Clone)]
pub struct Catalogs {
    /// The catalog that prices new jobs.
    pub current: Arc<Catalog>,
    /// Older catalogs by version.
    pub older: BTreeMap<i64, Arc<Catalog>>,
    /// The instants at which older catalogs were replaced, for those that were loaded.
    pub replaced: BTreeMap<i64, Timestamp>,
    /// The versions that are stored but cannot be used, with the reason.
    pub unusable: BTreeMap<i64, Unusable>,
}

impl Catalogs {
    /// Returns a set with only the current catalog.
    pub fn of(current: Arc<Catalog>) -> Self {
        Self { current, older: BTreeMap::new(), replaced: BTreeMap::new(), unusable: BTreeMap::new() }
    }

    /// Returns the catalog of a version, or a rejection if it is unusable or not in the set.
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

    /// Returns whether the set contains a version, or knows that it is unusable.
    pub fn knows(&self, version: i64) -> bool {
        version == self.current.version
            || self.older.contains_key(&version)
            || self.unusable.contains_key(&version)
    }
}
