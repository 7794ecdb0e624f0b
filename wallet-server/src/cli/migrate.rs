//! `migrate`: brings the schema of a database up to date. A SQLite file is created if it is missing.

use std::process::ExitCode;

use crate::cli::DatabaseArgs;
use crate::cli::error::CliError;
use crate::cli::output::say;
use crate::store::Store;

pub(super) async fn run(args: &DatabaseArgs) -> Result<ExitCode, CliError> {
    Store::open(args.database_url.secret()).await?.migrate().await?;
    say(format_args!("the schema of {} is up to date", args.database_url));
    Ok(ExitCode::SUCCESS)
}
