//! The parts of SQL in which the two databases differ, and a way to run SQL that is otherwise the same.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::failpoints;

/// Replaces the placeholders in SQL text for one database.
#[derive(Debug, Clone, Copy)]
pub struct Dialect(pub DbBackend);

impl Dialect {
    /// Returns the text for this database.
    ///
    /// `{uuid}` and `{bytes}` are column types, and `{bytewise}` orders texts by their bytes. `{fill}` leaves room
    /// in a page, so that the next version of a changed row fits into the same page and no index changes.
    pub fn render(self, sql: &str) -> String {
        let (uuid, bytes, fill, bytewise) = match self.0 {
            DbBackend::Postgres => ("UUID", "BYTEA", "WITH (fillfactor = 60)", "COLLATE \"C\""),
            _ => ("BLOB", "BLOB", "", ""),
        };
        let words = [("{uuid}", uuid), ("{bytes}", bytes), ("{fill}", fill), ("{bytewise}", bytewise)];
        words.iter().fold(sql.to_owned(), |sql, (word, text)| sql.replace(word, text))
    }

    /// Runs the statements in order.
    pub async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
        let dialect = Dialect(manager.get_database_backend());
        for statement in statements {
            manager.get_connection().execute_unprepared(&dialect.render(statement)).await?;
            failpoints::reach();
        }
        Ok(())
    }
}
