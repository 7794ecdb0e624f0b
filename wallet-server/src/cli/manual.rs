//! `completions` and `man-pages`: the command line's own description, for shells and packages.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::error::CliError;
use crate::cli::role::Cli;

/// The reader of the completions.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell that will read the completions.
    shell: Shell,
}

/// The folder of the pages.
#[derive(Debug, Args)]
pub(super) struct ManPagesArgs {
    /// The folder, which is created if it is missing. Pages with the same names are replaced.
    folder: PathBuf,
}

pub(super) fn completions(args: &CompletionsArgs) -> Result<ExitCode, CliError> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(args.shell, &mut command, name, &mut std::io::stdout());
    Ok(ExitCode::SUCCESS)
}

/// Writes a page per command and subcommand, such as `wallet-server-keys-create.1`.
pub(super) fn man_pages(args: &ManPagesArgs) -> Result<ExitCode, CliError> {
    let written = fs::create_dir_all(&args.folder)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), &args.folder));
    match written {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(source) => Err(CliError::ManPages { folder: args.folder.clone(), source }),
    }
}
