//! Many rows as a table of columns, and its SQL in each database.

use sea_orm::sqlx::Arguments as _;
use sea_orm::sqlx::error::BoxDynError;
use sea_orm::sqlx::postgres::PgArguments;
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

/// A statement of PostgreSQL whose parameters are columns.
#[derive(Debug)]
pub(in crate::store) struct ColumnStatement {
    pub(in crate::store) sql: String,
    pub(in crate::store) parameters: Vec<Column>,
}

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
                let fields: Vec<String> = self
                    .0
                    .iter()
                    .enumerate()
                    .map(|(i, (name, column))| {
                        let field = format!("json_extract(value, '$[{i}]')");
                        match column {
                            Column::Uuid(_) | Column::Bytes(_) => format!("unhex({field}) AS {name}"),
                            _ => format!("{field} AS {name}"),
                        }
                    })
                    .collect();
                format!("(SELECT {} FROM json_each(${first})) AS {alias}", fields.join(", "))
            }
        }
    }

    /// Returns a table expression of SQLite named `alias` that yields this many rows. Their values are bound one by
    /// one.
    pub(in crate::store) fn values(&self, alias: &str, rows: usize) -> String {
        let names: Vec<String> =
            self.0.iter().enumerate().map(|(i, (name, _))| format!("column{} AS {name}", i + 1)).collect();
        let row = format!("({})", vec!["?"; self.0.len()].join(", "));
        format!("(SELECT {} FROM (VALUES {})) AS {alias}", names.join(", "), vec![row; rows].join(", "))
    }

    /// Returns the values to bind for [`Columns::values`], row by row.
    pub(in crate::store) fn bind_values(self) -> Vec<Value> {
        let rows = self.0.first().map_or(0, |(_, column)| column.len());
        let mut columns: Vec<_> = self.0.into_iter().map(|(_, column)| column.cells().into_iter()).collect();
        (0..rows).flat_map(|_| columns.iter_mut().filter_map(Iterator::next).collect::<Vec<_>>()).collect()
    }

    /// Returns the columns without their names.
    pub(in crate::store) fn into_parameters(self) -> impl Iterator<Item = Column> {
        self.0.into_iter().map(|(_, column)| column)
    }

    /// Returns the values to bind for [`Columns::table`].
    pub(in crate::store) fn bind(self, backend: Backend) -> Vec<Value> {
        match backend {
            Backend::Postgres => self.into_parameters().map(Column::array).collect(),
            Backend::Sqlite => {
                let rows = self.0.first().map_or(0, |(_, column)| column.len());
                let row = |i| Json::Array(self.0.iter().map(|(_, column)| column.json(i)).collect());
                vec![Json::Array((0..rows).map(row).collect()).to_string().into()]
            }
        }
    }
}

impl ColumnStatement {
    /// Returns the parameters as the driver takes them. As those of a sea-orm statement, each cell would become a value
    /// of its own and be copied twice, at a tenth of the server's time.
    pub(in crate::store) fn arguments(parameters: Vec<Column>) -> Result<PgArguments, BoxDynError> {
        let mut arguments = PgArguments::default();
        for parameter in parameters {
            match parameter {
                Column::SmallInt(values) => arguments.add(values),
                Column::Int(values) => arguments.add(values),
                Column::BigInt(values) => arguments.add(values),
                Column::Bool(values) => arguments.add(values),
                Column::Text(values) => arguments.add(values),
                Column::Uuid(values) => arguments.add(values),
                Column::Bytes(values) => arguments.add(values),
            }?;
        }
        Ok(arguments)
    }

    /// Returns the statement of sea-orm with this text and these parameters.
    #[cfg(test)]
    pub(in crate::store) fn for_sea_orm(self) -> sea_orm::Statement {
        let values: Vec<Value> = self.parameters.into_iter().map(Column::array).collect();
        sea_orm::Statement::from_sql_and_values(Backend::Postgres.db(), self.sql, values)
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

    /// Returns the values as one array of PostgreSQL.
    pub(in crate::store) fn array(self) -> Value {
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

    fn cells(self) -> Vec<Value> {
        fn all<T: Into<Value>>(values: Vec<T>) -> Vec<Value> {
            values.into_iter().map(Into::into).collect()
        }
        match self {
            Column::SmallInt(values) => all(values),
            Column::Int(values) => all(values),
            Column::BigInt(values) => all(values),
            Column::Bool(values) => all(values),
            Column::Text(values) => all(values),
            Column::Uuid(values) => all(values),
            Column::Bytes(values) => all(values),
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
