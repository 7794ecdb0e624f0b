//! Locks wallets and reads the rows that a batch needs.
//!
//! The lock is a statement of its own and comes first: after the wait only the locked row is refreshed, so all
//! other rows are read by later statements, which see the commits that the transaction waited for.
//!
//! Every statement names its columns. Another server's migration may add one at any moment, and PostgreSQL refuses
//! a prepared statement whose result has changed.
//!
//! Every statement looks rows up key by key, by all conditions of one index, independent of the statistics of the
//! tables: a plan made while a table is empty may live until the table is large. See [`rows_of`], and the indexes
//! in the migration of the wallets.

use sea_orm::{EntityTrait, Statement};
use wallet_core::grant::{ExternalRef, GrantKey, Origin};
use wallet_core::ids::{OriginId, RequestId, ReservationId};
use wallet_core::wallet::Horizon;
use wallet_core::{Timestamp, WalletKey};

use super::columns::{ColumnStatement, Columns, column_names, columns};
use crate::store::Backend;
use crate::store::batch::WalletWrite;
use crate::store::tables::feed_blocks::PlacedItem;
use crate::store::tables::{entries, events, grants, reservations, wallet_profiles, wallets};

/// A wallet, a time, and the last reservation read before. The next reservations due by that time are to be read.
pub(crate) type DueLookup = (WalletKey, Timestamp, Option<Horizon>);

/// The condition for the rows of a key's wallet.
pub(in crate::store) const OWN: &str = "t.bucket = k.bucket AND t.wallet_key = k.wallet_key";
/// The condition for its open rows. Must match the key of the index of open rows.
const OPEN: &str = "t.bucket = k.bucket AND CASE WHEN t.open THEN t.wallet_key END = k.wallet_key AND t.open";

fn wallet_keys(keys: &[WalletKey]) -> Columns {
    columns!(keys, { bucket: SmallInt = |k| k.bucket(), wallet_key: Uuid = |k| k.uuid() })
}

/// Selects the rows of a table by these keys.
fn lookup<E: EntityTrait>(backend: Backend, keys: Columns, condition: &str) -> Statement {
    let (t, table, k) = (column_names::<E>("t"), E::default(), keys.table(backend, "k", 1));
    let sql = rows_of(backend, &t, table.table_name(), &k, condition);
    Statement::from_sql_and_values(backend.db(), sql, keys.bind(backend))
}

/// Selects columns of the rows `t` of a table that meet a condition on them and on one of the keys `k`.
///
/// `OFFSET 0` keeps PostgreSQL from turning the lookup into a join, whose order the planner would choose. SQLite
/// keeps the left side of a CROSS JOIN as the outer loop.
pub(in crate::store) fn rows_of(
    backend: Backend,
    columns: &str,
    table: &str,
    keys: &str,
    condition: &str,
) -> String {
    match backend {
        Backend::Postgres => format!(
            "SELECT {columns} FROM {keys}
             CROSS JOIN LATERAL (SELECT {columns} FROM {table} t WHERE {condition} OFFSET 0) t"
        ),
        Backend::Sqlite => format!("SELECT {columns} FROM {keys} CROSS JOIN {table} t WHERE {condition}"),
    }
}

/// Locks wallets in the order of their keys. On SQLite the whole file is locked already.
pub(crate) fn lock(backend: Backend, keys: &[WalletKey], skip_locked: bool) -> Statement {
    if backend == Backend::Sqlite {
        return wallet_rows(backend, keys);
    }
    let lock = if skip_locked { "FOR NO KEY UPDATE SKIP LOCKED" } else { "FOR NO KEY UPDATE" };
    let (t, keys) = (column_names::<wallets::Entity>("t"), wallet_keys(keys));
    let k = keys.table(backend, "k", 1);
    let sql = format!(
        "SELECT {t} FROM (SELECT k.bucket, k.wallet_key FROM {k} ORDER BY k.bucket, k.wallet_key) k
         CROSS JOIN LATERAL (SELECT {t} FROM wallets t WHERE {OWN} {lock}) t"
    );
    Statement::from_sql_and_values(backend.db(), sql, keys.bind(backend))
}

/// Locks the wallets, which must be sorted by key, that have the versions with which they were loaded. Returns a row
/// for each of them. PostgreSQL only.
pub(in crate::store) fn lock_at_versions(wallets: &[&WalletWrite<'_>]) -> ColumnStatement {
    debug_assert!(wallets.is_sorted_by_key(|w| w.key()), "locks are taken in the order of the keys");
    let keys = columns!(wallets, {
        bucket: SmallInt = |w| w.key().bucket(),
        wallet_key: Uuid = |w| w.key().uuid(),
        version: BigInt = |w| w.loaded.stored.version,
    });
    let k = keys.table(Backend::Postgres, "k", 1);
    let sql = format!(
        "SELECT 1 FROM (SELECT {} FROM {k} ORDER BY k.bucket, k.wallet_key) k
         CROSS JOIN LATERAL (SELECT 1 FROM wallets t WHERE {OWN} AND t.version = k.version FOR NO KEY UPDATE) t",
        keys.names(),
    );
    ColumnStatement { sql, parameters: keys.into_parameters().collect() }
}

/// Selects the wallets that exist, locked or not.
pub(crate) fn wallet_rows(backend: Backend, keys: &[WalletKey]) -> Statement {
    lookup::<wallets::Entity>(backend, wallet_keys(keys), OWN)
}

pub(crate) fn profiles(backend: Backend, keys: &[WalletKey]) -> Statement {
    lookup::<wallet_profiles::Entity>(backend, wallet_keys(keys), OWN)
}

pub(crate) fn open_grants(backend: Backend, keys: &[WalletKey]) -> Statement {
    lookup::<grants::Entity>(backend, wallet_keys(keys), OPEN)
}

/// Selects all grants of these origins and ids, open and closed.
pub(crate) fn grants_by_origin(backend: Backend, keys: &[(WalletKey, GrantKey)]) -> Statement {
    let keys = columns!(keys, {
        bucket: SmallInt = |(k, _)| k.bucket(),
        wallet_key: Uuid = |(k, _)| k.uuid(),
        origin: SmallInt = |(_, g)| g.origin as i16,
        origin_id: Text = |(_, g)| g.id.to_string(),
    });
    let condition = format!("{OWN} AND t.origin = k.origin AND t.origin_id = k.origin_id");
    lookup::<grants::Entity>(backend, keys, &condition)
}

/// Selects all grants that these payments bought.
pub(crate) fn grants_by_payment(backend: Backend, keys: &[(WalletKey, ExternalRef)]) -> Statement {
    let keys = columns!(keys, {
        bucket: SmallInt = |(k, _)| k.bucket(),
        wallet_key: Uuid = |(k, _)| k.uuid(),
        payment: Text = |(_, payment)| payment.to_string(),
    });
    let condition = format!("{OWN} AND t.payment = k.payment AND t.payment <> ''");
    lookup::<grants::Entity>(backend, keys, &condition)
}

/// Selects the credits that came back from these purchases: grace credits and corrections.
pub(crate) fn grants_by_purchase(backend: Backend, keys: &[(WalletKey, OriginId)]) -> Statement {
    let keys: Vec<_> = keys.iter().map(|(key, id)| (*key, id.to_string())).collect();
    grants_by_payment_subject(backend, &keys)
}

/// Selects all grants of the periods that start at these instants, and all grace credits that come from them.
pub(crate) fn grants_by_paid_period(backend: Backend, keys: &[(WalletKey, Timestamp)]) -> Statement {
    let keys: Vec<_> = keys.iter().map(|(key, start)| (*key, grants::name_of_period(*start))).collect();
    grants_by_payment_subject(backend, &keys)
}

fn grants_by_payment_subject(backend: Backend, keys: &[(WalletKey, String)]) -> Statement {
    let keys = columns!(keys, {
        bucket: SmallInt = |(k, _)| k.bucket(),
        wallet_key: Uuid = |(k, _)| k.uuid(),
        purchase: Text = |(_, name)| name.clone(),
    });
    let condition = format!("{OWN} AND t.purchase = k.purchase AND t.purchase <> ''");
    lookup::<grants::Entity>(backend, keys, &condition)
}

/// Selects the credits that plans have issued to these wallets since a time, and grace credits, open and closed.
pub(crate) fn grants_of_period(backend: Backend, keys: &[(WalletKey, i64)]) -> Statement {
    let keys: Vec<(WalletKey, i64, Origin)> = keys
        .iter()
        .flat_map(|(key, since)| [Origin::Grace, Origin::Period].map(|origin| (*key, *since, origin)))
        .collect();
    let keys = columns!(keys, {
        bucket: SmallInt = |(k, ..)| k.bucket(),
        wallet_key: Uuid = |(k, ..)| k.uuid(),
        since: BigInt = |(_, since, _)| *since,
        origin: SmallInt = |(.., origin)| *origin as i16,
    });
    let condition = format!("{OWN} AND t.origin = k.origin AND t.create_time >= k.since");
    lookup::<grants::Entity>(backend, keys, &condition)
}

pub(crate) fn reservations_by_id(backend: Backend, keys: &[(WalletKey, ReservationId)]) -> Statement {
    let keys = columns!(keys, {
        bucket: SmallInt = |(k, _)| k.bucket(),
        wallet_key: Uuid = |(k, _)| k.uuid(),
        reservation_id: Text = |(_, id)| id.to_string(),
    });
    let condition = format!("{OWN} AND t.reservation_id = k.reservation_id");
    lookup::<reservations::Entity>(backend, keys, &condition)
}

/// Selects open reservations that may be due, at most `most` per wallet, the first by `sweep_at` and id.
/// `sweep_at` is never later than the deadline. The order is that of the primary key of `holds`.
pub(crate) fn reservations_due(backend: Backend, keys: &[DueLookup], most: usize) -> Statement {
    let keys_are_fresh = keys.iter().all(|(_, _, seen)| seen.is_none());
    let keys = columns!(keys, {
        bucket: SmallInt = |(k, _, _)| k.bucket(),
        wallet_key: Uuid = |(k, _, _)| k.uuid(),
        now: BigInt = |(_, now, _)| now.as_micros(),
        seen_time: BigInt = |(_, _, after)| after.as_ref().map_or(i64::MIN, |after| after.sweep_at.as_micros()),
        seen_id: Text = |(_, _, after)| after.as_ref().map(|after| after.id.to_string()).unwrap_or_default(),
    });
    let after_seen =
        if keys_are_fresh { "" } else { "AND (h.sweep_at, h.reservation_id) > (k.seen_time, k.seen_id)" };
    let first = format!(
        "SELECT h.bucket, h.wallet_key, h.reservation_id FROM holds h
         WHERE h.bucket = k.bucket AND h.wallet_key = k.wallet_key AND h.sweep_at <= k.now {after_seen}
         ORDER BY h.sweep_at, h.reservation_id LIMIT {most}"
    );
    let own = format!("{OWN} AND t.reservation_id = k.reservation_id");
    let (t, k) = (column_names::<reservations::Entity>("t"), keys.table(backend, "k", 1));
    let held = match backend {
        Backend::Postgres => format!("(SELECT h.* FROM {k} CROSS JOIN LATERAL ({first}) h) AS k"),
        // SQLite has no LATERAL, but the argument of a function may refer to the tables before it. A column of text can
        // contain bytes, which JSON cannot.
        Backend::Sqlite => format!(
            "(SELECT k.bucket, k.wallet_key, h.value AS reservation_id FROM {k}
              CROSS JOIN json_each((SELECT json_group_array(CAST(reservation_id AS TEXT)) FROM ({first}))) AS h) AS k"
        ),
    };
    let sql = rows_of(backend, &t, "reservations", &held, &own);
    Statement::from_sql_and_values(backend.db(), sql, keys.bind(backend))
}

/// Selects, of each wallet, the `sweep_at` of the first open reservation that is not due yet; the largest number if
/// there is none.
pub(crate) fn next_sweeps(backend: Backend, keys: &[DueLookup]) -> Statement {
    let keys = columns!(keys, {
        bucket: SmallInt = |(k, _, _)| k.bucket(),
        wallet_key: Uuid = |(k, _, _)| k.uuid(),
        now: BigInt = |(_, now, _)| now.as_micros(),
    });
    let k = keys.table(backend, "k", 1);
    let sql = format!(
        "SELECT k.wallet_key, coalesce((SELECT t.sweep_at FROM holds t
                                        WHERE {OWN} AND t.sweep_at > k.now ORDER BY t.sweep_at LIMIT 1),
                                       {}) AS sweep_at FROM {k}",
        i64::MAX
    );
    Statement::from_sql_and_values(backend.db(), sql, keys.bind(backend))
}

/// Selects the entries of commands that created no row of their own.
pub(crate) fn requests(backend: Backend, keys: &[(WalletKey, RequestId)]) -> Statement {
    let keys = columns!(keys, {
        bucket: SmallInt = |(k, _)| k.bucket(),
        wallet_key: Uuid = |(k, _)| k.uuid(),
        request_id: Text = |(_, id)| id.to_string(),
    });
    let condition = format!("{OWN} AND t.request_id = k.request_id AND t.request_id <> ''");
    lookup::<entries::Entity>(backend, keys, &condition)
}

/// Selects the entries that are items of the feed.
pub(crate) fn entries_of_items(backend: Backend, items: &[PlacedItem]) -> Statement {
    let items: Vec<(WalletKey, i64)> =
        items.iter().filter(|item| item.n == 0).map(|item| (item.wallet(), item.revision)).collect();
    let keys = columns!(items, {
        bucket: SmallInt = |(k, _)| k.bucket(),
        wallet_key: Uuid = |(k, _)| k.uuid(),
        revision: BigInt = |(_, revision)| *revision,
    });
    lookup::<entries::Entity>(backend, keys, &format!("{OWN} AND t.revision = k.revision"))
}

/// Selects the notifications that are items of the feed.
pub(crate) fn events_of_items(backend: Backend, items: &[PlacedItem]) -> Statement {
    let items: Vec<(WalletKey, i64, i32)> =
        items.iter().filter_map(|item| Some((item.wallet(), item.revision, item.event_index()?))).collect();
    let keys = columns!(items, {
        bucket: SmallInt = |(k, ..)| k.bucket(),
        wallet_key: Uuid = |(k, ..)| k.uuid(),
        revision: BigInt = |(_, revision, _)| *revision,
        n: Int = |(.., n)| *n,
    });
    lookup::<events::Entity>(backend, keys, &format!("{OWN} AND t.revision = k.revision AND t.n = k.n"))
}
