//! `unfreeze`: unfreezes a wallet, which keeps its status, if its ledger has no problems.

use std::process::ExitCode;

use clap::Args;
use wallet_core::{TenantId, WalletId, WalletKey};

use crate::cli::error::CliError;
use crate::cli::output::say;
use crate::cli::verify::of_wallet;
use crate::store::Store;

/// The wallet to unfreeze.
#[derive(Debug, Clone, Args)]
pub(super) struct UnfreezeArgs {
    #[command(flatten)]
    database: super::DatabaseArgs,
    /// The wallet's id.
    #[arg(allow_hyphen_values = true)]
    wallet: WalletId,
}

pub(super) async fn run(args: &UnfreezeArgs) -> Result<ExitCode, CliError> {
    let UnfreezeArgs { database, wallet } = args;
    let report = of_wallet(database.database_url.secret(), wallet).await?;
    if !report.is_clean() {
        say(&report);
        say(format_args!("wallet {wallet} stays frozen: its ledger has problems"));
        return Ok(ExitCode::FAILURE);
    }
    let key = WalletKey::new(TenantId::DEFAULT, wallet);
    let unfrozen = Store::open(database.database_url.secret()).await?.unfreeze(key).await?;
    say(match unfrozen {
        true => format!("wallet {wallet} is no longer frozen; its status is unchanged"),
        false => format!("wallet {wallet} was not frozen"),
    });
    Ok(ExitCode::SUCCESS)
}
