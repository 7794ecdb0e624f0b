//! Many rows as a table of columns, and its SQL in each database.

use sea_orm::{EntityTrait, IdenStatic, Iterable, Value};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::store::Backend;

/// One column of many rows. There are no NULLs.
#[derive(Debug, Clone)]
pub(in crate::store) enum Column {
    SmallInt(Vec<i16>),
    Int(Vec<i32>),
    BigInt(Vec<i64>),
    Bool(Vec<bool>),
    Text(Vec<String>),
    Uuid(Vec<Uuid>),
    Bytes(Vec<Vec<u8>>),
}

/// Rows to be bound to a statement: named columns of equal length.
#[derive(Debug, Clone)]
pub(in crate::store) struct Columns(pub(in crate::store) Vec<(&'static str, Column)>);

/// Builds [`Columns`] from rows: `columns!(rows, { bucket: SmallInt = |r| r.bucket, ... })`.
macro_rules! columns {
    ($rows:expr, { $($name:ident : $kind:ident = $get:expr),+ $(,)? }) => {
        $crate::store::sql::columns::Columns(vec![
            $((stringify!($name), $crate::store::sql::columns::Column::$kind($rows.iter().map($get).collect()))),+
        ])
    };
}
pub(super) use columns;

/// Returns the columns that an entity's rows are decoded from, each with the alias of its table.
pub(crate) fn column_names<E: EntityTrait>(alias: &str) -> String {
    let names: Vec<String> = E::Column::iter().map(|column| format!("{alias}.{}", column.as_str())).collect();
    names.join(", ")
}

impl Columns {
    /// Returns the column names, separated by commas.
    pub(in crate::store) fn names(&self) -> String {
        self.0.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// Returns a table expression named `alias` that yields the rows. Parameters are numbered from `first`.
    pub(in crate::store) fn table(&self, backend: Backend, alias: &str, first: usize) -> String {
        match backend {
            Backend::Postgres => {
                let arrays: Vec<String> = self
                    .0
                    .iter()
                    .enumerate()
                    .map(|(i, (_, column))| format!("${}::{}[]", first + i, column.postgres_type()))
                    .collect();
                format!("unnest({}) AS {alias}({})", arrays.join(", "), self.names())
            }
            Backend::Sqlite => {
                let fields: Vec<String> =
                    self.cells("value", "$").map(|(name, cell)| format!("{cell} AS {name}")).collect();
                format!("(SELECT {} FROM json_each(${first})) AS {alias}", fields.join(", "))
            }
        }
    }

    /// Returns a condition on the first of the rows that are bound to the first parameter, for SQLite.
    pub(in crate::store) fn equal_to_first_row(&self) -> String {
        let equal = self.cells("$1", "$[0]").map(|(name, cell)| format!("{name} = {cell}"));
        equal.collect::<Vec<String>>().join(" AND ")
    }

    /// Returns the name of each column, and the SQL of its value in a row that is a JSON array at `path` of `json`.
    fn cells(&self, json: &str, path: &str) -> impl Iterator<Item = (&'static str, String)> {
        self.0.iter().enumerate().map(move |(i, (name, column))| {
            let cell = format!("json_extract({json}, '{path}[{i}]')");
            match column {
                Column::Uuid(_) | Column::Bytes(_) => (*name, format!("unhex({cell})")),
                _ => (*name, cell),
            }
        })
    }

    /// Returns one of the rows.
    pub(in crate::store) fn row(&self, row: usize) -> Self {
        Self(self.0.iter().map(|(name, column)| (*name, column.value(row))).collect())
    }

    /// Returns the values to bind for [`Columns::table`].
    pub(in crate::store) fn bind(self, backend: Backend) -> Vec<Value> {
        match backend {
            Backend::Postgres => self.0.into_iter().map(|(_, column)| column.array()).collect(),
            Backend::Sqlite => {
                let rows = self.0.first().map_or(0, |(_, column)| column.len());
                let row = |i| Json::Array(self.0.iter().map(|(_, column)| column.json(i)).collect());
                vec![Json::Array((0..rows).map(row).collect()).to_string().into()]
            }
        }
    }
}

impl Column {
    const fn postgres_type(&self) -> &'static str {
        match self {
            Column::SmallInt(_) => "smallint",
            Column::Int(_) => "integer",
            Column::BigInt(_) => "bigint",
            Column::Bool(_) => "boolean",
            Column::Text(_) => "text",
            Column::Uuid(_) => "uuid",
            Column::Bytes(_) => "bytea",
        }
    }

    fn len(&self) -> usize {
        match self {
            Column::SmallInt(values) => values.len(),
            Column::Int(values) => values.len(),
            Column::BigInt(values) => values.len(),
            Column::Bool(values) => values.len(),
            Column::Text(values) => values.len(),
            Column::Uuid(values) => values.len(),
            Column::Bytes(values) => values.len(),
        }
    }

    fn value(&self, row: usize) -> Self {
        match self {
            Column::SmallInt(values) => Column::SmallInt(vec![values[row]]),
            Column::Int(values) => Column::Int(vec![values[row]]),
            Column::BigInt(values) => Column::BigInt(vec![values[row]]),
            Column::Bool(values) => Column::Bool(vec![values[row]]),
            Column::Text(values) => Column::Text(vec![values[row].clone()]),
            Column::Uuid(values) => Column::Uuid(vec![values[row]]),
            Column::Bytes(values) => Column::Bytes(vec![values[row].clone()]),
        }
    }

    fn array(self) -> Value {
        match self {
            Column::SmallInt(values) => values.into(),
            Column::Int(values) => values.into(),
            Column::BigInt(values) => values.into(),
            Column::Bool(values) => values.into(),
            Column::Text(values) => values.into(),
            Column::Uuid(values) => values.into(),
            Column::Bytes(values) => values.into(),
        }
    }

    fn json(&self, row: usize) -> Json {
        match self {
            Column::SmallInt(values) => values[row].into(),
            Column::Int(values) => values[row].into(),
            Column::BigInt(values) => values[row].into(),
            Column::Bool(values) => values[row].into(),
            Column::Text(values) => values[row].as_str().into(),
            Column::Uuid(values) => hex::encode(values[row].as_bytes()).into(),
            Column::Bytes(values) => hex::encode(&values[row]).into(),
        }
    }
}
