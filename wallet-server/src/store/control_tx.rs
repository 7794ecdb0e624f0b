//! The transaction that changes tenants, API keys and endpoints, with the audit of the change.

use std::time::Duration;

use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait as _, IntoActiveModel, QueryFilter, QuerySelect,
};
use uuid::Uuid;
use wallet_core::feed::ItemTypes;
use wallet_core::{Author, TenantId, Timestamp};

use crate::store::tables::{api_keys, audit_events, catalogs, feed_outbox, tenants};
use crate::store::timed::TimedConnection;
use crate::store::{AuditRow, CatalogRow, KeyRow, Store, StoreError, StoreErrorKind, TenantRow};

/// A transaction that changes tenants, API keys or endpoints. Dropping it before its commit rolls it back.
#[derive(Debug)]
pub(crate) struct ControlTx {
    transaction: TimedConnection<DatabaseTransaction>,
    store: Store,
}

/// A move of the clock of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClockMove {
    /// Forward by this duration.
    By(Duration),
    /// Forward until it is ahead of the server's clock by this duration.
    AheadBy(Duration),
}

/// A change that the audit records.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) action: &'static str,
    /// The name of the tenant, the id of the key or endpoint, or the version of the catalog.
    pub(crate) subject: String,
    pub(crate) details: String,
}

impl Change {
    /// Returns the row of the audit for a change by this author.
    pub(crate) fn row(self, tenant: TenantId, author: &Author, at: Timestamp) -> AuditRow {
        let Self { action, subject, details } = self;
        AuditRow {
            tenant: tenant.0,
            event_time: at.as_micros(),
            event_id: Uuid::now_v7(),
            principal: author.principal.to_string(),
            call_id: author.call.as_ref().map(ToString::to_string).unwrap_or_default(),
            action: action.to_owned(),
            subject,
            details,
            in_feed: false,
        }
    }
}

impl Store {
    /// Begins a transaction that changes tenants, API keys or endpoints.
    pub(crate) async fn begin_control(&self) -> Result<ControlTx, StoreError> {
        let transaction = TimedConnection::begin_writing(self.control_pool(), self.call_timeout()).await?;
        Ok(ControlTx { transaction, store: self.clone() })
    }
}

impl ControlTx {
    pub(super) const fn transaction(&self) -> &TimedConnection<DatabaseTransaction> {
        &self.transaction
    }

    /// Returns the tenant with this name.
    pub(crate) async fn tenant_named(&self, name: &str) -> Result<Option<TenantRow>, StoreError> {
        let query = tenants::Entity::find().filter(tenants::Column::Name.eq(name));
        Ok(query.one(&self.transaction).await?)
    }

    /// Inserts a tenant with its first catalog.
    pub(crate) async fn insert_tenant(&self, row: TenantRow, catalog: CatalogRow) -> Result<(), StoreError> {
        let row = row.into_active_model();
        tenants::Entity::insert(row).exec_without_returning(&self.transaction).await?;
        let catalog = catalog.into_active_model();
        catalogs::Entity::insert(catalog).exec_without_returning(&self.transaction).await?;
        Ok(())
    }

    /// Locks the row of a tenant.
    pub(crate) async fn lock_tenant(&self, tenant: TenantId) -> Result<(), StoreError> {
        tenants::Entity::find_by_id(tenant.0).lock_exclusive().one(&self.transaction).await?;
        Ok(())
    }

    /// Writes the changed status of a tenant.
    pub(crate) async fn set_status(&self, tenant: TenantId, status: i16) -> Result<(), StoreError> {
        let change = tenants::Entity::update_many()
            .col_expr(tenants::Column::Status, status.into())
            .filter(tenants::Column::Tenant.eq(tenant.0));
        change.exec(&self.transaction).await?;
        Ok(())
    }

    /// Moves the clock of a tenant forward and locks its row. Returns the row afterwards.
    pub(crate) async fn move_clock(
        &self,
        tenant: TenantId,
        to: ClockMove,
    ) -> Result<Option<TenantRow>, StoreError> {
        let ahead = Expr::col(tenants::Column::ClockAhead);
        let moved: SimpleExpr = match to {
            ClockMove::By(by) => ahead.add(micros(by)),
            // The clock stays where it is if it is ahead already.
            ClockMove::AheadBy(by) => {
                Expr::case(ahead.clone().lt(micros(by)), micros(by)).finally(ahead).into()
            }
        };
        let change = tenants::Entity::update_many()
            .col_expr(tenants::Column::ClockAhead, moved)
            .filter(tenants::Column::Tenant.eq(tenant.0));
        change.exec(&self.transaction).await?;
        Ok(tenants::Entity::find_by_id(tenant.0).one(&self.transaction).await?)
    }

    /// Returns a key of a tenant as it is committed, and locks it. A SQLite file is locked by the transaction.
    pub(crate) async fn locked_key(&self, tenant: TenantId, id: &str) -> Result<Option<KeyRow>, StoreError> {
        let query = api_keys::Entity::find_by_id(id).filter(api_keys::Column::Tenant.eq(tenant.0));
        Ok(query.lock_exclusive().one(&self.transaction).await?)
    }

    /// Returns a change of a key with this action.
    pub(crate) async fn change_of_key(
        &self,
        tenant: TenantId,
        action: &str,
        id: &str,
    ) -> Result<Option<AuditRow>, StoreError> {
        let query = audit_events::Entity::find()
            .filter(audit_events::Column::Tenant.eq(tenant.0))
            .filter(audit_events::Column::Action.eq(action))
            .filter(audit_events::Column::Subject.eq(id));
        Ok(query.one(&self.transaction).await?)
    }

    pub(crate) async fn insert_key(&self, row: KeyRow) -> Result<(), StoreError> {
        let row = row.into_active_model();
        api_keys::Entity::insert(row).exec_without_returning(&self.transaction).await?;
        Ok(())
    }

    /// Writes the changed expiry and revocation of a key. Neither ever moves to a later time.
    pub(crate) async fn end_key(&self, row: &KeyRow) -> Result<(), StoreError> {
        let change = api_keys::Entity::update_many()
            .col_expr(api_keys::Column::ExpireTime, row.expire_time.into())
            .col_expr(api_keys::Column::RevokeTime, row.revoke_time.into())
            .filter(api_keys::Column::KeyId.eq(&row.key_id))
            .filter(api_keys::Column::ExpireTime.gte(row.expire_time))
            .filter(api_keys::Column::RevokeTime.gte(row.revoke_time));
        change.exec(&self.transaction).await?;
        Ok(())
    }

    /// Records the change and commits.
    pub(crate) async fn commit(self, audit: AuditRow) -> Result<(), StoreError> {
        insert_audit(&self.transaction, self.store.recorded(), audit).await?;
        self.transaction.commit().await.map_err(StoreError::of_commit)?;
        self.store.in_place().map_err(|why| StoreError::new(StoreErrorKind::CommitUnknown, why))
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// Inserts a row of the audit, and adds the change to the feed if it has one of the types that are recorded there.
pub(super) async fn insert_audit(
    transaction: &TimedConnection<DatabaseTransaction>,
    recorded: ItemTypes,
    row: AuditRow,
) -> Result<(), StoreError> {
    let in_feed = row.item_type().is_some_and(|item_type| recorded.contains(item_type));
    let row = AuditRow { in_feed, ..row };
    let item = feed_outbox::of_change(&row);
    audit_events::Entity::insert(row.into_active_model()).exec_without_returning(transaction).await?;
    if let Some(item) = item {
        feed_outbox::Entity::insert(item.into_active_model()).exec_without_returning(transaction).await?;
    }
    Ok(())
}

#[cfg(test)]
impl Store {
    /// Waits until a session of this PostgreSQL waits for a lock.
    pub(crate) async fn lock_awaited(&self) {
        use sea_orm::{ConnectionTrait as _, Statement};
        let sql = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock') AS awaited";
        let awaited = Statement::from_string(self.backend().db(), sql);
        loop {
            let row = self.search().query_one_raw(awaited.clone()).await.unwrap().unwrap();
            if row.try_get("", "awaited").unwrap() {
                return;
            }
        }
    }
}
