//! `migrate`: brings the schema of a database up to date. A SQLite file is created if it is missing.

use std::process::ExitCode;

use crate::cli::error::CliError;
use crate::cli::flags::DatabaseFlags;
use crate::cli::output::say;
use crate::store::Store;

pub(super) async fn run(args: &DatabaseFlags) -> Result<ExitCode, CliError> {
    let database = args.database()?;
    let newer = Store::open(database.secret()).await?.migrate().await?;
    match newer.as_slice() {
        [] => say(format_args!("the schema of {database} is up to date")),
        newer => say(format_args!("{database} has the schema of a newer release: {}", newer.join(", "))),
    }
    Ok(ExitCode::SUCCESS)
}
