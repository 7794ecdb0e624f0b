//! Pages of a whole table in the order of its primary key, for a reader of everything that shares no other code with
//! the server.
//!
//! SQLite gives a page packed into one cell; a page that does not read back so, and every page of
//! PostgreSQL, is read row by row, and then a row that does not read back is one of its wallet and stops nobody.

use sea_orm::sea_query::ValueType;
use sea_orm::{
    ColumnTrait, ColumnType, DbErr, EntityTrait, FromQueryResult, IdenStatic, Iterable, ModelTrait,
    PrimaryKeyToColumn, QueryResult, Value,
};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::store::{ReadTx, StoreError, packed};

/// (bucket, wallet_key), as stored.
pub(crate) type Key = (i16, Uuid);

/// Rows read with one query.
const PAGE: usize = 1_000;

/// Some rows, in order.
#[derive(Debug)]
pub(crate) struct Page<Row> {
    pub(crate) rows: Vec<(Key, Row)>,
    /// The whole key of the last of them; empty if there are none.
    pub(crate) last_key: Vec<Value>,
}

impl<Row> Page<Row> {
    /// Whether the table ends with it.
    pub(crate) fn is_last(&self) -> bool {
        self.rows.len() < PAGE
    }
}

/// Reads a packed page, if all of it reads back.
type Unpack<Row> = Box<dyn Fn(&str) -> Option<Page<Row>> + Send + Sync>;
/// Reads a row with its key, if that reads back.
type Read<Row> = Box<dyn Fn(&QueryResult) -> Result<(Key, Row), DbErr> + Send + Sync>;

/// How a table is read, as rows of the reader's own.
pub(crate) struct Table<Row> {
    name: &'static str,
    /// The columns of its primary key: bucket, wallet_key and what orders its rows within a wallet.
    key: Vec<&'static str>,
    /// A row as one cell.
    cells: String,
    unpack: Unpack<Row>,
    read: Read<Row>,
    whole_key: fn(&QueryResult) -> Result<Vec<Value>, DbErr>,
}

impl<Row: 'static> Table<Row> {
    /// The table of an entity. A row with a column that is not what it should be is `unreadable`.
    pub(crate) fn of<E>(row: fn(E::Model) -> Row, unreadable: fn(&'static str, String) -> Row) -> Self
    where
        E: EntityTrait,
        E::Model: DeserializeOwned,
    {
        let name = E::default().table_name();
        Self {
            name,
            key: key_columns::<E>().map(|column| column.as_str()).collect(),
            cells: packed::cells::<E>(),
            unpack: Box::new(move |page| unpack::<E, Row>(page, row)),
            read: Box::new(move |result| {
                let key = (result.try_get("", "bucket")?, result.try_get("", "wallet_key")?);
                let read = E::Model::from_query_result(result, "").map(row);
                Ok((key, read.unwrap_or_else(|error| unreadable(name, error.to_string()))))
            }),
            whole_key: |result| key_columns::<E>().map(|column| value(result, column)).collect(),
        }
    }

    /// The rows behind a key, of all wallets or of one.
    pub(crate) async fn page(
        &self,
        snapshot: &ReadTx,
        only: Option<Key>,
        behind: &[Value],
    ) -> Result<Page<Row>, StoreError> {
        match self.packed(snapshot, only, behind).await {
            Some(page) => Ok(page),
            None => self.row_by_row(snapshot, only, behind).await,
        }
    }

    /// The same, if the database packs rows and all of these read back so.
    pub(crate) async fn packed(
        &self,
        snapshot: &ReadTx,
        only: Option<Key>,
        behind: &[Value],
    ) -> Option<Page<Row>> {
        let page = snapshot.packed(&self.sql(only, behind), &self.cells, values(only, behind)).await?;
        (self.unpack)(&page)
    }

    /// The same, whatever the rows are like.
    pub(crate) async fn row_by_row(
        &self,
        snapshot: &ReadTx,
        only: Option<Key>,
        behind: &[Value],
    ) -> Result<Page<Row>, StoreError> {
        let (mut rows, mut last) = (Vec::with_capacity(PAGE), None);
        let each = |result| {
            rows.push((self.read)(&result));
            last = Some(result);
        };
        snapshot.each_row(&self.sql(only, behind), values(only, behind), each).await?;
        let last_key = last.map(|last| (self.whole_key)(&last)).transpose();
        let rows = rows.into_iter().collect::<Result<_, _>>();
        // A row without a key is no wallet's, and nobody can say what comes behind it.
        let no_key =
            |error| StoreError::corrupt(format!("a row of {} has no readable key: {error}", self.name));
        Ok(Page { rows: rows.map_err(no_key)?, last_key: last_key.map_err(no_key)?.unwrap_or_default() })
    }

    fn sql(&self, only: Option<Key>, behind: &[Value]) -> String {
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
        let columns = key.join(", ");
        if !behind.is_empty() {
            conditions.push(format!("({columns}) > ({})", numbers(key.len())));
        }
        let filter =
            if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
        format!("SELECT * FROM {name} {filter} ORDER BY {columns} LIMIT {PAGE}")
    }
}

/// What the numbers in the query stand for.
fn values(only: Option<Key>, behind: &[Value]) -> Vec<Value> {
    let of_wallet = only.into_iter().flat_map(|(bucket, wallet)| [bucket.into(), wallet.into()]);
    of_wallet.chain(behind.iter().cloned()).collect()
}

fn key_columns<E: EntityTrait>() -> impl Iterator<Item = E::Column> {
    E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column)
}

fn unpack<E, Row>(page: &str, row: fn(E::Model) -> Row) -> Option<Page<Row>>
where
    E: EntityTrait,
    E::Model: DeserializeOwned,
{
    let models: Vec<E::Model> = serde_json::from_str(page).ok()?;
    let whole_key = |model: &E::Model| key_columns::<E>().map(|column| model.get(column)).collect();
    let last_key = models.last().map(whole_key).unwrap_or_default();
    let rows = models.into_iter().map(|model| Some((key(&model)?, row(model)))).collect::<Option<_>>()?;
    Some(Page { rows, last_key })
}

fn key<M: ModelTrait>(model: &M) -> Option<Key> {
    let mut values = key_columns::<M::Entity>().map(|column| model.get(column));
    let bucket = <i16 as ValueType>::try_from(values.next()?).ok()?;
    Some((bucket, <Uuid as ValueType>::try_from(values.next()?).ok()?))
}

/// A column of a key, to continue behind.
fn value(row: &QueryResult, column: impl ColumnTrait) -> Result<Value, DbErr> {
    let name = column.as_str();
    match column.def().get_column_type() {
        ColumnType::SmallInteger => row.try_get::<i16>("", name).map(Into::into),
        ColumnType::Integer => row.try_get::<i32>("", name).map(Into::into),
        ColumnType::BigInteger => row.try_get::<i64>("", name).map(Into::into),
        ColumnType::Uuid => row.try_get::<Uuid>("", name).map(Into::into),
        _ => row.try_get::<String>("", name).map(Into::into),
    }
}
