//! `unfreeze`: unfreezes a wallet, which keeps its status, if its ledger has no problems.

use std::process::ExitCode;

use clap::Args;
use wallet_core::{WalletId, WalletKey};

use crate::cli::error::CliError;
use crate::cli::flags::DatabaseFlags;
use crate::cli::output::say;
use crate::cli::verify::of_wallet;
use crate::clock::Clock;
use crate::store::Store;
use crate::tenants::Tenants;

/// The wallet to unfreeze.
#[derive(Debug, Clone, Args)]
pub(super) struct UnfreezeArgs {
    #[command(flatten)]
    database: DatabaseFlags,
    /// The tenant of the wallet, by its name.
    #[arg(long, default_value = "default")]
    tenant: String,
    /// The wallet's id.
    #[arg(allow_hyphen_values = true)]
    wallet: WalletId,
}

pub(super) async fn run(args: &UnfreezeArgs) -> Result<ExitCode, CliError> {
    let UnfreezeArgs { database, tenant, wallet } = args;
    let database = database.database()?;
    let report = of_wallet(database.secret(), tenant, wallet).await?;
    if !report.is_clean() {
        say(&report);
        say(format_args!("wallet {wallet} stays frozen: its ledger has problems"));
        return Ok(ExitCode::FAILURE);
    }
    let store = Store::open(database.secret()).await?;
    let tenant = Tenants { store: store.clone(), clock: Clock::system() }.named(tenant).await?;
    let unfrozen = store.unfreeze(WalletKey::new(tenant, wallet)).await?;
    say(match unfrozen {
        true => format!("wallet {wallet} is no longer frozen; its status is unchanged"),
        false => format!("wallet {wallet} was not frozen"),
    });
    Ok(ExitCode::SUCCESS)
}
