//! One process at a time on a SQLite file, held by an operating system's lock beside it.
//!
//! The lock belongs to the file and not to a name of it: symbolic links are followed first, and a file with a second
//! hard link is refused. SQLite keeps its journal beside the name by which the file was opened, so that two names
//! make two journals.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::store::{StoreError, Trouble};

/// Held for as long as the value lives; the system lets go of it when the process ends in whatever way.
#[derive(Debug)]
pub(crate) struct FileLock {
    _file: File,
    path: PathBuf,
}

impl FileLock {
    /// Takes the lock of a database at its [`real_path`], or says that another process has it.
    pub(crate) fn take(database: &Path) -> Result<Self, StoreError> {
        let path = database.with_extension("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| unavailable(format!("{}: {error}", path.display())))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file, path }),
            Err(TryLockError::WouldBlock) => Err(unavailable(format!(
                "{} is in use by another wallet-server; SQLite serves one process",
                database.display()
            ))),
            Err(TryLockError::Error(error)) => Err(unavailable(format!("{}: {error}", path.display()))),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// The one name of a database file that may not exist yet, without symbolic links.
pub(crate) fn real_path(database: &Path) -> Result<PathBuf, StoreError> {
    let failed = |error: io::Error| unavailable(format!("{}: {error}", database.display()));
    match database.canonicalize() {
        Ok(path) => {
            let links = hard_links(&path.metadata().map_err(failed)?);
            if links > 1 {
                return Err(unavailable(format!(
                    "{} has {links} hard links: SQLite keeps its journal beside the name by which a file is opened, so \
                     that commits can be lost under the others; remove the other links, or copy the file",
                    path.display()
                )));
            }
            Ok(path)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && !database.is_symlink() => {
            let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new(".")).canonicalize().map_err(failed)?;
            let name = database.file_name();
            Ok(folder.join(name.ok_or_else(|| unavailable("a database URL names a file".to_owned()))?))
        }
        Err(error) => Err(failed(error)),
    }
}

fn unavailable(error: String) -> StoreError {
    StoreError::new(Trouble::Unavailable, error)
}

#[cfg(unix)]
fn hard_links(file: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(file)
}

#[cfg(not(unix))]
fn hard_links(_: &Metadata) -> u64 {
    1
}
