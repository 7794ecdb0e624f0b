//! Publishing: a document becomes the current catalog, or nothing changes.
//!
//! A publication that is repeated must not undo a newer one. The caller may name the version to replace; without
//! it, a text that was published before and is not current is refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;
use wallet_core::catalog::{Catalog, CatalogProblems, Existing, Plan};
use wallet_core::{Author, TenantId};

use super::{CatalogError, Publication, PublishedCatalogs, usable};
use crate::call_name::in_call;
use crate::causes::{Chain, Failed};
use crate::clock::Clock;
use crate::store::{CatalogRow, Change, Publishing, Store, StoreError, StoreErrorKind};

/// The most attempts of a publication that is in conflict with another transaction.
const MAX_TRIES: u32 = 5;

/// The reason why a catalog is not published.
#[derive(Debug, Error)]
pub enum PublishError {
    /// The document is invalid. Contains all its faults.
    #[error(transparent)]
    Invalid(CatalogProblems),
    /// The current version is not the one to be replaced.
    #[error(
        "version {current} is current, not {expected}; look at it, then publish with expected_version {current}"
    )]
    NotExpected { expected: i64, current: i64 },
    /// The document was published before, and a newer one is current.
    #[error(
        "the document was published before, as version {published}, and version {current} is current; to go back to \
         it, publish it with expected_version {current}"
    )]
    PublishedBefore { published: i64, current: i64 },
    /// A stored catalog must not be used.
    #[error(transparent)]
    Unusable(CatalogError),
    /// The database is unavailable.
    #[error(transparent)]
    Unavailable(#[from] StoreError),
}

/// A document to publish.
#[derive(Debug, Clone)]
pub(crate) struct Publish {
    pub(crate) toml: String,
    /// The version to replace; any version by default.
    pub(crate) expected: Option<i64>,
    /// Only checks the document.
    pub(crate) validate_only: bool,
    pub(crate) author: Author,
}

/// The effects of a publication.
pub(crate) struct Published {
    pub(crate) publication: Publication,
    /// True if it was current before.
    pub(crate) unchanged: bool,
    /// The plans that are sold on other terms than before, and have subscribers.
    pub(crate) changed_plans: Vec<ChangedPlan>,
}

/// A plan that is sold on other terms than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChangedPlan {
    pub(crate) id: String,
    /// The number of wallets that have it, or will have it at the end of a period.
    pub(crate) subscribers: i64,
    pub(crate) existing: Existing,
}

impl PublishedCatalogs {
    /// Reads the catalogs of all tenants, and ensures that the default tenant has one: publishes `wanted` unless it was
    /// published before, or `fallback` if there is no catalog at all.
    pub(crate) async fn open(
        store: Store,
        clock: Clock,
        wanted: Option<&str>,
        fallback: &str,
    ) -> Result<Self, PublishError> {
        let built_in = Arc::new(Catalog::parse(fallback).map_err(PublishError::Invalid)?);
        let catalogs = Self { store, clock, cache: Arc::default(), built_in };
        let tenant = TenantId::DEFAULT;
        match (catalogs.refresh(tenant).await, wanted) {
            (Ok(()), _) => {}
            (Err(CatalogError::Store(error)), _) => return Err(error.into()),
            (Err(error @ CatalogError::Unusable { .. }), None) => return Err(PublishError::Unusable(error)),
            (Err(error), Some(_)) => {
                tracing::error!(error = %Chain(&error), "the current catalog cannot be used; it will be replaced")
            }
        }
        match catalogs.refresh_all().await {
            Err(CatalogError::Store(error)) => return Err(error.into()),
            Err(error) => tracing::error!(error = %Chain(&error), "a catalog cannot be used"),
            Ok(()) => {}
        }
        let has_one = catalogs.cached_current(tenant).is_some();
        let Some(toml) = wanted.or_else(|| (!has_one).then_some(fallback)) else { return Ok(catalogs) };
        let author = Author::system();
        let publish = Publish { toml: toml.to_owned(), expected: None, validate_only: false, author };
        match catalogs.publish(tenant, publish).await {
            Ok(_) => {}
            Err(PublishError::PublishedBefore { published, current }) if has_one => tracing::warn!(
                published,
                current,
                "the catalog given at the start was published before and a newer one is current: it is not published \
                 again"
            ),
            Err(error) => return Err(error),
        }
        Ok(catalogs)
    }

    /// Makes a document the current catalog, and returns whether it was current already. Runs to its end even if
    /// the caller has gone away.
    pub(crate) async fn publish(
        &self,
        tenant: TenantId,
        publish: Publish,
    ) -> Result<Published, PublishError> {
        let catalogs = self.clone();
        let published = tokio::spawn(async move { catalogs.publish_in_turn(tenant, &publish).await });
        published.await.unwrap_or_else(|error| {
            let cause = Failed::new("publishing ended early", error);
            Err(StoreError::new(StoreErrorKind::CommitUnknown, cause).into())
        })
    }

    async fn publish_in_turn(&self, tenant: TenantId, publish: &Publish) -> Result<Published, PublishError> {
        let catalog = Catalog::parse(&publish.toml).map_err(PublishError::Invalid)?;
        let mut tries = 1;
        loop {
            match self.publish_once(tenant, publish, &catalog).await {
                // A conflict with another transaction: read again which version is current.
                Err(PublishError::Unavailable(error))
                    if error.kind == StoreErrorKind::Conflict && tries < MAX_TRIES =>
                {
                    tries += 1;
                }
                done => return done,
            }
        }
    }

    async fn publish_once(
        &self,
        tenant: TenantId,
        publish: &Publish,
        catalog: &Catalog,
    ) -> Result<Published, PublishError> {
        let publishing = self.store.begin_publishing(tenant).await?;
        let newest = publishing.newest().await?;
        let version = newest.as_ref().map_or(0, |row| row.version);
        let current = newest.as_ref().and_then(|row| usable(row).ok());
        if let Some(current) = current.clone().filter(|c| c.catalog.digest() == catalog.digest()) {
            self.install(tenant, current.clone());
            return Ok(Published { publication: current, unchanged: true, changed_plans: Vec::new() });
        }
        check_not_superseded(&publishing, publish, catalog, version).await?;
        let previous = current.or_else(|| self.cached_current(tenant)).map(|current| current.catalog);
        let changed_plans = check_against_use(&publishing, catalog, previous.as_deref()).await?;
        let publish_time = self.clock.now();
        if publish.validate_only {
            let publication = Publication { catalog: Arc::new(catalog.clone()), publish_time };
            return Ok(Published { publication, unchanged: false, changed_plans });
        }
        let version = version + 1;
        let row = CatalogRow {
            tenant: tenant.0,
            version,
            toml: publish.toml.clone(),
            digest: catalog.digest().to_vec(),
            publish_time: publish_time.as_micros(),
        };
        let change = Change {
            action: "catalog.publish",
            subject: version.to_string(),
            details: format!("digest {}", hex::encode(catalog.digest())),
        };
        publishing.commit(row, change.row(tenant, &publish.author, publish_time)).await?;
        let catalog = Arc::new(catalog.clone().with_version(version));
        let publication = Publication { catalog, publish_time };
        self.install(tenant, publication.clone());
        in_call(|| tracing::info!(version, "catalog published"));
        Ok(Published { publication, unchanged: false, changed_plans })
    }
}

/// Refuses a publication that would undo a newer one which the caller may not know.
async fn check_not_superseded(
    publishing: &Publishing,
    publish: &Publish,
    catalog: &Catalog,
    current: i64,
) -> Result<(), PublishError> {
    if let Some(expected) = publish.expected {
        return match expected == current {
            true => Ok(()),
            false => Err(PublishError::NotExpected { expected, current }),
        };
    }
    let before = publishing.with_digest(catalog.digest()).await?;
    // A catalog whose stored text was changed does not count as published.
    match before.iter().find(|row| usable(row).is_ok()) {
        Some(row) => Err(PublishError::PublishedBefore { published: row.version, current }),
        None => Ok(()),
    }
}

/// Refuses a catalog that removes something in use. Returns the plans with subscribers whose terms it changes. Profiles
/// are read only if a plan is withdrawn or changed.
async fn check_against_use(
    publishing: &Publishing,
    catalog: &Catalog,
    previous: Option<&Catalog>,
) -> Result<Vec<ChangedPlan>, PublishError> {
    let mut plans = previous.into_iter().flat_map(Catalog::plans);
    let is_changed = |before: &Plan| catalog.plan(&before.id).is_none_or(|plan| plan.sells_otherwise(before));
    let in_use = match plans.any(is_changed) {
        true => publishing.plans_in_use().await?,
        false => BTreeMap::new(),
    };
    let ids: Vec<String> = in_use.keys().cloned().collect();
    catalog.check_against_use(previous, &ids).map_err(PublishError::Invalid)?;
    let changed = in_use.into_iter().filter_map(|(id, subscribers)| {
        let plan = catalog.plan(&id)?;
        let is_changed = previous?.plan(&id).is_some_and(|before| plan.sells_otherwise(before));
        is_changed.then_some(ChangedPlan { id, subscribers, existing: plan.existing })
    });
    Ok(changed.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::BUNDLED_CATALOG;
    use crate::memory_log::MemoryLog;

    const WARNING: &str = "the catalog given at the start was published before and a newer one is current";

    #[tokio::test]
    async fn a_start_with_an_earlier_catalog_keeps_the_newer_one_and_warns() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/wallet.db", folder.path().display());
        let store = Store::open(&url).await.unwrap();
        store.migrate().await.unwrap();
        let (log, _logging) = MemoryLog::of_this_thread();
        let newer = format!("# newer\n{BUNDLED_CATALOG}");
        for (given, current, warnings) in [
            (Some(BUNDLED_CATALOG), 1, 0),
            (Some(&newer), 2, 0),
            (Some(&newer), 2, 0),
            (None, 2, 0),
            (Some(BUNDLED_CATALOG), 2, 1),
        ] {
            let opened =
                PublishedCatalogs::open(store.clone(), Clock::system(), given, BUNDLED_CATALOG).await;
            assert_eq!(opened.unwrap().current(TenantId::DEFAULT).version, current);
            assert_eq!(log.lines(WARNING).len(), warnings, "{}", log.text());
        }
        let warning = &log.lines(WARNING)[0];
        let fields = &warning["fields"];
        assert_eq!(
            (&warning["level"], &fields["published"], &fields["current"]),
            (&"WARN".into(), &1.into(), &2.into())
        );
    }
}
