//! Writes the decisions of a batch: each row once, all tables in one statement on PostgreSQL.
//!
//! On PostgreSQL that statement can be the whole transaction ([`write_at_versions`]): it locks the wallets that still
//! have the versions at which they were decided, and writes only if these are all of them.
//!
//! A row that is created and changed in one batch is inserted in its final state: an INSERT and an UPDATE of one
//! row in one statement would silently lose the update. The number of rows written is checked against the number
//! expected.

use sea_orm::{Statement, Value};
use wallet_core::entry::Entry;
use wallet_core::event::Event;
use wallet_core::{Finished, Wallet, WalletKey};

use crate::store::Backend;
use crate::store::batch::LoadedWallet;
use crate::store::sql::{Column, ColumnStatement, RowWrite, WriteKind, load};
use crate::store::tables::{
    entries, events, feed_outbox, grants, holds, reservations, wallet_profiles, wallets,
};

/// The changes that a batch made to one wallet.
#[derive(Debug)]
pub(crate) struct WalletWrite<'a> {
    pub(crate) loaded: &'a LoadedWallet,
    pub(crate) finished: &'a Finished,
}

impl WalletWrite<'_> {
    pub(crate) const fn wallet(&self) -> &Wallet {
        &self.loaded.wallet
    }

    pub(crate) const fn key(&self) -> WalletKey {
        self.loaded.wallet.key
    }

    /// Returns whether the database had the wallet.
    pub(crate) const fn is_stored(&self) -> bool {
        self.loaded.stored.version > 0
    }
}

/// A statement, with the number of rows it must write. PostgreSQL returns one count per column, SQLite one per
/// statement.
pub(in crate::store) struct Write {
    pub(in crate::store) statement: Statement,
    pub(in crate::store) rows: Vec<i64>,
}

/// Returns the statements that write a batch: one on PostgreSQL, some per table on SQLite, none if nothing changed.
pub(in crate::store) fn write(backend: Backend, batch: &[WalletWrite<'_>]) -> Vec<Write> {
    let parts: Vec<RowWrite> = parts(batch).into_iter().filter(|part| part.rows > 0).collect();
    match backend {
        Backend::Postgres if parts.is_empty() => Vec::new(),
        Backend::Postgres => vec![together(parts)],
        Backend::Sqlite => parts.into_iter().flat_map(alone).collect(),
    }
}

fn together(parts: Vec<RowWrite>) -> Write {
    let Parts { ctes, counts, rows, parameters } = Parts::of(parts, 1, "true");
    let sql = format!("WITH {} SELECT {}", ctes.join(", "), counts.join(", "));
    let values: Vec<Value> = parameters.into_iter().map(Column::array).collect();
    Write { statement: Statement::from_sql_and_values(Backend::Postgres.db(), sql, values), rows }
}

/// Returns the one statement that locks the stored wallets of the batch, writes what was decided if they all have the
/// versions that they were loaded with, and returns whether they have. It fails, and writes nothing, if it writes
/// another number of rows than expected. PostgreSQL only.
pub(in crate::store) fn write_at_versions(batch: &[WalletWrite<'_>]) -> ColumnStatement {
    let mut stored: Vec<&WalletWrite<'_>> = batch.iter().filter(|w| w.is_stored()).collect();
    stored.sort_unstable_by_key(|w| w.key());
    let locked = load::lock_at_versions(&stored);
    let mut parameters = locked.parameters;
    let parts = parts(batch).into_iter().filter(|part| part.rows > 0).collect();
    let mut parts = Parts::of(parts, parameters.len() + 1, "(SELECT holds FROM at_versions)");
    parameters.append(&mut parts.parameters);
    parameters.push(Column::BigInt(parts.rows));
    // A wrong number of rows casts a text to boolean, which fails and undoes the statement. The text contains the
    // counts, so that PostgreSQL cannot evaluate the cast before they are known. OFFSET 0 keeps it from counting once
    // per mention.
    let sql = format!(
        "WITH locked AS ({}), at_versions AS (SELECT count(*) = cardinality($1) AS holds FROM locked) {}
         SELECT CASE WHEN NOT holds THEN false WHEN written = ${expected} THEN true
                     ELSE concat('wrote ', written, ' rows instead of ', ${expected})::boolean END AS holds
         FROM at_versions, (SELECT ARRAY[{}]::bigint[] AS written OFFSET 0) c",
        locked.sql,
        parts.ctes.iter().map(|cte| format!(", {cte}")).collect::<String>(),
        parts.counts.join(", "),
        expected = parameters.len(),
    );
    ColumnStatement { sql, parameters }
}

/// The writes of several tables as parts of one statement.
struct Parts {
    ctes: Vec<String>,
    /// The SQL of the number of rows that each part wrote.
    counts: Vec<String>,
    /// The number of rows that each part must write.
    rows: Vec<i64>,
    parameters: Vec<Column>,
}

impl Parts {
    /// Returns the parts with parameters from `first` on. Nothing is written unless `condition` holds.
    fn of(writes: Vec<RowWrite>, first: usize, condition: &str) -> Self {
        let mut parts =
            Self { ctes: Vec::new(), counts: Vec::new(), rows: Vec::new(), parameters: Vec::new() };
        for (i, write) in writes.into_iter().enumerate() {
            let rows = write.columns.table(Backend::Postgres, "d", first + parts.parameters.len());
            parts
                .ctes
                .push(format!("p{i} AS ({} RETURNING 1)", write.sql(Backend::Postgres, &rows, condition)));
            parts.counts.push(format!("(SELECT count(*) FROM p{i})"));
            parts.rows.push(count(write.rows));
            parts.parameters.extend(write.columns.into_parameters());
        }
        parts
    }
}

/// Returns the statements that write the rows of one table on SQLite. Their numbers of rows are powers of two, so that
/// the statements have few texts.
fn alone(part: RowWrite) -> Vec<Write> {
    let (mut left, mut statements) = (part.rows, Vec::new());
    while left > 0 {
        let size = (1 << left.ilog2()).min(part.rows_together());
        // The condition ends the SELECT: without it, SQLite would parse a following ON as part of a join.
        statements.push((part.sql(Backend::Sqlite, &part.columns.values("d", size), "true"), size));
        left -= size;
    }
    let columns = part.columns.0.len();
    let mut values = part.columns.bind_values().into_iter();
    let write = |(sql, size): (String, usize)| {
        let values: Vec<Value> = values.by_ref().take(size * columns).collect();
        let statement = Statement::from_sql_and_values(Backend::Sqlite.db(), sql, values);
        Write { statement, rows: vec![count(size)] }
    };
    statements.into_iter().map(write).collect()
}

#[expect(clippy::expect_used, reason = "the number of rows is compared with that of the database")]
fn count(rows: usize) -> i64 {
    i64::try_from(rows).expect("a batch has fewer rows than the largest i64")
}

/// Returns the writes of all tables. A row that was loaded is updated, any other is inserted.
fn parts(batch: &[WalletWrite<'_>]) -> Vec<RowWrite> {
    let changed: Vec<&WalletWrite<'_>> = batch.iter().filter(|w| w.finished.changes.raises_version).collect();
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
    parts.push(feed_outbox::write(batch));
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
