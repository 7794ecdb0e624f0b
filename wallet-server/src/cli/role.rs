//! The commands of the binary.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::cli::flags::{AllFlags, DatabaseFlags};
use crate::cli::{
    backup, catalog, config, doctor, health, keys, manual, migrate, output, serve, tenants, unfreeze, verify,
    webhooks,
};
use crate::settings::{LogFilter, Settings, SettingsError};

pub(super) const RELEASE: &str = env!("CARGO_PKG_VERSION");
/// The commit that the binary was built from; empty if it is unknown.
pub(super) const COMMIT: &str = env!("WALLET_COMMIT");

/// A credit wallet for AI generation platforms. Serves if no command is given.
#[derive(Debug, Parser)]
// Otherwise an option before the command would be parsed as one of `serve` and be lost.
#[command(name = "wallet-server", version = version(), args_conflicts_with_subcommands = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    command: Option<Role>,
    #[command(flatten)]
    serve: AllFlags,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Serve gRPC and JSON (the default).
    Serve(AllFlags),
    /// Bring the schema of a database up to date, then exit. A SQLite file is created if it is missing; a
    /// PostgreSQL database must exist (createdb).
    Migrate(DatabaseFlags),
    /// Check whether a running server can carry out calls, as a container's probe; exit code 0 if it can and 1
    /// otherwise.
    Health(health::HealthArgs),
    /// Report what an operator should change about the configuration, its files and the database, read-only, with the
    /// next step; exit code 1 if something is wrong. Takes the settings of `serve`.
    Doctor(doctor::DoctorArgs),
    /// Print or check the configuration.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Check, publish or show a catalog.
    #[command(subcommand)]
    Catalog(catalog::CatalogCommand),
    /// Create, list, replace or revoke API keys.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Create, list, suspend or resume tenants.
    #[command(subcommand)]
    Tenants(tenants::TenantsCommand),
    /// Create, list, change or delete endpoints of webhooks at a running server, or send failed deliveries again.
    #[command(subcommand)]
    Webhooks(webhooks::WebhooksCommand),
    /// Copy a SQLite database to a new file, also while a server uses it, and verify the copy; exit code 1 if its
    /// ledger has problems.
    Backup(backup::BackupArgs),
    /// Recompute the whole ledger, read-only; exit code 1 if anything is wrong.
    Verify(verify::VerifyArgs),
    /// Unfreeze a wallet, if its ledger has no problems.
    Unfreeze(unfreeze::UnfreezeArgs),
    /// Print the completions of commands and options for a shell.
    Completions(manual::CompletionsArgs),
    /// Write the manual pages of all commands to a folder, for packages.
    ManPages(manual::ManPagesArgs),
}

/// Returns the release and the commit that it was built from, if that is known.
fn version() -> String {
    match COMMIT {
        "" => RELEASE.to_owned(),
        commit => format!("{RELEASE} ({commit})"),
    }
}

/// Returns the filter of the log: a setting of the server, and a variable for other commands.
fn log_filter(cli: &Cli) -> Result<LogFilter, SettingsError> {
    let flags = match &cli.command {
        None => &cli.serve,
        Some(Role::Serve(flags)) => flags,
        Some(_) => return LogFilter::of_environment(),
    };
    Ok(Settings::load(&flags.0)?.server.log)
}

/// Parses the command line and runs its command.
pub async fn run() -> ExitCode {
    let cli = Cli::parse();
    match log_filter(&cli) {
        Ok(filter) => output::init_logging(&filter),
        Err(error) => {
            output::print_error(&error.into());
            return ExitCode::from(2);
        }
    }
    let done = match cli.command {
        None => serve::run(&cli.serve).await,
        Some(Role::Serve(args)) => serve::run(&args).await,
        Some(Role::Migrate(args)) => migrate::run(&args).await,
        Some(Role::Health(args)) => Ok(health::run(&args).await),
        Some(Role::Doctor(args)) => Ok(doctor::run(&args).await),
        Some(Role::Config(command)) => config::run(command),
        Some(Role::Catalog(command)) => catalog::run(command).await,
        Some(Role::Keys(command)) => keys::run(command).await,
        Some(Role::Tenants(command)) => tenants::run(command).await,
        Some(Role::Webhooks(command)) => webhooks::run(command).await,
        Some(Role::Backup(args)) => backup::run(&args).await,
        Some(Role::Verify(args)) => verify::run(&args).await,
        Some(Role::Unfreeze(args)) => unfreeze::run(&args).await,
        Some(Role::Completions(args)) => manual::completions(&args),
        Some(Role::ManPages(args)) => manual::man_pages(&args),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            output::print_error(&error);
            ExitCode::from(2)
        }
    }
}
