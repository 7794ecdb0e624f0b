//! Single statements outside batches: catalogs, signing keys, sweeper leases, unfreezing, the newest times in the database
//! and its clock, and the journal of SQLite.
//!
//! Every statement is a transaction of its own.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder,
    QuerySelect, Statement,
};
use uuid::Uuid;
use wallet_core::{TenantId, Timestamp, WalletKey};

use crate::store::tables::{catalogs, decode, signing_keys, sweeper_leases, wallets};
use crate::store::{Backend, LaneConnection, Store, StoreError, StoreErrorKind};

/// The pages of a long journal of SQLite: 32 MiB.
const LONG_JOURNAL: i64 = 8_192;

/// A published catalog as stored.
pub(crate) type CatalogRow = catalogs::Model;

/// The number of due events in a span of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Due {
    /// Holds that expire.
    pub holds: i64,
    /// Grants that expire with credits left.
    pub grants: i64,
    /// Subscription periods that end.
    pub periods: i64,
}

impl Due {
    /// Returns true if grants expire or periods end. An expired hold alone only returns its credits.
    pub(crate) const fn lapses_credits(self) -> bool {
        self.grants > 0 || self.periods > 0
    }
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { holds, grants, periods } = self;
        write!(
            f,
            "{grants} grants with credits left expire, {periods} periods of subscriptions and {holds} holds end"
        )
    }
}

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

    /// Takes or renews the lease on a part of the buckets. Returns false if another server holds it.
    pub(crate) async fn sweep_lease(
        &self,
        part: i16,
        holder: Uuid,
        now: Timestamp,
        length: Duration,
    ) -> Result<bool, StoreError> {
        let row = sweeper_leases::ActiveModel {
            part: Set(part),
            holder: Set(holder),
            expire_time: Set(now.plus(length).as_micros()),
        };
        let mine = sweeper_leases::Column::Holder.eq(holder);
        let expired = sweeper_leases::Column::ExpireTime.lt(now.as_micros());
        let take = OnConflict::column(sweeper_leases::Column::Part)
            .update_columns([sweeper_leases::Column::Holder, sweeper_leases::Column::ExpireTime])
            .action_and_where(mine.or(expired))
            .to_owned();
        let taken = sweeper_leases::Entity::insert(row)
            .on_conflict(take)
            .exec_without_returning(&self.sweeper())
            .await?;
        Ok(taken > 0)
    }

    /// Returns the time of the newest write to any wallet, or the Unix epoch if there is none. Wallets of tenants whose
    /// clocks are ahead of the server's do not count.
    pub(crate) async fn last_time(&self) -> Result<Timestamp, StoreError> {
        if self.tenant_clocks().await?.is_empty() {
            return self.newest("wallets", "last_time").await;
        }
        let counted = "(SELECT w.last_time FROM wallets w WHERE NOT EXISTS
                          (SELECT 1 FROM wallet_profiles p WHERE p.bucket = w.bucket AND p.wallet_key = w.wallet_key
                           AND p.tenant IN (SELECT tenant FROM tenants WHERE clock_ahead > 0 AND mode = 1))) AS counted";
        self.newest(counted, "last_time").await
    }

    /// Returns the latest expiry of a sweeper lease: ten sweep periods after a server was last alive. The Unix
    /// epoch if there is none.
    pub(crate) async fn last_sweep(&self) -> Result<Timestamp, StoreError> {
        self.newest("sweeper_leases", "expire_time").await
    }

    /// Counts the events that fall due after `from` and up to `to`.
    pub(crate) async fn due_between(&self, from: Timestamp, to: Timestamp) -> Result<Due, StoreError> {
        let count = |rows: &str, filter: &str, column: &str| {
            format!("(SELECT count(*) FROM {rows} WHERE {filter} AND {column} > $1 AND {column} <= $2)")
        };
        let sql = format!(
            "SELECT {} AS holds, {} AS grants, {} AS periods",
            count("holds", "sweep_at > 0", "sweep_at"),
            count("grants", "open", "expire_time"),
            count("wallet_profiles", "next_time < 9223372036854775807", "next_time"),
        );
        let values = [from.as_micros().into(), to.as_micros().into()];
        let statement = Statement::from_sql_and_values(self.backend().db(), sql, values);
        let row = self
            .control()
            .query_one_raw(statement)
            .await?
            .ok_or_else(|| StoreError::corrupt("a count has no row"))?;
        let figure = |name| row.try_get::<i64>("", name);
        Ok(Due { holds: figure("holds")?, grants: figure("grants")?, periods: figure("periods")? })
    }

    /// Returns the newest time in a column among the rows with a readable one, or the Unix epoch if there is none.
    async fn newest(&self, rows: &str, column: &str) -> Result<Timestamp, StoreError> {
        // SQLite stores values of any type in any column.
        let readable = match self.backend() {
            Backend::Sqlite => format!("typeof({column}) = 'integer'"),
            Backend::Postgres => "true".to_owned(),
        };
        let sql = format!("SELECT coalesce(max({column}), 0) AS newest FROM {rows} WHERE {readable}");
        let row = self.control().query_one_raw(Statement::from_string(self.backend().db(), sql)).await?;
        let micros = row.map(|row| row.try_get("", "newest")).transpose()?.unwrap_or_default();
        Ok(Timestamp::from_micros(micros))
    }

    /// Unfreezes a wallet, which keeps its status. Returns false if it is not frozen.
    pub(crate) async fn unfreeze(&self, wallet: WalletKey) -> Result<bool, StoreError> {
        let unfrozen = wallets::Entity::update_many()
            .col_expr(wallets::Column::Frozen, Expr::value(false))
            .col_expr(wallets::Column::Version, Expr::col(wallets::Column::Version).add(1))
            .filter(wallets::Column::Bucket.eq(wallet.bucket()))
            .filter(wallets::Column::WalletKey.eq(wallet.uuid()))
            .filter(wallets::Column::Frozen.eq(true));
        Ok(unfrozen.exec(&self.control()).await?.rows_affected > 0)
    }

    /// Returns the time of the database's clock and how long the query took. `None` for a SQLite file.
    pub(crate) async fn database_time(&self) -> Result<Option<(Timestamp, Duration)>, StoreError> {
        if self.backend() == Backend::Sqlite {
            return Ok(None);
        }
        let sent = Instant::now();
        let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS micros";
        let row = self.control().query_one_raw(Statement::from_string(self.backend().db(), sql)).await?;
        let row =
            row.ok_or_else(|| StoreError::new(StoreErrorKind::Unavailable, "the database returned no time"))?;
        Ok(Some((Timestamp::from_micros(row.try_get("", "micros")?), sent.elapsed())))
    }

    /// Returns true if SQLite's journal has become so long that its pages should be copied into the file.
    pub(crate) async fn has_long_journal(&self, lane: &LaneConnection) -> Result<bool, StoreError> {
        if self.backend() == Backend::Postgres {
            return Ok(false);
        }
        let sql = "PRAGMA wal_checkpoint(NOOP)";
        let row = lane.0.query_one_raw(Statement::from_string(self.backend().db(), sql)).await?;
        let pages = row.map(|row| row.try_get::<i64>("", "log")).transpose()?.unwrap_or_default();
        Ok(pages >= LONG_JOURNAL)
    }

    /// Copies committed pages from SQLite's journal into its file. PostgreSQL checkpoints on its own.
    pub(crate) async fn checkpoint(&self, lane: &LaneConnection) -> Result<(), StoreError> {
        if self.backend() == Backend::Sqlite {
            lane.0.execute_unprepared("PRAGMA wal_checkpoint(PASSIVE)").await?;
        }
        Ok(())
    }
}

/// Returns the plans that wallets of a tenant are subscribed to, or will be at the end of a period, each with the number of
/// these wallets. Reads all of the tenant's profiles, which is acceptable because plans change rarely.
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
