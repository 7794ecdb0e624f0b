//! `verify`: recompute the whole ledger, or one wallet's, and compare it with what is stored.

use std::process::ExitCode;

use clap::Args;
use wallet_core::WalletId;

use crate::app::AppError;
use crate::cli::output::say;
use crate::verify::{Report, verify, verify_wallet};

/// Which ledger.
#[derive(Debug, Clone, Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    database: super::DatabaseArgs,
    /// A digest printed earlier by verify: fail if the ledger does not have it.
    #[arg(long)]
    expect: Option<String>,
    /// Only this wallet; the digest is then this wallet's.
    #[arg(long)]
    wallet: Option<WalletId>,
    /// Print the report as one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &VerifyArgs) -> Result<ExitCode, AppError> {
    let report = match &args.wallet {
        None => verify(&args.database.database_url).await?,
        Some(wallet) => of_wallet(&args.database.database_url, wallet).await?,
    };
    if args.json {
        say(report.json());
    } else {
        say(&report);
    }
    let expected = args.expect.as_ref().is_none_or(|digest| *digest == report.digest);
    if !expected && !args.json {
        say("the digest is not the expected one: the ledger has grown, or its tail was cut or changed");
    }
    Ok(if report.is_clean() && expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The report of a wallet, which must be there.
pub(super) async fn of_wallet(database_url: &str, wallet: &WalletId) -> Result<Report, AppError> {
    let report = verify_wallet(database_url, wallet).await?;
    match report.wallets {
        0 if report.is_clean() => Err(AppError::NoWallet(wallet.clone())),
        _ => Ok(report),
    }
}
