//! Writes the decisions of a batch: each row once, all tables in one statement on PostgreSQL.
//!
//! A row that is created and changed in one batch is inserted in its final state: an INSERT and an UPDATE of one
//! row in one statement would silently lose the update. The number of rows written is checked against the number
//! expected.

use std::time::Duration;

use sea_orm::{Statement, Value};
use serde::Serialize;
use wallet_core::entry::{self, Entry};
use wallet_core::event::Event;
use wallet_core::grant::{Grant, Origin};
use wallet_core::ids::UnitId;
use wallet_core::reservation::Reservation;
use wallet_core::wallet::Balance;
use wallet_core::{Timestamp, WalletKey};

use super::columns::{Columns, columns};
use crate::store::rows::{EventDetails, source_number};
use crate::store::tx::WalletWrite;
use crate::store::{Backend, StoreError};

/// The write to one table: rows to insert, or to update by the leading key columns.
struct Part {
    table: &'static str,
    /// 0 for an insert, else the number of leading columns that identify the row.
    key_columns: usize,
    rows: usize,
    columns: Columns,
}

/// A statement, with the number of rows it must write. PostgreSQL returns one count per column, SQLite one per
/// statement.
pub(crate) struct Write {
    pub(crate) statement: Statement,
    pub(crate) rows: Vec<i64>,
}

/// Returns the statements that write a batch: one on PostgreSQL, one per table on SQLite, none if nothing changed.
pub(crate) fn write(backend: Backend, batch: &[WalletWrite<'_>]) -> Result<Vec<Write>, StoreError> {
    let parts: Vec<Part> = parts(batch)?.into_iter().filter(|part| part.rows > 0).collect();
    Ok(match backend {
        Backend::Postgres if parts.is_empty() => Vec::new(),
        Backend::Postgres => vec![together(parts)],
        Backend::Sqlite => parts.into_iter().map(alone).collect(),
    })
}

fn together(parts: Vec<Part>) -> Write {
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

fn alone(part: Part) -> Write {
    let sql = part.sql(Backend::Sqlite, 1);
    let rows = vec![count(part.rows)];
    let values = part.columns.bind(Backend::Sqlite);
    Write { statement: Statement::from_sql_and_values(Backend::Sqlite.db(), sql, values), rows }
}

#[expect(clippy::expect_used, reason = "the number of rows is compared with that of the database")]
fn count(rows: usize) -> i64 {
    i64::try_from(rows).expect("a batch has fewer rows than the largest i64")
}

#[expect(clippy::expect_used, reason = "the lease must be the one of which the entry has a digest")]
fn lease_micros(lease: Duration) -> i64 {
    i64::try_from(lease.as_micros()).expect("a lease is at most a day")
}

impl Part {
    fn sql(&self, backend: Backend, first: usize) -> String {
        let rows = self.columns.table(backend, "d", first);
        let names: Vec<&str> = self.columns.0.iter().map(|(name, _)| *name).collect();
        if self.key_columns == 0 {
            let table = self.table;
            // `WHERE true` ends the SELECT: without it, SQLite would parse a following ON as part of a join.
            return format!("INSERT INTO {table} ({}) SELECT * FROM {rows} WHERE true", names.join(", "));
        }
        let (keys, changes) = names.split_at(self.key_columns);
        let sets: Vec<String> = changes.iter().map(|name| format!("{name} = d.{name}")).collect();
        let finds: Vec<String> = keys
            .iter()
            .map(|name| match (backend, *name) {
                // With a plain equality of the leading column, PostgreSQL could join without looking the row up.
                (Backend::Postgres, "bucket") => "t.bucket = ANY (ARRAY[d.bucket])".to_owned(),
                _ => format!("t.{name} = d.{name}"),
            })
            .collect();
        format!(
            "UPDATE {} AS t SET {} FROM {rows} WHERE {}",
            self.table,
            sets.join(", "),
            finds.join(" AND ")
        )
    }
}

fn parts(batch: &[WalletWrite<'_>]) -> Result<Vec<Part>, StoreError> {
    let mut parts = Vec::from(wallets(batch));
    parts.extend(balances(batch));
    parts.extend(profiles(batch)?);
    parts.extend(grants(batch)?);
    parts.extend(reservations(batch)?);
    parts.push(entries(batch)?);
    parts.push(events(batch)?);
    Ok(parts)
}

fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(StoreError::corrupt)
}

fn insert(table: &'static str, rows: usize, columns: Columns) -> Part {
    Part { table, key_columns: 0, rows, columns }
}

fn update(table: &'static str, key_columns: usize, rows: usize, columns: Columns) -> Part {
    Part { table, key_columns, rows, columns }
}

fn wallets(batch: &[WalletWrite<'_>]) -> [Part; 2] {
    let (new, changed): (Vec<&WalletWrite<'_>>, Vec<&WalletWrite<'_>>) =
        batch.iter().filter(|w| w.finished.changes.any).partition(|w| w.loaded.was.version == 0);
    let columns = |rows: &[&WalletWrite<'_>]| {
        columns!(rows, {
            bucket: SmallInt = |w| w.key().bucket(),
            wallet_key: Uuid = |w| w.key().uuid(),
            status: SmallInt = |w| w.wallet().status as i16,
            frozen: Bool = |w| w.wallet().frozen,
            version: BigInt = |w| w.wallet().version,
            revision: BigInt = |w| w.wallet().revision,
            head: Bytes = |w| w.wallet().head.to_vec(),
            last_time: BigInt = |w| w.wallet().last_time.as_micros(),
            open_reservations: BigInt = |w| w.wallet().open_reservations,
        })
    };
    [insert("wallets", new.len(), columns(&new)), update("wallets", 2, changed.len(), columns(&changed))]
}

fn balances(batch: &[WalletWrite<'_>]) -> [Part; 2] {
    let row = |w: &WalletWrite<'_>, unit: &UnitId| (w.key(), unit.clone(), w.wallet().balance(unit.as_str()));
    let (mut new, mut changed): (Vec<(WalletKey, UnitId, Balance)>, Vec<_>) = (Vec::new(), Vec::new());
    for w in batch {
        for unit in &w.finished.changes.units {
            let rows = if w.loaded.was.units.contains(unit) { &mut changed } else { &mut new };
            rows.push(row(w, unit));
        }
    }
    let columns = |rows: &[(WalletKey, UnitId, Balance)]| {
        columns!(rows, {
            bucket: SmallInt = |(k, _, _)| k.bucket(),
            wallet_key: Uuid = |(k, _, _)| k.uuid(),
            unit: Text = |(_, unit, _)| unit.to_string(),
            available: BigInt = |(_, _, b)| b.available,
            held: BigInt = |(_, _, b)| b.held,
            debt: BigInt = |(_, _, b)| b.debt,
            debt_limit: BigInt = |(_, _, b)| b.debt_limit,
        })
    };
    [
        insert("wallet_balances", new.len(), columns(&new)),
        update("wallet_balances", 3, changed.len(), columns(&changed)),
    ]
}

fn profiles(batch: &[WalletWrite<'_>]) -> Result<[Part; 2], StoreError> {
    let (mut new, mut changed): (Vec<(&WalletWrite<'_>, String)>, Vec<_>) = (Vec::new(), Vec::new());
    for w in batch.iter().filter(|w| w.finished.changes.profile) {
        let rows = if w.loaded.was.version == 0 { &mut new } else { &mut changed };
        rows.push((w, json(&w.wallet().profile)?));
    }
    Ok([
        insert(
            "wallet_profiles",
            new.len(),
            columns!(new, {
                bucket: SmallInt = |(w, _)| w.key().bucket(),
                wallet_key: Uuid = |(w, _)| w.key().uuid(),
                tenant: Uuid = |(w, _)| w.loaded.tenant.0,
                wallet_id: Text = |(w, _)| w.wallet().id.to_string(),
                create_time: BigInt = |(w, _)| w.wallet().create_time.as_micros(),
                profile: Text = |(_, profile)| profile.clone(),
                next_time: BigInt = |(w, _)| w.wallet().next_subscription_time().as_micros(),
            }),
        ),
        update(
            "wallet_profiles",
            2,
            changed.len(),
            columns!(changed, {
                bucket: SmallInt = |(w, _)| w.key().bucket(),
                wallet_key: Uuid = |(w, _)| w.key().uuid(),
                profile: Text = |(_, profile)| profile.clone(),
                next_time: BigInt = |(w, _)| w.wallet().next_subscription_time().as_micros(),
            }),
        ),
    ])
}

fn grants(batch: &[WalletWrite<'_>]) -> Result<[Part; 2], StoreError> {
    let (mut new, mut changed): (Vec<(&WalletWrite<'_>, &Grant, String)>, Vec<_>) = (Vec::new(), Vec::new());
    for w in batch {
        for grant in w.finished.changes.grants.iter().filter_map(|key| w.wallet().grants.get(key)) {
            if w.loaded.was.grants.contains(&grant.key) {
                changed.push((w, grant));
            } else {
                new.push((w, grant, json(&grant.details)?));
            }
        }
    }
    let payment = |g: &Grant| g.details.external_ref.as_ref().map(ToString::to_string).unwrap_or_default();
    // A purchase's own grants are found by their key; this column finds the grace credits that come from it.
    let purchase = |g: &Grant| match g.key.origin {
        Origin::Grace => g.purchase().map(ToString::to_string).unwrap_or_default(),
        _ => String::new(),
    };
    Ok([
        insert(
            "grants",
            new.len(),
            columns!(new, {
                bucket: SmallInt = |(w, _, _)| w.key().bucket(),
                wallet_key: Uuid = |(w, _, _)| w.key().uuid(),
                origin: SmallInt = |(_, g, _)| g.key.origin as i16,
                origin_id: Text = |(_, g, _)| g.key.id.to_string(),
                n: Int = |(_, g, _)| i32::from(g.key.n),
                unit: Text = |(_, g, _)| g.unit.to_string(),
                source: SmallInt = |(_, g, _)| source_number(g.source),
                priority: Int = |(_, g, _)| g.priority,
                effective_time: BigInt = |(_, g, _)| g.effective_time.as_micros(),
                expire_time: BigInt = |(_, g, _)| g.expire_time.as_micros(),
                warn_time: BigInt = |(_, g, _)| g.warn_time.as_micros(),
                create_time: BigInt = |(_, g, _)| g.create_time.as_micros(),
                amount: BigInt = |(_, g, _)| g.amount,
                pending: BigInt = |(_, g, _)| g.parts.pending,
                available: BigInt = |(_, g, _)| g.parts.available,
                held: BigInt = |(_, g, _)| g.parts.held,
                consumed: BigInt = |(_, g, _)| g.parts.consumed,
                expired: BigInt = |(_, g, _)| g.parts.expired,
                revoked: BigInt = |(_, g, _)| g.parts.revoked,
                paid_out: BigInt = |(_, g, _)| g.parts.paid_out,
                clawback: SmallInt = |(_, g, _)| g.clawback.map_or(0, |why| why as i16),
                open: Bool = |(_, g, _)| g.is_open(),
                next_time: BigInt = |(w, g, _)| g.next_time(w.finished.now).as_micros(),
                payment: Text = |(_, g, _)| payment(g),
                purchase: Text = |(_, g, _)| purchase(g),
                details: Text = |(_, _, details)| details.clone(),
            }),
        ),
        update(
            "grants",
            5,
            changed.len(),
            columns!(changed, {
                bucket: SmallInt = |(w, _)| w.key().bucket(),
                wallet_key: Uuid = |(w, _)| w.key().uuid(),
                origin: SmallInt = |(_, g)| g.key.origin as i16,
                origin_id: Text = |(_, g)| g.key.id.to_string(),
                n: Int = |(_, g)| i32::from(g.key.n),
                expire_time: BigInt = |(_, g)| g.expire_time.as_micros(),
                warn_time: BigInt = |(_, g)| g.warn_time.as_micros(),
                pending: BigInt = |(_, g)| g.parts.pending,
                available: BigInt = |(_, g)| g.parts.available,
                held: BigInt = |(_, g)| g.parts.held,
                consumed: BigInt = |(_, g)| g.parts.consumed,
                expired: BigInt = |(_, g)| g.parts.expired,
                revoked: BigInt = |(_, g)| g.parts.revoked,
                paid_out: BigInt = |(_, g)| g.parts.paid_out,
                clawback: SmallInt = |(_, g)| g.clawback.map_or(0, |why| why as i16),
                open: Bool = |(_, g)| g.is_open(),
                next_time: BigInt = |(w, g)| g.next_time(w.finished.now).as_micros(),
            }),
        ),
    ])
}

/// A reservation, with the columns that are stored as JSON.
struct ReservationRow<'a> {
    key: WalletKey,
    r: &'a Reservation,
    allocations: String,
    bill: String,
    terms: String,
}

fn reservations(batch: &[WalletWrite<'_>]) -> Result<[Part; 2], StoreError> {
    let (mut new, mut changed) = (Vec::new(), Vec::new());
    for w in batch {
        for r in w.finished.changes.reservations.iter().filter_map(|id| w.wallet().reservations.get(id)) {
            let is_new = !w.loaded.was.reservations.contains(&r.id);
            let row = ReservationRow {
                key: w.key(),
                r,
                allocations: json(&r.allocations)?,
                bill: r.finish.as_ref().map(|finish| json(&finish.bill)).transpose()?.unwrap_or_default(),
                terms: if is_new { json(&*r.terms)? } else { String::new() },
            };
            if is_new { new.push(row) } else { changed.push(row) }
        }
    }
    let mut inserts = changing(&new);
    inserts.0.extend(unchanging(&new).0);
    Ok([
        insert("reservations", new.len(), inserts),
        update("reservations", 3, changed.len(), changing(&changed)),
    ])
}

fn changing(rows: &[ReservationRow<'_>]) -> Columns {
    let micros = |time: Option<Timestamp>| time.map_or(0, Timestamp::as_micros);
    columns!(rows, {
        bucket: SmallInt = |row| row.key.bucket(),
        wallet_key: Uuid = |row| row.key.uuid(),
        reservation_id: Text = |row| row.r.id.to_string(),
        state: SmallInt = |row| row.r.state as i16,
        open: Bool = |row| row.r.state.is_open(),
        deadline: BigInt = |row| row.r.deadline.as_micros(),
        sweep_at: BigInt = |row| row.r.sweep_at.as_micros(),
        attempt: Int = |row| row.r.attempt,
        worker: Text = |row| row.r.worker.as_ref().map(ToString::to_string).unwrap_or_default(),
        lease: BigInt = |row| row.r.lease.map_or(0, lease_micros),
        start_time: BigInt = |row| micros(row.r.start_time),
        allocations: Text = |row| row.allocations.clone(),
        finish_time: BigInt = |row| micros(row.r.finish.as_ref().map(|finish| finish.time)),
        finish_revision: BigInt = |row| row.r.finish.as_ref().map_or(0, |finish| finish.revision),
        finalizer: Text = |row| {
            row.r.finish.as_ref().map(|finish| finish.fingerprint.to_string()).unwrap_or_default()
        },
        bill: Text = |row| row.bill.clone(),
    })
}

fn unchanging(rows: &[ReservationRow<'_>]) -> Columns {
    columns!(rows, {
        reserve_time: BigInt = |row| row.r.reserve_time.as_micros(),
        reserve_revision: BigInt = |row| row.r.reserve_revision,
        fingerprint: Text = |row| row.r.fingerprint.to_string(),
        kind: Text = |row| row.r.terms.operation.as_ref().map(|o| o.kind.clone()).unwrap_or_default(),
        actor: Text = |row| row.r.terms.actor.as_ref().map(ToString::to_string).unwrap_or_default(),
        terms: Text = |row| row.terms.clone(),
    })
}

fn entries(batch: &[WalletWrite<'_>]) -> Result<Part, StoreError> {
    let mut rows: Vec<(WalletKey, &Entry, String, String)> = Vec::new();
    for w in batch {
        for entry in &w.finished.entries {
            rows.push((w.key(), entry, json(&entry.postings)?, json(&entry.balances)?));
        }
    }
    fn text<T: ToString>(id: Option<&T>) -> String {
        id.map(ToString::to_string).unwrap_or_default()
    }
    Ok(insert(
        "entries",
        rows.len(),
        columns!(rows, {
            bucket: SmallInt = |(k, ..)| k.bucket(),
            wallet_key: Uuid = |(k, ..)| k.uuid(),
            revision: BigInt = |(_, e, ..)| e.revision,
            format: SmallInt = |_| entry::FORMAT,
            kind: SmallInt = |(_, e, ..)| e.kind as i16,
            effective_time: BigInt = |(_, e, ..)| e.effective_time.as_micros(),
            record_time: BigInt = |(_, e, ..)| e.record_time.as_micros(),
            reservation_id: Text = |(_, e, ..)| text(e.reservation.as_ref()),
            request_id: Text = |(_, e, ..)| text(e.request.as_ref()),
            fingerprint: Text = |(_, e, ..)| e.fingerprint.to_string(),
            actor: Text = |(_, e, ..)| text(e.actor.as_ref()),
            reason: Text = |(_, e, ..)| e.reason.clone(),
            row_digests: Text = |(_, e, ..)| e.row_digests.to_string(),
            postings: Text = |(_, _, postings, _)| postings.clone(),
            balances: Text = |(_, _, _, balances)| balances.clone(),
            hash: Bytes = |(_, e, ..)| e.hash.to_vec(),
        }),
    ))
}

/// Notifications are inserted in the same statement as the entry that causes them.
fn events(batch: &[WalletWrite<'_>]) -> Result<Part, StoreError> {
    let mut rows: Vec<(WalletKey, &Entry, i32, &Event, String)> = Vec::new();
    for w in batch {
        for entry in &w.finished.entries {
            for (n, event) in (0..).zip(&entry.events) {
                rows.push((w.key(), entry, n, event, json(&EventDetails::of(event))?));
            }
        }
    }
    Ok(insert(
        "events",
        rows.len(),
        columns!(rows, {
            bucket: SmallInt = |(k, ..)| k.bucket(),
            wallet_key: Uuid = |(k, ..)| k.uuid(),
            revision: BigInt = |(_, entry, ..)| entry.revision,
            n: Int = |(_, _, n, ..)| *n,
            kind: SmallInt = |(.., event, _)| event.kind as i16,
            unit: Text = |(.., event, _)| event.unit.to_string(),
            available: BigInt = |(.., event, _)| event.available,
            threshold: BigInt = |(.., event, _)| event.threshold,
            event_time: BigInt = |(_, entry, ..)| entry.effective_time.as_micros(),
            details: Text = |(.., details)| details.clone(),
        }),
    ))
}
