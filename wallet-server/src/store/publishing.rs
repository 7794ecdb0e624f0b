//! The transaction that publishes a catalog.
//!
//! It excludes every batch that sells a plan, and other publications of the same tenant. So a publication sees the
//! plans of all sales, and a sale sees all publications. On PostgreSQL this is an advisory lock per tenant,
//! exclusive here and shared by batches. A batch takes it before the locks of its wallets, and a publication takes
//! no other locks, so there is no deadlock. SQLite has one writer.

use std::collections::BTreeMap;

use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, Statement,
};
use wallet_core::TenantId;

use crate::store::control::plans_in_use;
use crate::store::control_tx::insert_audit;
use crate::store::tables::catalogs;
use crate::store::timed::TimedConnection;
use crate::store::{AuditRow, Backend, CatalogRow, Store, StoreError, StoreErrorKind};

/// A publication in progress. Dropping it before its commit discards it.
#[derive(Debug)]
pub(crate) struct Publishing {
    transaction: TimedConnection<DatabaseTransaction>,
    store: Store,
    tenant: TenantId,
}

impl Store {
    /// Begins to publish a catalog of a tenant, after all sales in progress have ended.
    pub(crate) async fn begin_publishing(&self, tenant: TenantId) -> Result<Publishing, StoreError> {
        let transaction = TimedConnection::begin_writing(self.control_pool(), self.call_timeout()).await?;
        if self.backend() == Backend::Postgres {
            transaction.execute_raw(lock("pg_advisory_xact_lock", tenant)).await?;
        }
        Ok(Publishing { transaction, store: self.clone(), tenant })
    }
}

impl Publishing {
    /// Returns the newest catalog of the tenant.
    pub(crate) async fn newest(&self) -> Result<Option<CatalogRow>, StoreError> {
        let query = catalogs::Entity::find().filter(catalogs::Column::Tenant.eq(self.tenant.0));
        Ok(query.order_by_desc(catalogs::Column::Version).one(&self.transaction).await?)
    }

    /// Returns the versions that were published with a digest, the newest first.
    pub(crate) async fn with_digest(&self, digest: [u8; 32]) -> Result<Vec<CatalogRow>, StoreError> {
        let query = catalogs::Entity::find()
            .filter(catalogs::Column::Tenant.eq(self.tenant.0))
            .filter(catalogs::Column::Digest.eq(digest.to_vec()));
        Ok(query.order_by_desc(catalogs::Column::Version).all(&self.transaction).await?)
    }

    /// Returns the plans that wallets of the tenant are subscribed to, or will be at the end of a period, each with the
    /// number of these wallets.
    pub(crate) async fn plans_in_use(&self) -> Result<BTreeMap<String, i64>, StoreError> {
        plans_in_use(&self.transaction, self.store.backend(), self.tenant).await
    }

    /// Stores a catalog with the audit of its publication and commits.
    pub(crate) async fn commit(self, row: CatalogRow, audit: AuditRow) -> Result<(), StoreError> {
        let row = catalogs::ActiveModel {
            tenant: Set(row.tenant),
            version: Set(row.version),
            toml: Set(row.toml),
            digest: Set(row.digest),
            publish_time: Set(row.publish_time),
        };
        catalogs::Entity::insert(row).exec_without_returning(&self.transaction).await?;
        insert_audit(&self.transaction, self.store.recorded(), audit).await?;
        self.transaction.commit().await.map_err(StoreError::of_commit)?;
        self.store.in_place().map_err(|why| StoreError::new(StoreErrorKind::CommitUnknown, why))
    }
}

/// Returns the statement that takes the advisory lock of a tenant's catalogs until the end of the transaction.
/// `function` decides whether the lock is exclusive or shared.
pub(super) fn lock(function: &str, tenant: TenantId) -> Statement {
    let (high, low) = tenant.0.as_u64_pair();
    let key = i64::from_be_bytes(*b"catalogs") ^ (high ^ low).cast_signed();
    let sql = format!("SELECT {function}($1)");
    Statement::from_sql_and_values(Backend::Postgres.db(), sql, [key.into()])
}
