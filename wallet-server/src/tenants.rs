//! Tenants: platforms with wallets, catalogs and keys of their own.

use thiserror::Error;
use uuid::Uuid;
use wallet_core::catalog::{Catalog, CatalogProblems};
use wallet_core::{Author, TenantId, Timestamp};

use crate::clock::Clock;
use crate::keys::Mode;
use crate::store::{CatalogRow, Change, Store, StoreError, TenantRow};

const ACTIVE: i16 = 0;
const SUSPENDED: i16 = 1;

/// The longest name of a tenant, in characters.
const LONGEST_NAME: usize = 64;

/// Creates and suspends tenants. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Tenants {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
}

/// The reason why a tenant is not changed.
#[derive(Debug, Error)]
pub(crate) enum TenantError {
    #[error("{0:?} cannot name a tenant; a name has 1 to {LONGEST_NAME} letters, digits, - and _")]
    Name(String),
    #[error("there is a tenant {0} already; choose another name")]
    Exists(String),
    #[error("there is no tenant {0}; `wallet-server tenants list` shows all")]
    Missing(String),
    #[error("the catalog of the tenant is invalid: {0}")]
    Catalog(CatalogProblems),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A tenant after a call that creates, suspends or resumes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TenantAfter {
    pub(crate) row: TenantRow,
    /// True if the tenant was like this before, so that the call changed nothing.
    pub(crate) unchanged: bool,
}

/// Returns whether a text can name a tenant.
pub(crate) fn is_name(text: &str) -> bool {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    (1..=LONGEST_NAME).contains(&text.len()) && text.chars().all(allowed)
}

impl Mode {
    /// Returns the kind of a tenant.
    pub(crate) const fn of(tenant: &TenantRow) -> Self {
        if tenant.mode == 0 { Self::Live } else { Self::Test }
    }
}

/// Returns the time at which a tenant was created. `None` for the tenant `default`, which the schema has.
pub(crate) fn created(tenant: &TenantRow) -> Option<Timestamp> {
    (tenant.create_time != 0).then(|| Timestamp::from_micros(tenant.create_time))
}

/// Returns whether the calls of a tenant are refused.
pub(crate) const fn is_suspended(tenant: &TenantRow) -> bool {
    tenant.status != ACTIVE
}

impl Tenants {
    /// Creates a tenant whose first catalog is this document (TOML), unless there is one with this name and mode.
    pub(crate) async fn create(
        &self,
        name: &str,
        mode: Mode,
        toml: &str,
        author: &Author,
    ) -> Result<TenantAfter, TenantError> {
        if !is_name(name) {
            return Err(TenantError::Name(name.to_owned()));
        }
        let catalog = Catalog::parse(toml).map_err(TenantError::Catalog)?;
        let now = self.clock.now();
        let tenant = TenantId(Uuid::new_v4());
        let row = TenantRow {
            tenant: tenant.0,
            name: name.to_owned(),
            mode: match mode {
                Mode::Live => 0,
                Mode::Test => 1,
            },
            status: ACTIVE,
            create_time: now.as_micros(),
            clock_ahead: 0,
        };
        let catalog = CatalogRow {
            tenant: tenant.0,
            version: 1,
            toml: toml.to_owned(),
            digest: catalog.digest().to_vec(),
            publish_time: now.as_micros(),
        };
        let transaction = self.store.begin_control().await?;
        match transaction.tenant_named(name).await? {
            Some(row) if Mode::of(&row) == mode => return Ok(TenantAfter { row, unchanged: true }),
            Some(_) => return Err(TenantError::Exists(name.to_owned())),
            None => {}
        }
        transaction.insert_tenant(row.clone(), catalog).await?;
        let details = format!("{mode:?}").to_lowercase();
        let change = Change { action: "tenant.create", subject: name.to_owned(), details };
        transaction.commit(change.row(tenant, author, now)).await?;
        Ok(TenantAfter { row, unchanged: false })
    }

    /// Suspends a tenant, or resumes it. A change takes effect within 5 seconds.
    pub(crate) async fn suspend(
        &self,
        name: &str,
        suspended: bool,
        author: &Author,
    ) -> Result<TenantAfter, TenantError> {
        let transaction = self.store.begin_control().await?;
        let row = transaction.tenant_named(name).await?;
        let mut row = row.ok_or_else(|| TenantError::Missing(name.to_owned()))?;
        if is_suspended(&row) == suspended {
            return Ok(TenantAfter { row, unchanged: true });
        }
        let action = if suspended { "tenant.suspend" } else { "tenant.resume" };
        row.status = if suspended { SUSPENDED } else { ACTIVE };
        let tenant = TenantId(row.tenant);
        transaction.set_status(tenant, row.status).await?;
        let change = Change { action, subject: name.to_owned(), details: String::new() };
        transaction.commit(change.row(tenant, author, self.clock.now())).await?;
        Ok(TenantAfter { row, unchanged: false })
    }

    /// Returns the id of the tenant with this name.
    pub(crate) async fn named(&self, name: &str) -> Result<TenantId, TenantError> {
        let row = self.store.tenant_named(name).await?;
        row.map(|row| TenantId(row.tenant)).ok_or_else(|| TenantError::Missing(name.to_owned()))
    }
}
