//! The owner of new files of a SQLite database. Files that root creates get the owner of their folder: after a command
//! of an operator they would otherwise be files that the service, whose user is another, cannot write. SQLite does the
//! same for its journal.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, fchown, lchown};
use std::path::Path;

use rustix::process::geteuid;

/// Creates a folder and those above it, as far as they are missing.
pub(super) fn create_folder(folder: &Path) -> io::Result<()> {
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    above.map_or(Ok(()), create_folder)?;
    match fs::create_dir(folder) {
        Ok(()) => new_owner(folder)?.map_or(Ok(()), |(user, group)| lchown(folder, Some(user), Some(group))),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Creates an empty file if it is missing and would otherwise get another owner than its folder.
pub(super) fn create_file(file: &Path) -> io::Result<()> {
    let Some((user, group)) = new_owner(file)? else { return Ok(()) };
    match OpenOptions::new().write(true).create_new(true).open(file) {
        Ok(file) => fchown(file, Some(user), Some(group)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Returns the user and the group of the folder of a file, if this process is root's and the folder is not.
fn new_owner(file: &Path) -> io::Result<Option<(u32, u32)>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).metadata()?;
    Ok((folder.uid() != 0).then(|| (folder.uid(), folder.gid())))
}
