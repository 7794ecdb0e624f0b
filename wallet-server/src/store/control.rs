//! Catalogs, signing keys, and the plans in use. Every statement is a transaction of its own, except that of
//! [`plans_in_use`].

use std::collections::BTreeMap;

use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Statement,
};
use uuid::Uuid;
use wallet_core::{TenantId, Timestamp};

use crate::store::tables::{catalogs, decode, signing_keys};
use crate::store::{Backend, Store, StoreError};

/// A published catalog as stored.
pub(crate) type CatalogRow = catalogs::Model;

impl Store {
    /// Returns the newest catalog of a tenant.
    pub(crate) async fn current_catalog(&self, tenant: TenantId) -> Result<Option<CatalogRow>, StoreError> {
        let query = catalogs::Entity::find().filter(catalogs::Column::Tenant.eq(tenant.0));
        Ok(query.order_by_desc(catalogs::Column::Version).one(&self.control()).await?)
    }

    /// Returns the newest version of every tenant that has a catalog.
    pub(crate) async fn newest_catalogs(&self) -> Result<Vec<(TenantId, i64)>, StoreError> {
        let newest = catalogs::Entity::find()
            .select_only()
            .column(catalogs::Column::Tenant)
            .column_as(catalogs::Column::Version.max(), "newest")
            .group_by(catalogs::Column::Tenant)
            .into_tuple::<(Uuid, i64)>()
            .all(&self.control())
            .await?;
        Ok(newest.into_iter().map(|(tenant, version)| (TenantId(tenant), version)).collect())
    }

    /// Returns one version of a tenant's catalog.
    pub(crate) async fn catalog(
        &self,
        tenant: TenantId,
        version: i64,
    ) -> Result<Option<CatalogRow>, StoreError> {
        Ok(catalogs::Entity::find_by_id((tenant.0, version)).one(&self.control()).await?)
    }

    /// Returns the secret of this name. If there is none, stores `fresh`; the first server to do so decides.
    pub(crate) async fn signing_key(
        &self,
        name: &str,
        fresh: [u8; 32],
        now: Timestamp,
    ) -> Result<[u8; 32], StoreError> {
        let row = signing_keys::ActiveModel {
            name: Set(name.to_owned()),
            secret: Set(fresh.to_vec()),
            create_time: Set(now.as_micros()),
        };
        let keep = OnConflict::column(signing_keys::Column::Name).do_nothing().to_owned();
        signing_keys::Entity::insert(row).on_conflict(keep).exec_without_returning(&self.control()).await?;
        let row = signing_keys::Entity::find_by_id(name.to_owned()).one(&self.control()).await?;
        decode::hash(&row.ok_or_else(|| StoreError::corrupt("no signing key"))?.secret)
    }
}

/// Returns the plans that wallets of a tenant are subscribed to, or will be at the end of a period, each with the
/// number of these wallets. Reads all of the tenant's profiles, which is acceptable because plans change rarely.
pub(super) async fn plans_in_use(
    connection: &impl ConnectionTrait,
    backend: Backend,
    tenant: TenantId,
) -> Result<BTreeMap<String, i64>, StoreError> {
    // A profile that is not JSON blocks its own wallet, but not the publication.
    let sql = match backend {
        Backend::Sqlite => {
            "SELECT plan, count(DISTINCT wallet_key) AS wallets FROM (
               SELECT wallet_key, CASE WHEN json_valid(profile) THEN json_extract(profile, path.value) END AS plan
               FROM wallet_profiles,
                 json_each('[\"$.subscription.sold.plan\", \"$.subscription.change.sold.plan\"]') AS path
               WHERE tenant = $1)
             WHERE typeof(plan) = 'text' GROUP BY plan"
        }
        Backend::Postgres => {
            "SELECT plan, count(DISTINCT wallet_key) AS wallets FROM wallet_profiles, json_or_null(profile) AS read, LATERAL (VALUES
               (read #>> '{subscription,sold,plan}'),
               (read #>> '{subscription,change,sold,plan}')) AS used(plan)
             WHERE tenant = $1 AND plan IS NOT NULL GROUP BY plan"
        }
    };
    let statement = Statement::from_sql_and_values(backend.db(), sql, [tenant.0.into()]);
    let rows = connection.query_all_raw(statement).await?;
    rows.iter().map(|row| Ok((row.try_get("", "plan")?, row.try_get("", "wallets")?))).collect()
}
