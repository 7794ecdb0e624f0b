//! Locking wallets and reading what a batch needs of them.
//!
//! The lock comes first and alone: waiting for it refreshes only the locked row, so everything else is read by
//! later statements, which see what the transaction waited for.
//!
//! Every statement names its columns. Another server's migration may add one at any moment, and PostgreSQL refuses a
//! prepared statement whose result has changed.
//!
//! The joins are written as CROSS JOIN ... WHERE: to PostgreSQL it is the same, and SQLite keeps the keys outside,
//! looking rows up by them, where it would otherwise now and then walk through a table.

use sea_orm::Statement;
use wallet_core::WalletKey;
use wallet_core::grant::{ExternalRef, GrantKey, Origin};
use wallet_core::ids::{OriginId, RequestId, ReservationId};

use super::columns::{Columns, column_names, columns};
use crate::store::Backend;
use crate::store::entity::{entries, grants, reservations, wallet_balances, wallet_profiles, wallets};

/// Keys of wallets, with an instant each: reservations due by then are read too.
pub(crate) type Due = (WalletKey, i64);

fn wallet_keys(keys: &[WalletKey]) -> Columns {
    columns!(keys, { bucket: SmallInt = |k| k.bucket(), wallet_key: Uuid = |k| k.uuid() })
}

fn select(backend: Backend, keys: Columns, sql: impl FnOnce(&str) -> String) -> Statement {
    let sql = sql(&keys.table(backend, "k", 1));
    Statement::from_sql_and_values(backend.db(), sql, keys.bind(backend))
}

/// Wallets, locked in the order of their keys. On SQLite the whole file is locked already.
pub(crate) fn lock(backend: Backend, keys: &[WalletKey], skip_locked: bool) -> Statement {
    let lock = match (backend, skip_locked) {
        (Backend::Sqlite, _) => "",
        (Backend::Postgres, false) => "FOR NO KEY UPDATE OF w",
        (Backend::Postgres, true) => "FOR NO KEY UPDATE OF w SKIP LOCKED",
    };
    select(backend, wallet_keys(keys), |k| {
        let w = column_names::<wallets::Entity>("w");
        format!(
            "SELECT {w} FROM {k} CROSS JOIN wallets w WHERE w.bucket = k.bucket AND w.wallet_key = k.wallet_key
             ORDER BY w.bucket, w.wallet_key {lock}"
        )
    })
}

/// Which of these wallets exist, locked or not.
pub(crate) fn existing(backend: Backend, keys: &[WalletKey]) -> Statement {
    select(backend, wallet_keys(keys), |k| {
        let w = column_names::<wallets::Entity>("w");
        format!(
            "SELECT {w} FROM {k} CROSS JOIN wallets w WHERE w.bucket = k.bucket AND w.wallet_key = k.wallet_key"
        )
    })
}

pub(crate) fn profiles(backend: Backend, keys: &[WalletKey]) -> Statement {
    select(backend, wallet_keys(keys), |k| {
        let p = column_names::<wallet_profiles::Entity>("p");
        format!(
            "SELECT {p} FROM {k}
             CROSS JOIN wallet_profiles p WHERE p.bucket = k.bucket AND p.wallet_key = k.wallet_key"
        )
    })
}

pub(crate) fn balances(backend: Backend, keys: &[WalletKey]) -> Statement {
    select(backend, wallet_keys(keys), |k| {
        let b = column_names::<wallet_balances::Entity>("b");
        format!(
            "SELECT {b} FROM {k}
             CROSS JOIN wallet_balances b WHERE b.bucket = k.bucket AND b.wallet_key = k.wallet_key"
        )
    })
}

pub(crate) fn open_grants(backend: Backend, keys: &[WalletKey]) -> Statement {
    select(backend, wallet_keys(keys), |k| {
        let g = column_names::<grants::Entity>("g");
        format!(
            "SELECT {g} FROM {k}
             CROSS JOIN grants g WHERE g.bucket = k.bucket AND g.wallet_key = k.wallet_key AND g.open"
        )
    })
}

/// All grants of these origins and ids, closed ones too.
pub(crate) fn grants_by_origin(backend: Backend, keys: &[(WalletKey, GrantKey)]) -> Statement {
    let keys = columns!(keys, {
        bucket: SmallInt = |(k, _)| k.bucket(),
        wallet_key: Uuid = |(k, _)| k.uuid(),
        origin: SmallInt = |(_, g)| g.origin as i16,
        origin_id: Text = |(_, g)| g.id.to_string(),
    });
    select(backend, keys, |k| {
        let g = column_names::<grants::Entity>("g");
        format!(
            "SELECT {g} FROM {k}
             CROSS JOIN grants g WHERE g.bucket = k.bucket AND g.wallet_key = k.wallet_key
                          AND g.origin = k.origin AND g.origin_id = k.origin_id"
        )
    })
}

/// All grants that these payments bought.
pub(crate) fn grants_by_payment(backend: Backend, keys: &[(WalletKey, ExternalRef)]) -> Statement {
    let keys = columns!(keys, {
        bucket: SmallInt = |(k, _)| k.bucket(),
        wallet_key: Uuid = |(k, _)| k.uuid(),
        payment: Text = |(_, payment)| payment.to_string(),
    });
    select(backend, keys, |k| {
        let g = column_names::<grants::Entity>("g");
        format!(
            "SELECT {g} FROM {k}
             CROSS JOIN grants g WHERE g.bucket = k.bucket AND g.wallet_key = k.wallet_key
                          AND g.payment = k.payment AND g.payment <> ''"
        )
    })
}

/// All grace credits that stem from these purchases.
pub(crate) fn grants_by_purchase(backend: Backend, keys: &[(WalletKey, OriginId)]) -> Statement {
    let keys = columns!(keys, {
        bucket: SmallInt = |(k, _)| k.bucket(),
        wallet_key: Uuid = |(k, _)| k.uuid(),
        purchase: Text = |(_, purchase)| purchase.to_string(),
    });
    select(backend, keys, |k| {
        let g = column_names::<grants::Entity>("g");
        format!(
            "SELECT {g} FROM {k}
             CROSS JOIN grants g WHERE g.bucket = k.bucket AND g.wallet_key = k.wallet_key
                          AND g.purchase = k.purchase AND g.purchase <> ''"
        )
    })
}

/// What plans have given these wallets since an instant, and grace credits, closed ones too.
pub(crate) fn grants_of_period(backend: Backend, keys: &[(WalletKey, i64)]) -> Statement {
    let keys = columns!(keys, {
        bucket: SmallInt = |(k, _)| k.bucket(),
        wallet_key: Uuid = |(k, _)| k.uuid(),
        since: BigInt = |(_, since)| *since,
    });
    let (grace, period) = (Origin::Grace as i16, Origin::Period as i16);
    select(backend, keys, |k| {
        let g = column_names::<grants::Entity>("g");
        format!(
            "SELECT {g} FROM {k}
             CROSS JOIN grants g WHERE g.bucket = k.bucket AND g.wallet_key = k.wallet_key
                          AND g.origin IN ({grace}, {period}) AND g.create_time >= k.since"
        )
    })
}

pub(crate) fn reservations_by_id(backend: Backend, keys: &[(WalletKey, ReservationId)]) -> Statement {
    let keys = columns!(keys, {
        bucket: SmallInt = |(k, _)| k.bucket(),
        wallet_key: Uuid = |(k, _)| k.uuid(),
        reservation_id: Text = |(_, id)| id.to_string(),
    });
    select(backend, keys, |k| {
        let r = column_names::<reservations::Entity>("r");
        format!(
            "SELECT {r} FROM {k}
             CROSS JOIN reservations r WHERE r.bucket = k.bucket AND r.wallet_key = k.wallet_key
                                AND r.reservation_id = k.reservation_id"
        )
    })
}

/// Open reservations that may be due: `sweep_at` never lies behind the deadline.
pub(crate) fn reservations_due(backend: Backend, keys: &[Due]) -> Statement {
    let keys = columns!(keys, {
        bucket: SmallInt = |(k, _)| k.bucket(),
        wallet_key: Uuid = |(k, _)| k.uuid(),
        now: BigInt = |(_, now)| *now,
    });
    select(backend, keys, |k| {
        let r = column_names::<reservations::Entity>("r");
        format!(
            "SELECT {r} FROM {k}
             CROSS JOIN reservations r WHERE r.bucket = k.bucket AND r.wallet_key = k.wallet_key
                                AND r.open AND r.sweep_at <= k.now"
        )
    })
}

/// Entries of commands that made no row of their own.
pub(crate) fn requests(backend: Backend, keys: &[(WalletKey, RequestId)]) -> Statement {
    let keys = columns!(keys, {
        bucket: SmallInt = |(k, _)| k.bucket(),
        wallet_key: Uuid = |(k, _)| k.uuid(),
        request_id: Text = |(_, id)| id.to_string(),
    });
    select(backend, keys, |k| {
        let e = column_names::<entries::Entity>("e");
        format!(
            "SELECT {e} FROM {k}
             CROSS JOIN entries e WHERE e.bucket = k.bucket AND e.wallet_key = k.wallet_key
                           AND e.request_id = k.request_id AND e.request_id <> ''"
        )
    })
}
