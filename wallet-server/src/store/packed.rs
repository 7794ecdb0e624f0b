//! Whole pages of rows in one cell, for a reader of whole tables.
//!
//! SQLite's driver duplicates every value of every row under a lock of the library, which takes longer than all that
//! `verify` does with it. A page as text is duplicated once: a line for each row, which is a JSON array. Strict: what is
//! not of its column's type makes its line no row, or its page no page.

use sea_orm::{ColumnTrait, ColumnType, EntityTrait, IdenStatic, Iterable};
use serde::{Deserialize, Deserializer, de::Error};

/// A row of `E` as a column `line`: a JSON array, in the order of the model's fields, in SQLite's words.
pub(super) fn line<E: EntityTrait>() -> String {
    let cell = |column: E::Column| {
        let name = column.as_str();
        match column.def().get_column_type() {
            // JSON has no bytes. Text in their place becomes null.
            ColumnType::Uuid | ColumnType::Blob | ColumnType::VarBinary(_) => {
                format!("iif(typeof({name}) = 'blob', hex({name}), NULL)")
            }
            ColumnType::Boolean => {
                format!("CASE {name} WHEN 0 THEN json('false') WHEN 1 THEN json('true') END")
            }
            _ => name.to_owned(),
        }
    };
    let cells: Vec<String> = E::Column::iter().map(cell).collect();
    format!("json_array({}) AS line", cells.join(", "))
}

/// The lines of such a query, in its order, in one cell. JSON has no line feeds of its own.
pub(super) fn page(lines: &str) -> String {
    format!("SELECT coalesce(group_concat(line, char(10)), '') FROM ({lines})")
}

/// Bytes of a cell.
pub(super) fn bytes<'de, D: Deserializer<'de>>(cell: D) -> Result<Vec<u8>, D::Error> {
    hex::decode(<&str>::deserialize(cell)?).map_err(D::Error::custom)
}
