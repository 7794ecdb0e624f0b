//! Finds wallets for the sweeper whose tenants have clocks that are ahead of the server's.
//!
//! The indexes of due rows do not have the tenant: for a clock that is a month ahead they would lead through all rows
//! of other tenants that fall due in this month. So the wallets of such a tenant are looked at one by one, a page at a
//! time.

use sea_orm::{ConnectionTrait, Statement, Value};
use uuid::Uuid;
use wallet_core::{TenantId, Timestamp};

use crate::store::sql::load;
use crate::store::tables::decode;
use crate::store::{Backend, DueWallet, Store, StoreError};

/// The last wallet of a page: its tenant and its id.
pub(crate) type WalletPlace = (Uuid, String);

/// The wallets of a page in which something is due.
#[derive(Debug)]
pub(crate) struct TenantsDuePage {
    /// Frozen wallets are left out: nothing falls due in them.
    pub(crate) wallets: Vec<DueWallet>,
    /// The place after which the next page begins; `None` on the last page.
    pub(crate) next: Option<WalletPlace>,
}

impl Store {
    /// Returns those of the next `limit` wallets after a place in which something is due at the time of their tenants.
    /// `now` is the time of the server's clock. Looks at one tenant, or at all whose clocks are ahead.
    pub(crate) async fn due_wallets_ahead(
        &self,
        tenant: Option<TenantId>,
        now: Timestamp,
        after: Option<WalletPlace>,
        limit: u32,
    ) -> Result<TenantsDuePage, StoreError> {
        // The sweeper has one connection, which a long AdvanceClock would keep from it.
        let connections = if tenant.is_some() { self.search() } else { self.sweeper() };
        let rows = connections.query_all_raw(page(self.backend(), tenant, now, after, limit)).await?;
        let is_full = u64::try_from(rows.len()).is_ok_and(|rows| rows >= u64::from(limit));
        let (mut wallets, mut last) = (Vec::new(), None);
        for row in &rows {
            let tenant: Uuid = row.try_get("", "tenant")?;
            // A wallet whose id is unreadable does not keep others from being found.
            let Ok(id) = row.try_get::<String>("", "wallet_id") else { continue };
            if row.try_get("", "due")?
                && let Ok(wallet) = decode::id(&id)
            {
                wallets.push(DueWallet { tenant: TenantId(tenant), wallet });
            }
            last = Some((tenant, id));
        }
        Ok(TenantsDuePage { wallets, next: last.filter(|_| is_full) })
    }
}

/// Selects the next wallets of tenants whose clocks are ahead, each with whether something is due in it.
pub(super) fn page(
    backend: Backend,
    tenant: Option<TenantId>,
    now: Timestamp,
    after: Option<WalletPlace>,
    limit: u32,
) -> Statement {
    let order = "ORDER BY t.tenant, t.wallet_id";
    let (only, most) = match (tenant, backend) {
        (None, Backend::Sqlite) => ("", String::new()),
        (Some(_), Backend::Sqlite) => ("AND tenant = $4", String::new()),
        (None, Backend::Postgres) => ("", format!("{order} LIMIT {limit}")),
        (Some(_), Backend::Postgres) => ("AND tenant = $4", format!("{order} LIMIT {limit}")),
    };
    let clocks = format!(
        "(SELECT tenant, $1 + clock_ahead AS now FROM tenants WHERE clock_ahead > 0 AND mode = 1 {only}) AS k"
    );
    let found = load::rows_of(
        backend,
        "k.now, t.tenant, t.wallet_id, t.bucket, t.wallet_key, t.next_time",
        "wallet_profiles",
        &clocks,
        &format!("t.tenant = k.tenant AND (t.tenant, t.wallet_id) > ($2, $3) {most}"),
    );
    let own = |table: &str| format!("{table}.bucket = k.bucket AND {table}.wallet_key = k.wallet_key");
    let sql = format!(
        "SELECT k.tenant, k.wallet_id,
           (k.next_time <= k.now
            OR EXISTS (SELECT 1 FROM holds h WHERE {} AND h.sweep_at <= k.now)
            OR EXISTS (SELECT 1 FROM grants g
                       WHERE g.bucket = k.bucket AND CASE WHEN g.open THEN g.wallet_key END = k.wallet_key AND g.open
                       AND g.next_time <= k.now))
           AND NOT EXISTS (SELECT 1 FROM wallets w WHERE {} AND w.frozen) AS due
         FROM (SELECT * FROM ({found}) AS found ORDER BY tenant, wallet_id LIMIT {limit}) AS k
         ORDER BY k.tenant, k.wallet_id",
        own("h"),
        own("w"),
    );
    let (place, id) = after.unwrap_or_default();
    let mut values: Vec<Value> = vec![now.as_micros().into(), place.into(), id.into()];
    values.extend(tenant.map(|tenant| tenant.0.into()));
    Statement::from_sql_and_values(backend.db(), sql, values)
}
