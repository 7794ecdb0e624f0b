//! `verify`: recompute the whole ledger and compare it with what is stored.

use std::process::ExitCode;

use clap::Args;

use crate::app::AppError;
use crate::cli::output::say;
use crate::verify::verify;

/// Which ledger.
#[derive(Debug, Clone, Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    database: super::DatabaseArgs,
    /// A digest printed earlier by verify: fail if the ledger does not have it.
    #[arg(long)]
    expect: Option<String>,
}

pub(super) async fn run(args: &VerifyArgs) -> Result<ExitCode, AppError> {
    let report = verify(&args.database.database_url).await?;
    say(&report);
    let expected = args.expect.as_ref().is_none_or(|digest| *digest == report.digest);
    if !expected {
        say("the digest is not the expected one: the ledger has grown, or its tail was cut or changed");
    }
    Ok(if report.is_clean() && expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
