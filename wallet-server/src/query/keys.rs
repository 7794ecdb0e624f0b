//! Lists of tenants, of a tenant's API keys and of its audit.

use uuid::Uuid;
use wallet_core::TenantId;

use crate::keys::KeyInfo;
use crate::query::{Listed, Page, Queries, ReadError};
use crate::store::{AuditRow, TenantRow};

impl Queries {
    /// Returns a tenant's keys by id.
    pub(crate) async fn keys(&self, tenant: TenantId, page: Page) -> Result<Listed<KeyInfo>, ReadError> {
        let after: Option<String> = page.position()?;
        let found = self.store.keys(tenant, after.as_deref(), page.probe()).await?;
        let found = found.into_iter().map(KeyInfo::try_from).collect::<Result<_, _>>()?;
        Ok(page.cut(found, |key: &KeyInfo| key.id.clone()))
    }

    /// Returns all tenants by name.
    pub(crate) async fn tenants(&self, page: Page) -> Result<Listed<TenantRow>, ReadError> {
        let after: Option<String> = page.position()?;
        let found = self.store.tenants_after(&after.unwrap_or_default(), page.probe()).await?;
        Ok(page.cut(found, |row: &TenantRow| row.name.clone()))
    }

    /// Returns the changes of a tenant, its keys and its catalogs, the newest first.
    pub(crate) async fn audit(&self, tenant: TenantId, page: Page) -> Result<Listed<AuditRow>, ReadError> {
        let before: Option<(i64, Uuid)> = page.position()?;
        let found = self.store.audit(tenant, before, page.probe()).await?;
        Ok(page.cut(found, |row: &AuditRow| (row.event_time, row.event_id)))
    }
}
