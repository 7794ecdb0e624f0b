//! `migrate`: create the database or bring its schema up to date.

use std::process::ExitCode;

use crate::app::AppError;
use crate::cli::DatabaseArgs;
use crate::cli::output::say;
use crate::store::Store;

pub(super) async fn run(args: &DatabaseArgs) -> Result<ExitCode, AppError> {
    Store::open(&args.database_url).await?.migrate().await?;
    say("the schema is up to date");
    Ok(ExitCode::SUCCESS)
}
