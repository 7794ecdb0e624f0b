//! The copy of a SQLite database while a server may be writing to it.

use std::path::Path;

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::{Store, StoreError};

impl Store {
    /// Writes the SQLite database, as of one moment, to a file that does not exist. Writers are not held up.
    pub(crate) async fn copy_to(&self, file: &Path) -> Result<(), StoreError> {
        let name = file.to_string_lossy().into_owned();
        let copy = Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO ?", [name.into()]);
        self.search_pool().connections().execute_raw(copy).await?;
        Ok(())
    }
}
