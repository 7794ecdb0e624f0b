//! Checks that a SQLite database is still under its name. A file that is deleted or replaced stays open and accepts
//! commits that no later process can find.
//!
//! The guarantee: after the commit of every acknowledged command the database, its journal (`-wal`), its shared
//! memory (`-shm`) and its lock were seen in place. The lane checks before each batch and between COMMIT and the
//! answers, and the server checks once a second. A check is four calls of `stat`.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The identities of a database's files when it was opened.
#[derive(Debug)]
pub(crate) struct InPlace {
    files: Vec<(PathBuf, Identity)>,
    /// The size of the database file in bytes. It never shrinks.
    size: AtomicU64,
    lost: OnceLock<String>,
}

/// Device and inode.
type Identity = (u64, u64);

impl InPlace {
    /// Records the files: `name`, which may be a symbolic link to the database at `path`, and the files next to it.
    pub(crate) fn remember(name: &Path, path: &Path, lock: &Path) -> Result<Self, String> {
        let beside = |suffix: &str| {
            let mut file = path.as_os_str().to_owned();
            file.push(suffix);
            PathBuf::from(file)
        };
        let paths = [name.to_owned(), beside("-wal"), beside("-shm"), lock.to_owned()];
        let files = paths.map(|path| match path.metadata() {
            Ok(file) => Ok((path, identity(&file))),
            Err(error) => Err(format!("{}: {error}", path.display())),
        });
        let files = files.into_iter().collect::<Result<Vec<_>, String>>()?;
        Ok(Self { files, size: AtomicU64::new(0), lost: OnceLock::new() })
    }

    /// Returns why the database is lost, if it is. The result is final, even if a file comes back.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.lost.get().is_none()
            && let Err(why) = self.look()
        {
            tracing::error!(
                why,
                "the database file is lost: no command is acknowledged any more; put it back or restore a backup, \
                 then start the server again"
            );
            let _ = self.lost.set(why);
        }
        self.lost.get().map_or(Ok(()), |why| Err(why.clone()))
    }

    fn look(&self) -> Result<(), String> {
        for (n, (path, was)) in self.files.iter().enumerate() {
            // Read before the file is looked at: another thread may see it grow in between.
            let before = self.size.load(Ordering::Acquire);
            let file = path.metadata().map_err(|error| format!("{}: {error}", path.display()))?;
            if identity(&file) != *was {
                return Err(format!("{} was replaced by another file", path.display()));
            }
            if n == 0 {
                self.size.fetch_max(file.len(), Ordering::Release);
                if file.len() < before {
                    return Err(format!(
                        "{} shrank from {before} to {} bytes: it was overwritten",
                        path.display(),
                        file.len()
                    ));
                }
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
fn identity(file: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (file.dev(), file.ino())
}

/// Without inodes, only a missing file is noticed.
#[cfg(not(unix))]
fn identity(_: &Metadata) -> Identity {
    (0, 0)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::sync::atomic::AtomicBool;

    use super::*;

    fn remembered(folder: &Path) -> InPlace {
        let path = folder.join("w.db");
        for name in ["w.db", "w.db-wal", "w.db-shm", "w.lock"] {
            fs::write(folder.join(name), "1234").unwrap();
        }
        InPlace::remember(&path, &path, &folder.join("w.lock")).unwrap()
    }

    #[test]
    fn a_file_that_grows_while_threads_look_at_it_is_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let files = remembered(folder.path());
        let mut database = fs::OpenOptions::new().append(true).open(folder.path().join("w.db")).unwrap();
        let is_growing = AtomicBool::new(true);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while is_growing.load(Ordering::Relaxed) {
                        files.check().unwrap();
                    }
                });
            }
            (0..20_000).for_each(|_| database.write_all(b"page").unwrap());
            is_growing.store(false, Ordering::Relaxed);
        });
    }

    #[test]
    fn a_missing_or_replaced_file_is_detected() {
        for name in ["w.db", "w.db-wal", "w.db-shm", "w.lock"] {
            for replace in [false, true] {
                let folder = tempfile::tempdir().unwrap();
                let files = remembered(folder.path());
                assert_eq!(files.check(), Ok(()));
                let file = folder.path().join(name);
                if replace {
                    fs::write(folder.path().join("other"), "1234").unwrap();
                    fs::rename(folder.path().join("other"), &file).unwrap();
                } else {
                    fs::rename(&file, folder.path().join("away")).unwrap();
                }
                let why = files.check().unwrap_err();
                assert!(why.contains(file.to_str().unwrap()), "{why}");
                // Commits may have been lost meanwhile, so a file that comes back changes nothing.
                let _ = fs::rename(folder.path().join("away"), &file);
                assert_eq!(files.check(), Err(why));
            }
        }
    }

    #[test]
    fn a_database_may_only_grow_and_its_journal_may_also_shrink() {
        let folder = tempfile::tempdir().unwrap();
        let files = remembered(folder.path());
        for (name, content) in [("w.db", "12345678"), ("w.db-wal", ""), ("w.db-wal", "123456")] {
            fs::write(folder.path().join(name), content).unwrap();
            assert_eq!(files.check(), Ok(()), "{name} {content}");
        }
        fs::write(folder.path().join("w.db"), "1234567").unwrap();
        assert!(files.check().unwrap_err().contains("shrank from 8 to 7 bytes"));
    }
}
