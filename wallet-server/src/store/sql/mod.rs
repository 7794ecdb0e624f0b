//! The statements of the hot path: one text per statement and database, whatever the size of a batch.
//!
//! Rows travel as columns: PostgreSQL takes one array per column (`unnest`), SQLite one JSON text (`json_each`).

pub(crate) mod append;
pub(super) mod columns;
pub(crate) mod load;
#[cfg(test)]
mod plan_tests;
