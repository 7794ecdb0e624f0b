//! The write to one table: rows to insert, or to update or delete by their keys.
//!
//! A table has one list of columns for all of them. A column is a part of the key, fixed when the row is inserted, or
//! changed by updates.

use super::columns::{Column, Columns};
use crate::store::Backend;

/// The kind of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum WriteKind {
    Insert,
    Update,
    Delete,
}

/// The role of a column in writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Role {
    /// Identifies the row.
    Key,
    /// Written when the row is inserted, and never changed.
    Fixed,
    /// Written by every insertion and update.
    Changes,
}

/// The rows of one table that are inserted, updated or deleted.
#[derive(Debug)]
pub(in crate::store) struct RowWrite {
    table: &'static str,
    kind: WriteKind,
    /// The number of leading columns that identify a row.
    keys: usize,
    pub(in crate::store) rows: usize,
    pub(in crate::store) columns: Columns,
}

/// Builds a [`RowWrite`] from rows: `row_write!("wallets", kind, rows, { Key bucket: SmallInt = |r| r.bucket, ... })`.
/// Keys come first. The values of a fixed column are computed only for an insertion.
macro_rules! row_write {
    ($table:literal, $kind:expr, $rows:expr, { $($role:ident $name:ident : $type:ident = $get:expr),+ $(,)? }) => {{
        use $crate::store::sql::{Column, Role, RowWrite};
        let mut write = RowWrite::new($table, $kind, $rows.len());
        $(write.add(Role::$role, stringify!($name), || Column::$type($rows.iter().map($get).collect()));)+
        write
    }};
}
pub(in crate::store) use row_write;

impl RowWrite {
    pub(in crate::store) const fn new(table: &'static str, kind: WriteKind, rows: usize) -> Self {
        Self { table, kind, keys: 0, rows, columns: Columns(Vec::new()) }
    }

    /// Adds a column, if this kind of write needs it.
    pub(in crate::store) fn add(&mut self, role: Role, name: &'static str, values: impl FnOnce() -> Column) {
        if role == Role::Key {
            self.keys += 1;
        }
        let is_needed = match self.kind {
            WriteKind::Insert => true,
            WriteKind::Update => role != Role::Fixed,
            WriteKind::Delete => role == Role::Key,
        };
        if is_needed {
            self.columns.0.push((name, values()));
        }
    }

    /// Returns the most rows that one statement writes on SQLite. A deletion of several rows would scan a table that
    /// was empty when it was analysed; a comparison with constants uses the primary key.
    pub(in crate::store) const fn rows_together(&self) -> usize {
        match self.kind {
            WriteKind::Delete => 1,
            WriteKind::Insert | WriteKind::Update => 256,
        }
    }

    /// Returns the SQL that writes the rows of the table expression `rows`, which is named `d`. Nothing is written
    /// unless `condition` holds. If the statement fails, its transaction must be rolled back: on SQLite a part of the
    /// rows may have been written.
    pub(in crate::store) fn sql(&self, backend: Backend, rows: &str, condition: &str) -> String {
        let table = self.table;
        let names: Vec<&str> = self.columns.0.iter().map(|(name, _)| *name).collect();
        // SQLite would copy each page before it changes it, to undo a statement that fails halfway.
        let on_conflict = if backend == Backend::Sqlite { "OR FAIL" } else { "" };
        if self.kind == WriteKind::Insert {
            return format!(
                "INSERT {on_conflict} INTO {table} ({}) SELECT * FROM {rows} WHERE {condition}",
                names.join(", ")
            );
        }
        let (keys, changes) = names.split_at(self.keys);
        let sets: Vec<String> = changes.iter().map(|name| format!("{name} = d.{name}")).collect();
        if self.kind == WriteKind::Delete && backend == Backend::Sqlite {
            let finds: Vec<String> = names.iter().map(|name| format!("{name} = ?")).collect();
            return format!("DELETE FROM {table} WHERE {}", finds.join(" AND "));
        }
        let finds: Vec<String> = keys
            .iter()
            .map(|name| match (backend, *name) {
                // With a plain equality of the leading column, PostgreSQL could join without looking the row up.
                (Backend::Postgres, "bucket") => "t.bucket = ANY (ARRAY[d.bucket])".to_owned(),
                _ => format!("t.{name} = d.{name}"),
            })
            .collect();
        let finds = finds.join(" AND ");
        match self.kind {
            WriteKind::Delete => {
                format!("DELETE FROM {table} AS t USING {rows} WHERE {finds} AND {condition}")
            }
            _ => format!(
                "UPDATE {on_conflict} {table} AS t SET {} FROM {rows} WHERE {finds} AND {condition}",
                sets.join(", ")
            ),
        }
    }
}
