//! Whole pages of rows in one cell, for a reader of whole tables.
//!
//! SQLite's driver duplicates every value of every row under a lock of the library, which takes longer than all that
//! `verify` does with it. A page as one JSON array of arrays is duplicated once. Strict: what is not of its column's
//! type is an error of the page, which is then to be read row by row.

use sea_orm::{ColumnTrait, ColumnType, EntityTrait, IdenStatic, Iterable};
use serde::{Deserialize, Deserializer, de::Error};

/// A row of `E` as a JSON array, its columns in the order of the model's fields, in SQLite's words.
pub(super) fn cells<E: EntityTrait>() -> String {
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
    format!("json_array({})", cells.join(", "))
}

/// Bytes of a cell.
pub(super) fn bytes<'de, D: Deserializer<'de>>(cell: D) -> Result<Vec<u8>, D::Error> {
    hex::decode(<&str>::deserialize(cell)?).map_err(D::Error::custom)
}
