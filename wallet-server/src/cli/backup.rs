//! `backup`: copies a SQLite database, also while a server uses it, and verifies the copy.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::cli::error::CliError;
use crate::cli::flags::DatabaseFlags;
use crate::cli::output::say;
use crate::store::{Backend, Store};
use crate::verify::verify;

/// The database to copy.
#[derive(Debug, Clone, Args)]
pub(super) struct BackupArgs {
    #[command(flatten)]
    database: DatabaseFlags,
    /// The file to write. It must not exist.
    file: PathBuf,
}

pub(super) async fn run(args: &BackupArgs) -> Result<ExitCode, CliError> {
    let (database, file) = (args.database.database()?, &args.file);
    let store = Store::open_read_only(database.secret()).await?;
    if store.backend() == Backend::Postgres {
        return Err(CliError::BackupOfPostgres);
    }
    let failed = |source| CliError::BackupFile { path: file.clone(), source };
    if file.try_exists().map_err(failed)? {
        return Err(CliError::BackupExists { path: file.clone() });
    }
    // The file gets its name when it is complete.
    let mut partial = file.clone().into_os_string();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let copied = copy(&store, &partial).await.and_then(|()| {
        std::fs::rename(&partial, file).map_err(failed)?;
        sync(file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))
            .map_err(failed)
    });
    if let Err(error) = copied {
        std::fs::remove_file(&partial).ok();
        return Err(error);
    }
    let report = verify(&format!("sqlite://{}", file.display())).await?;
    say(format_args!("database {database} was copied to {}", file.display()));
    say(&report);
    if !report.is_clean() {
        say("the copy is complete, but its ledger has the same problems as the database");
        return Ok(ExitCode::FAILURE);
    }
    say(
        "To restore it: stop the server, put the copy in the place of the database and remove the files next to it that \
         end in -wal and -shm, then start the server.",
    );
    Ok(ExitCode::SUCCESS)
}

/// Writes a copy that survives a power cut.
async fn copy(store: &Store, partial: &Path) -> Result<(), CliError> {
    let failed = |source| CliError::BackupFile { path: partial.to_owned(), source };
    match std::fs::remove_file(partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    store.copy_to(partial).await?;
    sync(partial).map_err(failed)
}

fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
