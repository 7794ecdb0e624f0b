//! Lets only one process use a SQLite file, by an operating system lock on a file next to it.
//!
//! The lock belongs to the database file and not to one of its names: symbolic links are followed first, and a file
//! with a second hard link is refused. SQLite keeps its journal next to the name by which the file was opened, so
//! two names would make two journals.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::store::{StoreError, StoreErrorKind, owner};

/// A lock that is held as long as the value lives. The operating system releases it when the process ends, even by
/// a crash.
#[derive(Debug)]
pub(crate) struct FileLock {
    file: File,
    path: PathBuf,
}

impl FileLock {
    /// Takes the lock of a database at its [`real_path`]. Fails if another process holds it.
    pub(crate) fn take(database: &Path) -> Result<Self, StoreError> {
        let path = database.with_extension("lock");
        let file = owner::create_file(&path)
            .and_then(|()| OpenOptions::new().create(true).truncate(false).write(true).open(&path))
            .map_err(|error| StoreError::unavailable(path.display(), error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file, path }),
            Err(TryLockError::WouldBlock) => Err(unavailable(format!(
                "{} is in use by another wallet-server; SQLite serves one process: stop it first",
                database.display()
            ))),
            Err(TryLockError::Error(error)) => Err(StoreError::unavailable(path.display(), error)),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for FileLock {
    /// Releases the lock explicitly: closing the file is not enough while a child process that is just being started
    /// has a copy of the descriptor.
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::debug!(path = %self.path.display(), %error, "cannot release the lock of the database file");
        }
    }
}

/// Returns the path of a database file without symbolic links. The file may not exist yet.
pub(crate) fn real_path(database: &Path) -> Result<PathBuf, StoreError> {
    let failed = |error: io::Error| StoreError::unavailable(database.display(), error);
    match database.canonicalize() {
        Ok(path) => {
            let links = hard_links(&path.metadata().map_err(failed)?);
            if links > 1 {
                return Err(unavailable(format!(
                    "{} has {links} hard links: SQLite keeps its journal next to the name by which a file is opened, \
                     so commits can be lost under the other names; remove the other links, or copy the file",
                    path.display()
                )));
            }
            Ok(path)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && !database.is_symlink() => {
            let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new(".")).canonicalize().map_err(failed)?;
            let name = database.file_name();
            Ok(folder.join(name.ok_or_else(|| unavailable("a database URL must name a file".to_owned()))?))
        }
        Err(error) => Err(failed(error)),
    }
}

fn unavailable(error: String) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, error)
}

#[cfg(unix)]
fn hard_links(file: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(file)
}

#[cfg(not(unix))]
fn hard_links(_: &Metadata) -> u64 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_lock_is_free_although_a_child_process_has_a_copy_of_its_descriptor() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("wallet.db");
        let lock = FileLock::take(&database).unwrap();
        assert!(FileLock::take(&database).is_err(), "one at a time");
        // A copy as a child process has it between its fork and its exec.
        let _copy = lock.file.try_clone().unwrap();
        drop(lock);
        FileLock::take(&database).unwrap();
    }
}
