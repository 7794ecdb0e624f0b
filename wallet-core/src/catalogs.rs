//! The catalogs at hand for a decision: the current one, and older ones that reservations are pinned to.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use crate::catalog::Catalog;
use crate::rejection::Rejection;

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

/// Why a stored catalog cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unusable {
    /// Its text is not the one that was published.
    #[error(
        "its text was changed after it was published: the digest is {found}, that of the text published is {published}"
    )]
    Changed {
        /// SHA-256 of the text that was published, in hex.
        published: String,
        /// SHA-256 of the text as it is now, in hex.
        found: String,
    },
    /// This program cannot read its text.
    #[error("its text with digest {digest} cannot be read: {problem}")]
    Unreadable {
        /// SHA-256 of the text, in hex.
        digest: String,
        /// The first problem.
        problem: String,
    },
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
