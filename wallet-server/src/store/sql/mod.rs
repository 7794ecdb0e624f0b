//! The statements of the hot path. Each has one text per database, independent of the size of a batch.
//!
//! Rows are passed as columns: PostgreSQL takes one array per column (`unnest`), SQLite one JSON text
//! (`json_each`).

pub(crate) mod append;
pub(super) mod columns;
pub(crate) mod load;
#[cfg(test)]
mod plan_tests;
