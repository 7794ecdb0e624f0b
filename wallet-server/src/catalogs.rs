//! Published catalogs: the current one of each tenant in memory, older ones loaded when a hold, a quote or a
//! subscription refers to them.
//!
//! Catalogs are stored in the database. Every replica looks for a newer one regularly, and at once when a wallet
//! refers to one. A bad catalog never replaces the last good one. A stored catalog is parsed but not checked again,
//! so that a program with stricter checks can settle by catalogs published under earlier ones. Its text must have
//! the digest that was stored when it was published; otherwise it is not used.

mod publish;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, PoisonError, RwLock};

use lru::LruCache;
use thiserror::Error;
use wallet_core::catalog::Catalog;
use wallet_core::catalog::Unusable;
use wallet_core::catalogs::Catalogs;
use wallet_core::{TenantId, Timestamp, Wallet};

pub(crate) use self::publish::{Publish, PublishError, Published};
use crate::call_name::in_call;
use crate::causes::Chain;
use crate::clock::Clock;
use crate::store::{CatalogRow, Store, StoreError};

/// The most older catalogs kept in memory. The least recently used ones make room for others.
const MAX_CACHED: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// A catalog with the time of its publication.
#[derive(Debug, Clone)]
pub(crate) struct Publication {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) publish_time: Timestamp,
}

/// The reason why a stored catalog is not available.
#[derive(Debug, Error)]
pub enum CatalogError {
    /// The catalog must not be used.
    #[error("catalog version {version} cannot be used: {why}; restore the text that was published")]
    Unusable { version: i64, why: Unusable },
    /// The database is unavailable.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The catalogs of all tenants. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct PublishedCatalogs {
    store: Store,
    clock: Clock,
    cache: Arc<RwLock<Cache>>,
    /// The catalog of a tenant that has published none.
    built_in: Arc<Catalog>,
}

#[derive(Debug)]
struct Cache {
    current: BTreeMap<TenantId, Publication>,
    older: LruCache<(TenantId, i64), Publication>,
}

impl Default for Cache {
    fn default() -> Self {
        Self { current: BTreeMap::new(), older: LruCache::new(MAX_CACHED) }
    }
}

impl PublishedCatalogs {
    /// Returns the catalog that prices new work.
    pub(crate) fn current(&self, tenant: TenantId) -> Arc<Catalog> {
        self.cached_current(tenant).map_or_else(|| self.built_in.clone(), |publication| publication.catalog)
    }

    /// Returns a catalog by version, from memory if possible.
    pub(crate) async fn version(
        &self,
        tenant: TenantId,
        version: i64,
    ) -> Result<Option<Arc<Catalog>>, CatalogError> {
        Ok(self.published(tenant, Some(version)).await?.map(|publication| publication.catalog))
    }

    /// Returns a catalog with the time of its publication; the current one by default.
    pub(crate) async fn published(
        &self,
        tenant: TenantId,
        version: Option<i64>,
    ) -> Result<Option<Publication>, CatalogError> {
        let current = self.cached_current(tenant);
        let Some(version) = version else { return Ok(current) };
        if let Some(publication) = current.filter(|publication| publication.catalog.version == version) {
            return Ok(Some(publication));
        }
        let cached = self.write().older.get(&(tenant, version)).cloned();
        if cached.is_some() {
            return Ok(cached);
        }
        let Some(row) = self.store.catalog(tenant, version).await? else { return Ok(None) };
        let publication = usable(&row)?;
        self.write().older.put((tenant, version), publication.clone());
        Ok(Some(publication))
    }

    /// Returns the catalogs for decisions about a wallet: the current one, or `instead` in its place, and those
    /// that the wallet's plans were sold from if they are needed to look the plans up.
    pub(crate) async fn of_wallet(
        &self,
        tenant: TenantId,
        wallet: &Wallet,
        instead: Option<Arc<Catalog>>,
    ) -> Result<Catalogs, StoreError> {
        self.catch_up(tenant, wallet.sold_from().max().unwrap_or_default()).await;
        let mut catalogs = Catalogs::of(instead.unwrap_or_else(|| self.current(tenant)));
        self.add_sold(tenant, wallet, &mut catalogs).await?;
        Ok(catalogs)
    }

    /// Adds the catalogs that the wallet's plans were sold from, if they are needed to look the plans up.
    pub(crate) async fn add_sold(
        &self,
        tenant: TenantId,
        wallet: &Wallet,
        catalogs: &mut Catalogs,
    ) -> Result<(), StoreError> {
        let versions: Vec<i64> = wallet.sold_elsewhere(&catalogs.current).collect();
        for version in versions {
            self.add(tenant, version, catalogs).await?;
        }
        Ok(())
    }

    /// Adds a version to `catalogs`, or the reason why it cannot be used. A version that does not exist is skipped.
    pub(crate) async fn add(
        &self,
        tenant: TenantId,
        version: i64,
        catalogs: &mut Catalogs,
    ) -> Result<(), StoreError> {
        if catalogs.knows(version) {
            return Ok(());
        }
        match self.version(tenant, version).await {
            Ok(Some(catalog)) => {
                catalogs.older.insert(version, catalog);
                // An unreadable next version leaves the instant unknown.
                match self.published(tenant, Some(version + 1)).await {
                    Ok(Some(next)) => _ = catalogs.replaced.insert(version, next.publish_time),
                    Err(CatalogError::Store(error)) => return Err(error),
                    Ok(None) | Err(CatalogError::Unusable { .. }) => {}
                }
            }
            Ok(None) => {}
            Err(CatalogError::Unusable { version, why }) => {
                in_call(
                    || tracing::error!(version, %why, "a stored catalog cannot be used; run `wallet-server verify`"),
                );
                catalogs.unusable.insert(version, why);
            }
            Err(CatalogError::Store(error)) => return Err(error),
        }
        Ok(())
    }

    /// Looks for a newer catalog if the current one is older than `version`. If that fails, the last good catalog
    /// stays in use.
    pub(crate) async fn catch_up(&self, tenant: TenantId, version: i64) {
        if self.current(tenant).version < version
            && let Err(error) = self.refresh(tenant).await
        {
            in_call(|| {
                tracing::warn!(version, error = %Chain(&error), "cannot look for a newer catalog; the last good one stays in use");
            });
        }
    }

    /// Makes sure that the catalog of a tenant is in memory.
    pub(crate) async fn know(&self, tenant: TenantId) -> Result<(), CatalogError> {
        let is_known = self.cached_current(tenant).is_some();
        if is_known { Ok(()) } else { self.refresh(tenant).await }
    }

    /// Looks for newer catalogs of all tenants. A catalog that cannot be used does not affect other tenants.
    pub(crate) async fn refresh_all(&self) -> Result<(), CatalogError> {
        let mut unusable = None;
        for (tenant, version) in self.store.newest_catalogs().await? {
            if self.cached_current(tenant).is_some_and(|p| p.catalog.version >= version) {
                continue;
            }
            match self.refresh(tenant).await {
                Err(error @ CatalogError::Unusable { .. }) => unusable = Some(error),
                refreshed => refreshed?,
            }
        }
        unusable.map_or(Ok(()), Err)
    }

    async fn refresh(&self, tenant: TenantId) -> Result<(), CatalogError> {
        let Some(row) = self.store.current_catalog(tenant).await? else { return Ok(()) };
        let known = self.cached_current(tenant).is_some_and(|p| p.catalog.version >= row.version);
        if !known {
            self.install(tenant, usable(&row)?);
        }
        Ok(())
    }

    fn install(&self, tenant: TenantId, publication: Publication) {
        let mut cache = self.write();
        let newer =
            cache.current.get(&tenant).is_none_or(|p| p.catalog.version < publication.catalog.version);
        if newer {
            cache.current.insert(tenant, publication);
        }
    }

    fn cached_current(&self, tenant: TenantId) -> Option<Publication> {
        self.read().current.get(&tenant).cloned()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Cache> {
        self.cache.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Cache> {
        self.cache.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Parses a stored catalog. Fails if its text is not the one that was published.
fn usable(row: &CatalogRow) -> Result<Publication, CatalogError> {
    let unusable = |why| CatalogError::Unusable { version: row.version, why };
    let found = Catalog::digest_of(&row.toml);
    if row.digest != found {
        let published = hex::encode(&row.digest);
        return Err(unusable(Unusable::Changed { published, found: hex::encode(found) }));
    }
    let catalog = Catalog::read_published(&row.toml).map_err(|problems| {
        let problem = problems.0.first().map(ToString::to_string).unwrap_or_default();
        unusable(Unusable::Unreadable { digest: hex::encode(found), problem })
    })?;
    Ok(Publication {
        catalog: Arc::new(catalog.with_version(row.version)),
        publish_time: Timestamp::from_micros(row.publish_time),
    })
}
