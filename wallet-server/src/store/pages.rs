//! Pages of a whole table in primary key order, for `verify`.
//!
//! SQLite returns a page packed into one cell, with a line for each row. A page that cannot be packed, and every
//! page of PostgreSQL, is read row by row. In both cases a row that cannot be decoded counts against its wallet and
//! does not stop the read.

use std::ops::Range;
use std::sync::Arc;

use sea_orm::{
    ColumnTrait, ColumnType, DbErr, EntityTrait, FromQueryResult, IdenStatic, Iterable, ModelTrait,
    PrimaryKeyToColumn, QueryResult, Value,
};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::store::sql::column_names;
use crate::store::{ReadTx, StoreError, packed};

/// The key of a wallet as stored: (bucket, wallet_key).
pub(crate) type Key = (i16, Uuid);

/// The key given to rows whose own key cannot be decoded.
pub(crate) const NO_KEY: Key = (i16::MIN, Uuid::nil());

/// The most rows read by one query.
const PAGE: usize = 2_000;

/// A page of rows, in order. The rows of a packed page are decoded as the iterator is advanced, on the caller's
/// thread.
pub(crate) struct Page<Row> {
    rows: Box<dyn Iterator<Item = (Key, Row)> + Send>,
    /// The whole primary key of the last row; empty if the page is empty.
    pub(crate) last_key: Vec<Value>,
    /// True if the table ends with this page.
    pub(crate) is_last: bool,
}

impl<Row> Iterator for Page<Row> {
    type Item = (Key, Row);

    fn next(&mut self) -> Option<(Key, Row)> {
        self.rows.next()
    }
}

/// Decodes a line of a packed page into a row.
type Unpack<Row> = Arc<dyn Fn(&str) -> Row + Send + Sync>;
/// Decodes a row and its key.
type Read<Row> = Box<dyn Fn(&QueryResult) -> (Key, Row) + Send + Sync>;

/// A table, and how to read it as rows of the reader's own type.
pub(crate) struct Table<Row> {
    name: &'static str,
    /// The columns of the primary key: bucket, wallet_key and those that order the rows of a wallet.
    key: Vec<&'static str>,
    /// The column names of a SELECT.
    columns: String,
    /// The SQL of a row packed into a line.
    line: String,
    unpack: Unpack<Row>,
    key_of_line: fn(&str) -> Option<Vec<Value>>,
    read: Read<Row>,
    key_of_row: fn(&QueryResult) -> Result<Vec<Value>, DbErr>,
}

impl<Row: Send + 'static> Table<Row> {
    /// Returns the table of an entity. `unreadable` converts a row that cannot be decoded, from the table's name
    /// and the error.
    pub(crate) fn of<E>(row: fn(E::Model) -> Row, unreadable: fn(&'static str, String) -> Row) -> Self
    where
        E: EntityTrait,
        E::Model: DeserializeOwned,
    {
        let name = E::default().table_name();
        Self {
            name,
            key: key_columns::<E>().map(|column| column.as_str()).collect(),
            columns: column_names::<E>(name),
            line: packed::line::<E>(),
            unpack: Arc::new(move |line| {
                let read = serde_json::from_str(line).map(row);
                read.unwrap_or_else(|error| unreadable(name, error.to_string()))
            }),
            key_of_line: |line| {
                let model: E::Model = serde_json::from_str(line).ok()?;
                Some(key_columns::<E>().map(|column| model.get(column)).collect())
            },
            read: Box::new(move |result| {
                let read = E::Model::from_query_result(result, "").map(row);
                let read = read.unwrap_or_else(|error| unreadable(name, error.to_string()));
                (wallet(result).unwrap_or(NO_KEY), read)
            }),
            key_of_row: |result| key_columns::<E>().map(|column| value(result, column)).collect(),
        }
    }

    /// Returns the page after a key, of all wallets or of one.
    pub(crate) async fn page(
        &self,
        snapshot: &ReadTx,
        only: Option<Key>,
        after: &[Value],
    ) -> Result<Page<Row>, StoreError> {
        match self.packed(snapshot, only, after).await {
            Some(page) => Ok(page),
            None => self.row_by_row(snapshot, only, after).await,
        }
    }

    /// Returns the page that `page` returns. `None` if the database does not pack rows or one of these rows cannot
    /// be packed.
    pub(crate) async fn packed(
        &self,
        snapshot: &ReadTx,
        only: Option<Key>,
        after: &[Value],
    ) -> Option<Page<Row>> {
        let text = snapshot.packed(&self.sql(&self.line, only, after), values(only, after)).await?;
        let lines = lines(&text)?;
        let is_last = lines.len() < PAGE;
        let last_key = match lines.last() {
            Some((_, last)) => (self.key_of_line)(&text[last.clone()])?,
            None => Vec::new(),
        };
        let unpack = Arc::clone(&self.unpack);
        let rows = lines.into_iter().map(move |(key, line)| (key, unpack(&text[line])));
        Some(Page { rows: Box::new(rows), last_key, is_last })
    }

    /// Returns the page that `page` returns, for rows of any content.
    pub(crate) async fn row_by_row(
        &self,
        snapshot: &ReadTx,
        only: Option<Key>,
        after: &[Value],
    ) -> Result<Page<Row>, StoreError> {
        let (mut rows, mut last) = (Vec::with_capacity(PAGE), None);
        let each = |result| {
            rows.push((self.read)(&result));
            last = Some(result);
        };
        snapshot.each_row(&self.sql(&self.columns, only, after), values(only, after), each).await?;
        let last_key = last.map(|last| (self.key_of_row)(&last)).transpose();
        // Without the last key, the next page cannot be found.
        let no_key =
            |error| StoreError::corrupt(format!("a row of {} has no readable key: {error}", self.name));
        let last_key = last_key.map_err(no_key)?.unwrap_or_default();
        let is_last = rows.len() < PAGE;
        Ok(Page { rows: Box::new(rows.into_iter()), last_key, is_last })
    }

    fn sql(&self, columns: &str, only: Option<Key>, after: &[Value]) -> String {
        let Self { name, key, .. } = self;
        let mut number = 0;
        let mut numbers = |how_many: usize| {
            let names: Vec<String> = (number + 1..=number + how_many).map(|i| format!("${i}")).collect();
            number += how_many;
            names.join(", ")
        };
        let mut conditions = Vec::new();
        if only.is_some() {
            conditions.push(format!("(bucket, wallet_key) = ({})", numbers(2)));
        }
        let order = key.join(", ");
        if !after.is_empty() {
            conditions.push(format!("({order}) > ({})", numbers(key.len())));
        }
        let filter =
            if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
        format!("SELECT {columns} FROM {name} {filter} ORDER BY {order} LIMIT {PAGE}")
    }
}

/// Returns the values of the query's parameters.
fn values(only: Option<Key>, after: &[Value]) -> Vec<Value> {
    let of_wallet = only.into_iter().flat_map(|(bucket, wallet)| [bucket.into(), wallet.into()]);
    of_wallet.chain(after.iter().cloned()).collect()
}

fn key_columns<E: EntityTrait>() -> impl Iterator<Item = E::Column> {
    E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column)
}

/// Returns the range of each line in a packed page, with the wallet key that the line begins with.
fn lines(page: &str) -> Option<Vec<(Key, Range<usize>)>> {
    let mut end = 0;
    let mut line = |line: &str| {
        let begin = end;
        end += line.len() + 1;
        let (bucket, rest) = line.strip_prefix('[')?.split_once(',')?;
        let wallet = rest.strip_prefix('"')?.split('"').next()?;
        Some(((bucket.parse().ok()?, Uuid::try_parse(wallet).ok()?), begin..end - 1))
    };
    page.lines().map(&mut line).collect()
}

/// Returns the wallet key of a row.
fn wallet(row: &QueryResult) -> Result<Key, DbErr> {
    Ok((row.try_get("", "bucket")?, row.try_get("", "wallet_key")?))
}

/// Returns a column of a key, to continue after it. SQLite stores values of any type in any column.
fn value(row: &QueryResult, column: impl ColumnTrait) -> Result<Value, DbErr> {
    let name = column.as_str();
    let typed = match column.def().get_column_type() {
        ColumnType::SmallInteger => row.try_get::<i16>("", name).map(Into::into),
        ColumnType::Integer => row.try_get::<i32>("", name).map(Into::into),
        ColumnType::BigInteger => row.try_get::<i64>("", name).map(Into::into),
        ColumnType::Uuid => row.try_get::<Uuid>("", name).map(Into::into),
        _ => row.try_get::<String>("", name).map(Into::into),
    };
    typed
        .or_else(|_| row.try_get::<i64>("", name).map(Into::into))
        .or_else(|_| row.try_get::<f64>("", name).map(Into::into))
        .or_else(|_| row.try_get::<String>("", name).map(Into::into))
        .or_else(|_| row.try_get::<Vec<u8>>("", name).map(Into::into))
}
