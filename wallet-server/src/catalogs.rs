//! Published catalogs: the current one of each tenant in memory, older ones loaded when a hold is pinned to them.
//!
//! Catalogs live in the database; every replica looks for a newer one now and then. A bad catalog never replaces
//! the last good one.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use thiserror::Error;
use wallet_core::catalog::{Catalog, CatalogProblems};
use wallet_core::{TenantId, Timestamp};

use crate::clock::Clock;
use crate::store::{CatalogRow, Store, StoreError, Trouble};

/// How many older catalogs are kept in memory.
const MAX_CACHED: usize = 64;

/// A catalog with the instant it was published.
#[derive(Debug, Clone)]
pub(crate) struct Publication {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) publish_time: Timestamp,
}

/// Why a catalog is not published.
#[derive(Debug, Error)]
pub(crate) enum PublishError {
    /// The document is wrong; everything that is.
    #[error("{0}")]
    Invalid(CatalogProblems),
    /// The database is away.
    #[error("{0}")]
    Unavailable(#[from] StoreError),
}

/// The catalogs of all tenants. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct PublishedCatalogs {
    store: Store,
    clock: Clock,
    cache: Arc<RwLock<Cache>>,
    /// For a tenant that has published nothing of its own.
    house: Arc<Catalog>,
}

#[derive(Debug, Default)]
struct Cache {
    current: BTreeMap<TenantId, Publication>,
    older: BTreeMap<(TenantId, i64), Publication>,
}

impl PublishedCatalogs {
    /// Makes sure the default tenant has a catalog: `wanted` is published if it differs from the current one,
    /// `fallback` if there is none at all.
    pub(crate) async fn open(
        store: Store,
        clock: Clock,
        wanted: Option<&str>,
        fallback: &str,
    ) -> Result<Self, PublishError> {
        let house = Arc::new(Catalog::parse(fallback).map_err(PublishError::Invalid)?);
        let catalogs = Self { store, clock, cache: Arc::default(), house };
        catalogs.refresh(TenantId::DEFAULT).await?;
        let has_one = catalogs.cached_current(TenantId::DEFAULT).is_some();
        if let Some(toml) = wanted.or_else(|| (!has_one).then_some(fallback)) {
            catalogs.publish(TenantId::DEFAULT, toml).await?;
        }
        Ok(catalogs)
    }

    /// What new work is priced by.
    pub(crate) fn current(&self, tenant: TenantId) -> Arc<Catalog> {
        self.cached_current(tenant).map_or_else(|| self.house.clone(), |publication| publication.catalog)
    }

    /// A catalog by version, from memory if it is there.
    pub(crate) async fn version(
        &self,
        tenant: TenantId,
        version: i64,
    ) -> Result<Option<Arc<Catalog>>, StoreError> {
        Ok(self.published(tenant, Some(version)).await?.map(|publication| publication.catalog))
    }

    /// A catalog with its publication; the current one by default.
    pub(crate) async fn published(
        &self,
        tenant: TenantId,
        version: Option<i64>,
    ) -> Result<Option<Publication>, StoreError> {
        let current = self.cached_current(tenant);
        let Some(version) = version else { return Ok(current) };
        if let Some(publication) = current.filter(|publication| publication.catalog.version == version) {
            return Ok(Some(publication));
        }
        let cached = self.read().older.get(&(tenant, version)).cloned();
        if cached.is_some() {
            return Ok(cached);
        }
        let Some(row) = self.store.catalog(tenant, version).await? else { return Ok(None) };
        let publication = parsed(&row)?;
        let mut cache = self.write();
        if cache.older.len() >= MAX_CACHED {
            cache.older.pop_first();
        }
        cache.older.insert((tenant, version), publication.clone());
        Ok(Some(publication))
    }

    /// Everything that would be wrong with publishing a document now.
    pub(crate) async fn check(&self, tenant: TenantId, toml: &str) -> Result<Catalog, PublishError> {
        let catalog = Catalog::parse(toml).map_err(PublishError::Invalid)?;
        self.refresh(tenant).await?;
        let previous = self.cached_current(tenant).map(|publication| publication.catalog);
        let in_use = self.store.plans_in_use(tenant).await?;
        catalog.check_against_use(previous.as_deref(), &in_use).map_err(PublishError::Invalid)?;
        Ok(catalog)
    }

    /// Makes a document current; says whether it was already.
    pub(crate) async fn publish(
        &self,
        tenant: TenantId,
        toml: &str,
    ) -> Result<(Publication, bool), PublishError> {
        loop {
            let catalog = self.check(tenant, toml).await?;
            let current = self.cached_current(tenant);
            if let Some(current) = &current
                && current.catalog.digest() == catalog.digest()
            {
                return Ok((current.clone(), true));
            }
            let version = current.map_or(0, |current| current.catalog.version) + 1;
            let publish_time = self.clock.now();
            let row = CatalogRow {
                tenant: tenant.0,
                version,
                toml: toml.to_owned(),
                digest: catalog.digest().to_vec(),
                publish_time: publish_time.as_micros(),
            };
            match self.store.insert_catalog(row).await {
                Ok(()) => {}
                // Another server took this version: look again at what is current.
                Err(error) if error.trouble == Trouble::Conflict => continue,
                Err(error) => return Err(error.into()),
            }
            let publication = Publication { catalog: Arc::new(catalog.with_version(version)), publish_time };
            self.install(tenant, publication.clone());
            tracing::info!(version, "catalog published");
            return Ok((publication, false));
        }
    }

    /// Looks for a newer catalog of every known tenant.
    pub(crate) async fn refresh_all(&self) -> Result<(), StoreError> {
        let tenants: Vec<TenantId> = self.read().current.keys().copied().collect();
        for tenant in tenants {
            self.refresh(tenant).await?;
        }
        Ok(())
    }

    async fn refresh(&self, tenant: TenantId) -> Result<(), StoreError> {
        let Some(row) = self.store.current_catalog(tenant).await? else { return Ok(()) };
        let known = self.cached_current(tenant).is_some_and(|p| p.catalog.version >= row.version);
        if !known {
            self.install(tenant, parsed(&row)?);
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

fn parsed(row: &CatalogRow) -> Result<Publication, StoreError> {
    let catalog = Catalog::parse(&row.toml).map_err(|problems| {
        StoreError::corrupt(format!("catalog {} does not parse: {problems}", row.version))
    })?;
    Ok(Publication {
        catalog: Arc::new(catalog.with_version(row.version)),
        publish_time: Timestamp::from_micros(row.publish_time),
    })
}
