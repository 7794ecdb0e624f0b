//! Pages of a table in the order of its primary key.
//!
//! Owns the queries. SQLite gives a page packed into one cell; a page that does not read back so, and every page of
//! PostgreSQL, is read row by row, and then a row that does not read back is one of its wallet and stops nobody.

use sea_orm::sea_query::ValueType;
use sea_orm::{
    ColumnTrait, ColumnType, DbErr, EntityTrait, FromQueryResult, IdenStatic, Iterable, ModelTrait,
    PrimaryKeyToColumn, QueryResult, Value,
};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::store::{ReadTx, StoreError, packed};
use crate::verify::rows::{Key, Row};

/// Rows read with one query.
const PAGE: usize = 1_000;

/// Some rows, in order.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) rows: Vec<(Key, Row)>,
    /// The whole key of the last of them; empty if there are none.
    pub(super) last_key: Vec<Value>,
}

impl Page {
    /// Whether the table ends with it.
    pub(super) fn is_last(&self) -> bool {
        self.rows.len() < PAGE
    }
}

/// Reads a packed page, if all of it reads back.
type Unpack = Box<dyn Fn(&str) -> Option<Page> + Send + Sync>;
/// Reads a row with its key, if that reads back.
type Read = Box<dyn Fn(&QueryResult) -> Result<(Key, Row), DbErr> + Send + Sync>;

/// How a table is read.
pub(super) struct Table {
    name: &'static str,
    /// The columns of its primary key: bucket, wallet_key and what orders its rows within a wallet.
    key: Vec<&'static str>,
    /// A row as one cell.
    cells: String,
    unpack: Unpack,
    read: Read,
    whole_key: fn(&QueryResult) -> Result<Vec<Value>, DbErr>,
}

impl Table {
    /// The table of an entity.
    pub(super) fn of<E>(row: fn(E::Model) -> Row) -> Self
    where
        E: EntityTrait,
        E::Model: DeserializeOwned,
    {
        let name = E::default().table_name();
        Self {
            name,
            key: key_columns::<E>().map(|column| column.as_str()).collect(),
            cells: packed::cells::<E>(),
            unpack: Box::new(move |page| unpack::<E>(page, row)),
            read: Box::new(move |result| {
                let key = (result.try_get("", "bucket")?, result.try_get("", "wallet_key")?);
                let read = E::Model::from_query_result(result, "").map(row);
                Ok((key, read.unwrap_or_else(|error| Row::Unreadable(name, error.to_string()))))
            }),
            whole_key: |result| key_columns::<E>().map(|column| value(result, column)).collect(),
        }
    }

    /// The rows behind a key, of all wallets or of one.
    pub(super) async fn page(
        &self,
        snapshot: &ReadTx,
        only: Option<Key>,
        behind: &[Value],
    ) -> Result<Page, StoreError> {
        let of_wallet = only.into_iter().flat_map(|(bucket, wallet)| [bucket.into(), wallet.into()]);
        let values: Vec<Value> = of_wallet.chain(behind.iter().cloned()).collect();
        let sql = self.sql(only.is_some(), !behind.is_empty());
        match self.packed(snapshot, &sql, &values).await {
            Some(page) => Ok(page),
            None => self.row_by_row(snapshot, &sql, values).await,
        }
    }

    async fn packed(&self, snapshot: &ReadTx, sql: &str, values: &[Value]) -> Option<Page> {
        (self.unpack)(&snapshot.packed(sql, &self.cells, values).await?)
    }

    async fn row_by_row(&self, snapshot: &ReadTx, sql: &str, values: Vec<Value>) -> Result<Page, StoreError> {
        let (mut rows, mut last) = (Vec::with_capacity(PAGE), None);
        let each = |result| {
            rows.push((self.read)(&result));
            last = Some(result);
        };
        snapshot.each_row(sql, values, each).await?;
        let last_key = last.map(|last| (self.whole_key)(&last)).transpose();
        let rows = rows.into_iter().collect::<Result<_, _>>();
        // A row without a key is no wallet's, and nobody can say what comes behind it.
        let no_key =
            |error| StoreError::corrupt(format!("a row of {} has no readable key: {error}", self.name));
        Ok(Page { rows: rows.map_err(no_key)?, last_key: last_key.map_err(no_key)?.unwrap_or_default() })
    }

    fn sql(&self, one_wallet: bool, behind: bool) -> String {
        let Self { name, key, .. } = self;
        let mut number = 0;
        let mut values = |how_many: usize| {
            let names: Vec<String> = (number + 1..=number + how_many).map(|i| format!("${i}")).collect();
            number += how_many;
            names.join(", ")
        };
        let mut conditions = Vec::new();
        if one_wallet {
            conditions.push(format!("(bucket, wallet_key) = ({})", values(2)));
        }
        let columns = key.join(", ");
        if behind {
            conditions.push(format!("({columns}) > ({})", values(key.len())));
        }
        let filter =
            if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
        format!("SELECT * FROM {name} {filter} ORDER BY {columns} LIMIT {PAGE}")
    }
}

fn key_columns<E: EntityTrait>() -> impl Iterator<Item = E::Column> {
    E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column)
}

fn unpack<E>(page: &str, row: fn(E::Model) -> Row) -> Option<Page>
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::store::entity::{entries, reservations, wallets};
    use crate::verify::rows;
    use crate::verify::tests::file::execute;
    use crate::verify::tests::fixture::{Story, written};

    const ODD: &str =
        "UPDATE wallet_profiles SET profile = 'not JSON: \"\\ \u{1}\n\u{7f} \u{fffd} \u{1f4b0}'";

    #[tokio::test]
    async fn a_page_says_packed_what_its_rows_say_one_by_one() {
        let (_folder, url) =
            written(&[Story::rich("ann"), Story::money_back("bob"), Story::subscribed("eve")]).await;
        execute(&url, &[ODD]).await;
        let snapshot = Store::open_read_only(&url).await.unwrap().snapshot().await.unwrap();
        for table in rows::tables() {
            let sql = table.sql(false, false);
            let packed = table.packed(&snapshot, &sql, &[]).await.expect(table.name);
            let rows = table.row_by_row(&snapshot, &sql, Vec::new()).await.unwrap();
            assert!(!rows.rows.is_empty(), "{} has rows", table.name);
            assert_eq!(format!("{packed:?}"), format!("{rows:?}"));
        }
    }

    #[tokio::test]
    async fn a_page_with_a_cell_of_another_type_is_not_packed() {
        let (_folder, url) = written(&[Story::rich("ann")]).await;
        let text_for_bytes = "UPDATE wallets SET head = 'as many bytes as there should be'";
        let bytes_for_text = "UPDATE reservations SET terms = X'ff' WHERE reservation_id = 'j1'";
        execute(&url, &[text_for_bytes, bytes_for_text]).await;
        let snapshot = Store::open_read_only(&url).await.unwrap().snapshot().await.unwrap();
        let is_packed =
            async |table: Table| table.packed(&snapshot, &table.sql(false, false), &[]).await.is_some();
        assert!(is_packed(Table::of::<entries::Entity>(Row::Entry)).await);
        assert!(!is_packed(Table::of::<wallets::Entity>(Row::Wallet)).await);
        assert!(!is_packed(Table::of::<reservations::Entity>(Row::Reservation)).await);
    }
}
