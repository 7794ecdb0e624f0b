//! Writes the decisions of a batch: each row once, all tables in one statement on PostgreSQL.
//!
//! A row that is created and changed in one batch is inserted in its final state: an INSERT and an UPDATE of one
//! row in one statement would silently lose the update. The number of rows written is checked against the number
//! expected.

use sea_orm::{Statement, Value};
use wallet_core::WalletKey;
use wallet_core::entry::Entry;
use wallet_core::event::Event;

use crate::store::Backend;
use crate::store::batch::WalletWrite;
use crate::store::sql::{RowWrite, WriteKind};
use crate::store::tables::{entries, events, grants, holds, reservations, wallet_profiles, wallets};

/// A statement, with the number of rows it must write. PostgreSQL returns one count per column, SQLite one per
/// statement.
pub(in crate::store) struct Write {
    pub(in crate::store) statement: Statement,
    pub(in crate::store) rows: Vec<i64>,
}

/// Returns the statements that write a batch: one on PostgreSQL, one per table on SQLite, none if nothing changed.
pub(in crate::store) fn write(backend: Backend, batch: &[WalletWrite<'_>]) -> Vec<Write> {
    let parts: Vec<RowWrite> = parts(batch).into_iter().filter(|part| part.rows > 0).collect();
    match backend {
        Backend::Postgres if parts.is_empty() => Vec::new(),
        Backend::Postgres => vec![together(parts)],
        Backend::Sqlite => parts.into_iter().flat_map(|part| part.one_by_one(backend)).map(alone).collect(),
    }
}

fn together(parts: Vec<RowWrite>) -> Write {
    let mut first = 1;
    let mut values: Vec<Value> = Vec::new();
    let (mut ctes, mut counts, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    for (i, part) in parts.into_iter().enumerate() {
        ctes.push(format!("p{i} AS ({} RETURNING 1)", part.sql(Backend::Postgres, first)));
        counts.push(format!("(SELECT count(*) FROM p{i}) AS c{i}"));
        rows.push(count(part.rows));
        let bound = part.columns.bind(Backend::Postgres);
        first += bound.len();
        values.extend(bound);
    }
    let sql = format!("WITH {} SELECT {}", ctes.join(", "), counts.join(", "));
    Write { statement: Statement::from_sql_and_values(Backend::Postgres.db(), sql, values), rows }
}

fn alone(part: RowWrite) -> Write {
    let sql = part.sql(Backend::Sqlite, 1);
    let rows = vec![count(part.rows)];
    let values = part.columns.bind(Backend::Sqlite);
    Write { statement: Statement::from_sql_and_values(Backend::Sqlite.db(), sql, values), rows }
}

#[expect(clippy::expect_used, reason = "the number of rows is compared with that of the database")]
fn count(rows: usize) -> i64 {
    i64::try_from(rows).expect("a batch has fewer rows than the largest i64")
}

/// Returns the writes of all tables. A row that was loaded is updated, any other is inserted.
fn parts(batch: &[WalletWrite<'_>]) -> Vec<RowWrite> {
    let changed: Vec<&WalletWrite<'_>> = batch.iter().filter(|w| w.finished.changes.any).collect();
    let profiles: Vec<&WalletWrite<'_>> = batch.iter().filter(|w| w.finished.changes.profile).collect();
    let entries: Vec<(WalletKey, &Entry)> =
        batch.iter().flat_map(|w| w.finished.entries.iter().map(|entry| (w.key(), entry))).collect();
    let mut parts = Vec::from(both(changed, |w| w.is_stored(), wallets::write));
    parts.extend(both(profiles, |w| w.is_stored(), wallet_profiles::write));
    parts.extend(grants(batch));
    parts.extend(reservations(batch));
    parts.extend(holds(batch));
    parts.push(entries::write(&entries));
    let events: Vec<(WalletKey, &Entry, i32, &Event)> =
        entries.iter().flat_map(|(wallet, entry)| of_entry(*wallet, entry)).collect();
    parts.push(events::write(&events));
    parts
}

/// Returns the notifications of an entry, numbered from 0.
fn of_entry(wallet: WalletKey, entry: &Entry) -> impl Iterator<Item = (WalletKey, &Entry, i32, &Event)> {
    (0..).zip(&entry.events).map(move |(n, event)| (wallet, entry, n, event))
}

/// Returns the insertion of the rows that were not loaded, and the update of the others.
fn both<T>(
    rows: Vec<T>,
    is_loaded: impl Fn(&T) -> bool,
    write: impl Fn(WriteKind, &[T]) -> RowWrite,
) -> [RowWrite; 2] {
    let (loaded, new): (Vec<T>, Vec<T>) = rows.into_iter().partition(is_loaded);
    [write(WriteKind::Insert, &new), write(WriteKind::Update, &loaded)]
}

fn grants(batch: &[WalletWrite<'_>]) -> [RowWrite; 2] {
    let (mut new, mut loaded) = (Vec::new(), Vec::new());
    for w in batch {
        for grant in w.finished.changes.grants.iter().filter_map(|key| w.wallet().grants.get(key)) {
            let rows = if w.loaded.stored.grants.contains(&grant.key) { &mut loaded } else { &mut new };
            rows.push((w.key(), grant, w.finished.now));
        }
    }
    [grants::write(WriteKind::Insert, &new), grants::write(WriteKind::Update, &loaded)]
}

fn reservations(batch: &[WalletWrite<'_>]) -> [RowWrite; 2] {
    let (mut new, mut loaded) = (Vec::new(), Vec::new());
    for w in batch {
        let changed = w.finished.changes.reservations.iter();
        for reservation in changed.filter_map(|id| w.wallet().reservations.get(id)) {
            let is_loaded = w.loaded.stored.reservations.contains(&reservation.id);
            let rows = if is_loaded { &mut loaded } else { &mut new };
            rows.push((w.key(), reservation));
        }
    }
    [reservations::write(WriteKind::Insert, &new), reservations::write(WriteKind::Update, &loaded)]
}

/// Returns the deletion of the rows of holds that have ended or are swept at another time, and the insertion of the new
/// ones. The same time and id are never in both.
fn holds(batch: &[WalletWrite<'_>]) -> [RowWrite; 2] {
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for w in batch {
        let changed = w.finished.changes.reservations.iter();
        for reservation in changed.filter_map(|id| w.wallet().reservations.get(id)) {
            let stored = w.loaded.stored.holds.get(&reservation.id).copied();
            let sweep_at = reservation.state.is_open().then_some(reservation.sweep_at);
            if stored != sweep_at {
                old.extend(stored.map(|time| (w.key(), &reservation.id, time)));
                new.extend(sweep_at.map(|time| (w.key(), &reservation.id, time)));
            }
        }
    }
    [holds::write(WriteKind::Delete, &old), holds::write(WriteKind::Insert, &new)]
}
