//! Reads of tenants, API keys and the audit.

use std::time::Duration;

use sea_orm::{ColumnTrait, Condition, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;
use wallet_core::TenantId;

use crate::store::tables::{api_keys, audit_events, tenants};
use crate::store::{Store, StoreError};

/// An API key as stored.
pub(crate) type KeyRow = api_keys::Model;
/// A tenant as stored.
pub(crate) type TenantRow = tenants::Model;
/// A row of the audit.
pub(crate) type AuditRow = audit_events::Model;

/// Returns the time by which the clock of a tenant is ahead of the server's.
pub(crate) fn clock_ahead(tenant: &TenantRow) -> Duration {
    Duration::from_micros(u64::try_from(tenant.clock_ahead).unwrap_or_default())
}

impl Store {
    /// Returns an API key with its tenant.
    pub(crate) async fn key(&self, id: &str) -> Result<Option<(KeyRow, TenantRow)>, StoreError> {
        let Some(key) = api_keys::Entity::find_by_id(id).one(&self.control()).await? else { return Ok(None) };
        let tenant = tenants::Entity::find_by_id(key.tenant).one(&self.control()).await?;
        let tenant =
            tenant.ok_or_else(|| StoreError::corrupt(format!("the tenant of key {id} is missing")))?;
        Ok(Some((key, tenant)))
    }

    /// Returns whether there is an API key.
    pub(crate) async fn has_keys(&self) -> Result<bool, StoreError> {
        Ok(api_keys::Entity::find().limit(1).one(&self.control()).await?.is_some())
    }

    /// Returns keys of a tenant by id, at most `most`, after one of them.
    pub(crate) async fn keys(
        &self,
        tenant: TenantId,
        after: Option<&str>,
        most: u64,
    ) -> Result<Vec<KeyRow>, StoreError> {
        let mut query = api_keys::Entity::find().filter(api_keys::Column::Tenant.eq(tenant.0));
        if let Some(after) = after {
            query = query.filter(api_keys::Column::KeyId.gt(after));
        }
        Ok(query.order_by_asc(api_keys::Column::KeyId).limit(most).all(&self.control()).await?)
    }

    /// Returns the tenant with this id.
    pub(crate) async fn tenant(&self, tenant: TenantId) -> Result<Option<TenantRow>, StoreError> {
        Ok(tenants::Entity::find_by_id(tenant.0).one(&self.control()).await?)
    }

    /// Returns all tenants by name.
    pub(crate) async fn tenants(&self) -> Result<Vec<TenantRow>, StoreError> {
        Ok(tenants::Entity::find().order_by_asc(tenants::Column::Name).all(&self.control()).await?)
    }

    /// Returns the names of the tenants that were created first, at most `most`.
    pub(crate) async fn first_tenants(&self, most: u64) -> Result<Vec<(TenantId, String)>, StoreError> {
        let query = tenants::Entity::find()
            .order_by_asc(tenants::Column::CreateTime)
            .order_by_asc(tenants::Column::Tenant)
            .limit(most);
        let rows = query.all(&self.control()).await?;
        Ok(rows.into_iter().map(|row| (TenantId(row.tenant), row.name)).collect())
    }

    /// Returns tenants by name, at most `most`, after one of them.
    pub(crate) async fn tenants_after(&self, after: &str, most: u64) -> Result<Vec<TenantRow>, StoreError> {
        let query = tenants::Entity::find().filter(tenants::Column::Name.gt(after));
        Ok(query.order_by_asc(tenants::Column::Name).limit(most).all(&self.control()).await?)
    }

    /// Returns the test tenants whose clocks are ahead of the server's, and by how much.
    pub(crate) async fn tenant_clocks(&self) -> Result<Vec<(TenantId, Duration)>, StoreError> {
        let of_tests = tenants::Column::ClockAhead.gt(0).and(tenants::Column::Mode.eq(1));
        let ahead = tenants::Entity::find().filter(of_tests).all(&self.control()).await?;
        Ok(ahead.iter().map(|row| (TenantId(row.tenant), clock_ahead(row))).collect())
    }

    /// Returns the tenant with this name.
    pub(crate) async fn tenant_named(&self, name: &str) -> Result<Option<TenantRow>, StoreError> {
        Ok(tenants::Entity::find().filter(tenants::Column::Name.eq(name)).one(&self.control()).await?)
    }

    /// Returns rows of a tenant's audit, the newest first, at most `most`, before one of them.
    pub(crate) async fn audit(
        &self,
        tenant: TenantId,
        before: Option<(i64, Uuid)>,
        most: u64,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let mut query = audit_events::Entity::find().filter(audit_events::Column::Tenant.eq(tenant.0));
        if let Some((time, id)) = before {
            let same_time =
                audit_events::Column::EventTime.eq(time).and(audit_events::Column::EventId.lt(id));
            query =
                query.filter(Condition::any().add(audit_events::Column::EventTime.lt(time)).add(same_time));
        }
        let newest = query
            .order_by_desc(audit_events::Column::EventTime)
            .order_by_desc(audit_events::Column::EventId)
            .limit(most);
        Ok(newest.all(&self.control()).await?)
    }
}
