//! Every row of the ledger, wallet by wallet: all tables read side by side in pages, in the order of their keys.
//!
//! Owns the queries. A page continues behind the last key of the one before, so no query takes long and none is
//! made per wallet or per entry. Rows whose wallet has no row of its own come along like all others.

use std::iter::Peekable;
use std::vec;

use sea_orm::{DbErr, FromQueryResult, QueryResult, Value};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::store::entity::{
    entries, events, grants, reservations, wallet_balances, wallet_profiles, wallets,
};
use crate::store::{ReadTx, StoreError};

/// Rows read with one query.
const PAGE: usize = 2_000;
/// Rows handed on at once.
const BATCH: usize = 500;

/// (bucket, wallet_key), as stored.
pub(super) type Key = (i16, Uuid);

/// A row of the ledger. A wallet's rows come in this order.
#[derive(Debug, Clone)]
pub(super) enum Row {
    Wallet(wallets::Model),
    Profile(wallet_profiles::Model),
    /// Before the entries that they came with.
    Event(events::Model),
    Entry(entries::Model),
    Grant(grants::Model),
    Balance(wallet_balances::Model),
    Reservation(reservations::Model),
    /// A row of this table with a column that is not what it should be.
    Unreadable(&'static str, String),
}

/// Sends all rows in order, or those of one wallet, until nobody listens any more.
pub(super) async fn send_all(
    snapshot: &ReadTx,
    only: Option<Key>,
    sender: &mpsc::Sender<Vec<(Key, Row)>>,
) -> Result<(), StoreError> {
    let mut cursors = TABLES.each_ref().map(|table| Cursor::new(table, only));
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let mut next: Option<Key> = None;
        for cursor in &mut cursors {
            let key = cursor.key(snapshot).await?;
            next = next.into_iter().chain(key).min();
        }
        let Some(wallet) = next else { break };
        for cursor in &mut cursors {
            while cursor.key(snapshot).await? == Some(wallet) {
                batch.extend(cursor.page.next());
                if batch.len() >= BATCH {
                    let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
                    if sender.send(full).await.is_err() {
                        return Ok(());
                    }
                }
            }
        }
    }
    let _ = sender.send(batch).await;
    Ok(())
}

/// How a table is read.
struct Table {
    name: &'static str,
    /// What orders its rows within a wallet: the rest of its primary key.
    order: &'static [(&'static str, Take)],
    read: fn(&QueryResult) -> Result<Row, DbErr>,
}

/// Takes a column of a row as a value to continue behind.
type Take = fn(&QueryResult, &str) -> Result<Value, DbErr>;

static TABLES: [Table; 7] = [
    Table {
        name: "wallets",
        order: &[],
        read: |row| wallets::Model::from_query_result(row, "").map(Row::Wallet),
    },
    Table {
        name: "wallet_profiles",
        order: &[],
        read: |row| wallet_profiles::Model::from_query_result(row, "").map(Row::Profile),
    },
    Table {
        name: "events",
        order: &[("revision", take::<i64>), ("n", take::<i32>)],
        read: |row| events::Model::from_query_result(row, "").map(Row::Event),
    },
    Table {
        name: "entries",
        order: &[("revision", take::<i64>)],
        read: |row| entries::Model::from_query_result(row, "").map(Row::Entry),
    },
    Table {
        name: "grants",
        order: &[("origin", take::<i16>), ("origin_id", take::<String>), ("n", take::<i32>)],
        read: |row| grants::Model::from_query_result(row, "").map(Row::Grant),
    },
    Table {
        name: "wallet_balances",
        order: &[("unit", take::<String>)],
        read: |row| wallet_balances::Model::from_query_result(row, "").map(Row::Balance),
    },
    Table {
        name: "reservations",
        order: &[("reservation_id", take::<String>)],
        read: |row| reservations::Model::from_query_result(row, "").map(Row::Reservation),
    },
];

fn take<T: sea_orm::TryGetable + Into<Value>>(row: &QueryResult, column: &str) -> Result<Value, DbErr> {
    row.try_get::<T>("", column).map(Into::into)
}

/// Where the reading of a table is.
struct Cursor {
    table: &'static Table,
    /// The wallet whose rows are read; all by default.
    only: Option<Key>,
    page: Peekable<vec::IntoIter<(Key, Row)>>,
    /// The whole key of the last row read; empty before the first.
    behind: Vec<Value>,
    at_end: bool,
}

impl Cursor {
    fn new(table: &'static Table, only: Option<Key>) -> Self {
        Self { table, only, page: Vec::new().into_iter().peekable(), behind: Vec::new(), at_end: false }
    }

    /// The wallet of the next row.
    async fn key(&mut self, snapshot: &ReadTx) -> Result<Option<Key>, StoreError> {
        if self.page.peek().is_none() && !self.at_end {
            let mut page = Vec::with_capacity(PAGE);
            let mut last = None;
            let take = |row| {
                page.push(self.read(&row));
                last = Some(row);
            };
            let wallet = self.only.into_iter().flat_map(|(bucket, wallet)| [bucket.into(), wallet.into()]);
            let values = wallet.chain(self.behind.iter().cloned()).collect();
            snapshot.each_row(&self.sql(), values, take).await?;
            self.at_end = page.len() < PAGE;
            if let Some(last) = last {
                self.behind = self.whole_key(&last)?;
            }
            self.page = page.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().peekable();
        }
        Ok(self.page.peek().map(|(key, _)| *key))
    }

    fn sql(&self) -> String {
        let table = self.table.name;
        let order = self.table.order.iter().map(|(name, _)| *name);
        let columns: Vec<&str> = ["bucket", "wallet_key"].into_iter().chain(order).collect();
        let key = columns.join(", ");
        let mut number = 0;
        let mut values = |how_many: usize| {
            let names: Vec<String> = (number + 1..=number + how_many).map(|i| format!("${i}")).collect();
            number += how_many;
            names.join(", ")
        };
        let mut conditions = Vec::new();
        if self.only.is_some() {
            conditions.push(format!("(bucket, wallet_key) = ({})", values(2)));
        }
        if !self.behind.is_empty() {
            conditions.push(format!("({key}) > ({})", values(columns.len())));
        }
        let filter =
            if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
        format!("SELECT * FROM {table} {filter} ORDER BY {key} LIMIT {PAGE}")
    }

    fn whole_key(&self, row: &QueryResult) -> Result<Vec<Value>, StoreError> {
        let of_wallet = [take::<i16>(row, "bucket"), take::<Uuid>(row, "wallet_key")];
        let of_row = self.table.order.iter().map(|(name, take)| take(row, name));
        of_wallet.into_iter().chain(of_row).collect::<Result<_, _>>().map_err(|error| self.no_key(&error))
    }

    fn read(&self, row: &QueryResult) -> Result<(Key, Row), StoreError> {
        let key = row.try_get("", "bucket").and_then(|bucket| Ok((bucket, row.try_get("", "wallet_key")?)));
        let read = (self.table.read)(row);
        let read = read.unwrap_or_else(|error| Row::Unreadable(self.table.name, error.to_string()));
        Ok((key.map_err(|error| self.no_key(&error))?, read))
    }

    /// Such a row is no wallet's, and nobody can say what comes behind it.
    fn no_key(&self, error: &DbErr) -> StoreError {
        StoreError::corrupt(format!("a row of {} has no readable key: {error}", self.table.name))
    }
}
