//! Packs a page of rows into one cell, for readers of whole tables.
//!
//! SQLite's driver copies every value of every row under a lock of the library, which takes longer than everything
//! that `verify` does with the value. A page of text is copied once: one line per row, each a JSON array. Decoding
//! is strict: a value that does not have its column's type makes its row unreadable, or prevents the page from
//! being packed.

use sea_orm::{ColumnTrait, ColumnType, EntityTrait, IdenStatic, Iterable};
use serde::{Deserialize, Deserializer, de::Error};

/// Returns the SQL of a column `line` that holds a row of `E` as a JSON array, in the order of the model's fields.
pub(super) fn line<E: EntityTrait>() -> String {
    let cell = |column: E::Column| {
        let name = column.as_str();
        match column.def().get_column_type() {
            // JSON has no bytes. Text in a column of bytes becomes null.
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

/// Returns a query that joins the lines of `lines`, in their order, into one cell. JSON contains no raw line feeds.
pub(super) fn page(lines: &str) -> String {
    format!("SELECT coalesce(group_concat(line, char(10)), '') FROM ({lines})")
}

/// Decodes a cell of hexadecimal digits.
pub(super) fn bytes<'de, D: Deserializer<'de>>(cell: D) -> Result<Vec<u8>, D::Error> {
    hex::decode(<&str>::deserialize(cell)?).map_err(D::Error::custom)
}
