//! The statements of the hot path. Each has one text per database, independent of the size of a batch; writes on
//! SQLite have one for each power of two.
//!
//! Rows are passed as columns: PostgreSQL takes one array per column (`unnest`). SQLite takes the keys of a lookup as
//! one JSON text (`json_each`), and the rows of a write value by value, because it would parse the text again for each
//! column.

mod columns;
pub(crate) mod load;
#[cfg(test)]
mod plan_tests;
mod row_write;

pub(super) use columns::{Column, ColumnStatement, column_names};
pub(super) use row_write::{Role, RowWrite, WriteKind, row_write};
use serde::Serialize;

/// Returns a value as JSON.
#[expect(clippy::expect_used, reason = "an entry must have a digest of exactly what is stored")]
pub(super) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("the types of the core have texts as keys and no fallible parts")
}

/// Returns an id as text; none is the empty text.
pub(super) fn text<T: ToString>(id: Option<&T>) -> String {
    id.map(ToString::to_string).unwrap_or_default()
}
