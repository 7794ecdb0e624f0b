//! One process at a time on a SQLite file, held by an operating system's lock beside it.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use crate::store::{StoreError, Trouble};

/// Held for as long as the value lives; the system lets go of it when the process ends in whatever way.
#[derive(Debug)]
pub(crate) struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock, or says that another process has it.
    pub(crate) fn take(database: &Path) -> Result<Self, StoreError> {
        let path = database.with_extension("lock");
        let unavailable = |error: String| StoreError::new(Trouble::Unavailable, error);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| unavailable(format!("{}: {error}", path.display())))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(unavailable(format!(
                "{} is in use by another wallet-server; SQLite serves one process",
                database.display()
            ))),
            Err(TryLockError::Error(error)) => Err(unavailable(format!("{}: {error}", path.display()))),
        }
    }
}
