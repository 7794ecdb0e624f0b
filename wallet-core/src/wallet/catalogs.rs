//! The catalogs at hand for a decision: the current one, and older ones that reservations are pinned to.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalog::{Catalog, Unusable};
use crate::wallet::rejection::Rejection;

/// The current catalog and the older versions that the commands at hand refer to.
#[derive(Debug, Clone)]
pub struct Catalogs {
    /// What new work is priced by.
    pub current: Arc<Catalog>,
    /// By version.
    pub older: BTreeMap<i64, Arc<Catalog>>,
    /// Why a version that is stored cannot be used, by version.
    pub unusable: BTreeMap<i64, Unusable>,
}

impl Catalogs {
    /// A set with the current catalog only.
    pub fn of(current: Arc<Catalog>) -> Self {
        Self { current, older: BTreeMap::new(), unusable: BTreeMap::new() }
    }

    /// The catalog of a version.
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

    /// Whether the catalog of a version is at hand, or known to be unusable.
    pub fn knows(&self, version: i64) -> bool {
        version == self.current.version
            || self.older.contains_key(&version)
            || self.unusable.contains_key(&version)
    }
}
