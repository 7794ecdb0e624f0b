//! Which wallets the sweeper should look at: pages of wallets in which a hold, a grant or a subscription may be due.
//!
//! A page is cut out of the index that the rows are found by, and continues after its last row. So a wallet with many
//! due rows, and one that stays due for whatever reason, takes the place of no other.

use std::collections::BTreeSet;
use std::ops::Range;

use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use uuid::Uuid;
use wallet_core::{TenantId, Timestamp, WalletId};

use crate::store::{Store, StoreError, rows};

/// A wallet in which something may be due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DueWallet {
    pub(crate) tenant: TenantId,
    pub(crate) wallet: WalletId,
}

/// The rows that fall due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DueRows {
    Holds,
    Grants,
    Subscriptions,
}

impl DueRows {
    pub(crate) const ALL: [DueRows; 3] = [DueRows::Holds, DueRows::Grants, DueRows::Subscriptions];

    /// Table, column and condition of the partial index that they are found by.
    fn index(self) -> (&'static str, &'static str, String) {
        let sometime = format!("next_time < {}", i64::MAX);
        match self {
            DueRows::Holds => ("reservations", "sweep_at", "open AND reserve_revision > 0".to_owned()),
            DueRows::Grants => ("grants", "next_time", format!("open AND {sometime}")),
            DueRows::Subscriptions => ("wallet_profiles", "next_time", sometime),
        }
    }
}

/// The last row of a page: bucket, due time, wallet. Further rows of the same wallet and time are passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DuePlace(i16, i64, Uuid);

/// Some of the wallets in which something may be due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DuePage {
    /// Without those that are frozen: nothing falls due in them.
    pub(crate) wallets: BTreeSet<DueWallet>,
    /// Where the next page begins; none: this is the last.
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
    /// The wallets of these buckets that have such rows due at `now`, among the next `limit` rows after a place.
    pub(crate) async fn due_wallets(
        &self,
        due: DueRows,
        buckets: Range<i16>,
        now: Timestamp,
        after: Option<DuePlace>,
        limit: u32,
    ) -> Result<DuePage, StoreError> {
        let (table, column, filter) = due.index();
        let sql = format!(
            "SELECT due.bucket, due.wallet_key, due.due_time, due.n, p.tenant, p.wallet_id, w.frozen
             FROM (SELECT bucket, wallet_key, max(due_time) AS due_time, count(*) AS n
                   FROM (SELECT bucket, wallet_key, {column} AS due_time FROM {table}
                         WHERE {filter} AND bucket >= $1 AND bucket < $2 AND {column} <= $3
                           AND (bucket, {column}, wallet_key) > ($4, $5, $6)
                         ORDER BY bucket, {column}, wallet_key LIMIT {limit}) AS page
                   GROUP BY bucket, wallet_key) AS due
             JOIN wallets w ON w.bucket = due.bucket AND w.wallet_key = due.wallet_key
             JOIN wallet_profiles p ON p.bucket = due.bucket AND p.wallet_key = due.wallet_key"
        );
        let DuePlace(bucket, time, wallet) = after.unwrap_or(DuePlace(buckets.start, i64::MIN, Uuid::nil()));
        let values = [
            buckets.start.into(),
            buckets.end.into(),
            now.as_micros().into(),
            bucket.into(),
            time.into(),
            wallet.into(),
        ];
        let statement = Statement::from_sql_and_values(self.backend().db(), sql, values);
        let (mut found, mut wallets, mut last) = (0, BTreeSet::new(), None);
        for row in self.control().query_all_raw(statement).await? {
            let Ok(place) = DueRow::from_query_result(&row, "") else { continue };
            found += place.n;
            last = last.max(Some(DuePlace(place.bucket, place.due_time, place.wallet_key)));
            // A wallet whose row or id is unreadable stays due, and takes the place of no other.
            let wallet = Named::from_query_result(&row, "").ok().filter(|wallet| !wallet.frozen);
            wallets.extend(wallet.and_then(|Named { tenant, wallet_id, .. }| {
                Some(DueWallet { tenant: TenantId(tenant), wallet: rows::id(&wallet_id).ok()? })
            }));
        }
        Ok(DuePage { wallets, next: last.filter(|_| found >= i64::from(limit)) })
    }
}
