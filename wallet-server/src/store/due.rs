//! Finds wallets for the sweeper: pages of wallets in which a hold, a grant or a subscription may be due.
//!
//! A page is a range of the index by which the rows are found, and the next page continues after its last row. So
//! neither a wallet with many due rows nor one that stays due keeps the sweeper from other wallets.

use std::collections::BTreeSet;
use std::ops::Range;

use sea_orm::{ConnectionTrait, FromQueryResult, Statement, Value};
use uuid::Uuid;
use wallet_core::{TenantId, Timestamp, WalletId};

use crate::store::sql::load;
use crate::store::tables::decode;
use crate::store::{Backend, Store, StoreError};

/// A wallet in which something may be due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DueWallet {
    pub(crate) tenant: TenantId,
    pub(crate) wallet: WalletId,
}

/// The kind of rows that fall due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DueRows {
    Holds,
    Grants,
    Subscriptions,
}

impl DueRows {
    pub(crate) const ALL: [DueRows; 3] = [DueRows::Holds, DueRows::Grants, DueRows::Subscriptions];

    /// Returns the table, the column and the condition of the partial index that finds these rows.
    fn index(self) -> (&'static str, &'static str, String) {
        let is_finite = format!("next_time < {}", i64::MAX);
        match self {
            DueRows::Holds => ("holds", "sweep_at", "sweep_at > 0".to_owned()),
            DueRows::Grants => ("grants", "next_time", format!("open AND {is_finite}")),
            DueRows::Subscriptions => ("wallet_profiles", "next_time", is_finite),
        }
    }
}

/// The last row of a page: bucket, due time, wallet. Further rows of the same wallet and time are skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DuePlace(i16, i64, Uuid);

/// A page of wallets in which something may be due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DuePage {
    /// Frozen wallets are left out: nothing falls due in them.
    pub(crate) wallets: BTreeSet<DueWallet>,
    /// The place after which the next page begins; `None` on the last page.
    pub(crate) next: Option<DuePlace>,
}

#[derive(FromQueryResult)]
struct DueRow {
    bucket: i16,
    wallet_key: Uuid,
    due_time: i64,
    n: i64,
}

#[derive(FromQueryResult)]
struct Named {
    tenant: Uuid,
    wallet_id: String,
    frozen: bool,
}

impl Store {
    /// Returns the wallets of these buckets that have such rows due at `now`, among the next `limit` rows after a
    /// place.
    pub(crate) async fn due_wallets(
        &self,
        due: DueRows,
        buckets: Range<i16>,
        now: Timestamp,
        after: Option<DuePlace>,
        limit: u32,
    ) -> Result<DuePage, StoreError> {
        let statement = page(self.backend(), due, buckets, now, after, limit);
        let (mut found, mut wallets, mut last) = (0, BTreeSet::new(), None);
        for row in self.sweeper().query_all_raw(statement).await? {
            let Ok(place) = DueRow::from_query_result(&row, "") else { continue };
            found += place.n;
            last = last.max(Some(DuePlace(place.bucket, place.due_time, place.wallet_key)));
            // A wallet whose row or id is unreadable stays due, but does not keep others out of the page.
            let wallet = Named::from_query_result(&row, "").ok().filter(|wallet| !wallet.frozen);
            wallets.extend(wallet.and_then(|Named { tenant, wallet_id, .. }| {
                Some(DueWallet { tenant: TenantId(tenant), wallet: decode::id(&wallet_id).ok()? })
            }));
        }
        Ok(DuePage { wallets, next: last.filter(|_| found >= i64::from(limit)) })
    }
}

/// Selects the wallets of the next `limit` due rows after a place, each looked up by its key.
///
/// The due rows of each bucket are one range of the index. Those of several buckets are not: rows of later times
/// lie between them and would be read as well.
pub(super) fn page(
    backend: Backend,
    due: DueRows,
    buckets: Range<i16>,
    now: Timestamp,
    after: Option<DuePlace>,
    limit: u32,
) -> Statement {
    let (table, column, filter) = due.index();
    let (range, most) = match backend {
        Backend::Postgres => (
            "generate_series($1, $2 - 1) AS k (bucket)",
            format!("ORDER BY t.{column}, t.wallet_key LIMIT {limit}"),
        ),
        Backend::Sqlite => (
            "(WITH RECURSIVE k AS (SELECT $1 AS bucket UNION ALL SELECT bucket + 1 FROM k WHERE bucket + 1 < $2)
              SELECT bucket FROM k) AS k",
            String::new(),
        ),
    };
    let condition = format!(
        "t.bucket = k.bucket AND t.{column} <= $3 AND {filter}
         AND (t.bucket > $1 OR (t.{column}, t.wallet_key) > ($4, $5)) {most}"
    );
    let rows = format!("t.bucket, t.{column}, t.wallet_key");
    let rows = load::rows_of(backend, &rows, table, range, &condition);
    let page = format!(
        "(SELECT bucket, wallet_key, max(due_time) AS due_time, count(*) AS n
          FROM (SELECT bucket, wallet_key, {column} AS due_time FROM ({rows}) AS due
                ORDER BY bucket, {column}, wallet_key LIMIT {limit}) AS page
          GROUP BY bucket, wallet_key) AS k"
    );
    let (due, own) = ("k.bucket, k.wallet_key, k.due_time, k.n", load::OWN);
    let frozen = load::rows_of(backend, &format!("{due}, t.frozen"), "wallets", &page, own);
    let named = format!("{due}, k.frozen, t.tenant, t.wallet_id");
    let sql = load::rows_of(backend, &named, "wallet_profiles", &format!("({frozen}) AS k"), own);
    let DuePlace(bucket, time, wallet) = after.unwrap_or(DuePlace(buckets.start, i64::MIN, Uuid::nil()));
    let values: [Value; 5] =
        [bucket.into(), buckets.end.into(), now.as_micros().into(), time.into(), wallet.into()];
    Statement::from_sql_and_values(backend.db(), sql, values)
}
