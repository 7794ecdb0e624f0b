//! `tenants`: creates, lists, suspends and resumes tenants, in the database.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use crate::cli::error::CliError;
use crate::cli::flags::DatabaseFlags;
use crate::cli::keys::author;
use crate::cli::output::say;
use crate::cli::text_file::read_text;
use crate::clock::Clock;
use crate::config::BUNDLED_CATALOG;
use crate::keys::Mode;
use crate::store::{Store, TenantRow, clock_ahead};
use crate::tenants::{TenantError, Tenants, created, is_suspended};

/// An action on tenants. A SQLite file must not be served at the same time.
#[derive(Debug, Subcommand)]
pub(super) enum TenantsCommand {
    /// Create a tenant: a platform with wallets, catalogs and keys of its own.
    Create {
        /// The name: 1 to 64 letters, digits, - and _.
        name: String,
        /// A test tenant: its keys begin with cw_test_, and AdvanceClock moves its clock.
        #[arg(long)]
        test: bool,
        /// Its first catalog (TOML). Default: the bundled example.
        #[arg(long)]
        catalog: Option<PathBuf>,
        #[command(flatten)]
        database: DatabaseFlags,
    },
    /// List all tenants.
    List {
        #[command(flatten)]
        database: DatabaseFlags,
    },
    /// Refuse all calls with keys of a tenant, within 5 seconds. Due events are still processed.
    Suspend {
        /// The name of the tenant.
        name: String,
        #[command(flatten)]
        database: DatabaseFlags,
    },
    /// Accept the calls of a suspended tenant again.
    Resume {
        /// The name of the tenant.
        name: String,
        #[command(flatten)]
        database: DatabaseFlags,
    },
}

pub(super) async fn run(command: TenantsCommand) -> Result<ExitCode, CliError> {
    match command {
        TenantsCommand::Create { name, test, catalog, database } => {
            let toml = catalog.as_deref().map(read_text).transpose()?;
            let mode = if test { Mode::Test } else { Mode::Live };
            let toml = toml.as_deref().unwrap_or(BUNDLED_CATALOG);
            let made = tenants(&database).await?.create(&name, mode, toml, &author()).await?;
            if made.unchanged {
                return Err(TenantError::Exists(name).into());
            }
            say(format_args!("tenant {name} is created, with id {}", made.row.tenant));
            say(format_args!("Its first key: wallet-server keys create NAME --scopes all --tenant {name}"));
        }
        TenantsCommand::List { database } => {
            let store = Store::open_read_only(database.database()?.secret()).await?;
            store.tenants().await?.iter().for_each(show);
        }
        TenantsCommand::Suspend { name, database } => suspend(&name, true, &database).await?,
        TenantsCommand::Resume { name, database } => suspend(&name, false, &database).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn suspend(name: &str, suspended: bool, database: &DatabaseFlags) -> Result<(), CliError> {
    let changed = tenants(database).await?.suspend(name, suspended, &author()).await?;
    let state = if suspended { "suspended" } else { "active" };
    say(match changed.unchanged {
        false => format!("tenant {name} is {state}; every server observes it within 5 seconds"),
        true => format!("tenant {name} is {state} already"),
    });
    Ok(())
}

async fn tenants(database: &DatabaseFlags) -> Result<Tenants, CliError> {
    let store = Store::open(database.database()?.secret()).await?;
    store.migrate().await?;
    Ok(Tenants { store, clock: Clock::system() })
}

fn show(row: &TenantRow) {
    let mode = if Mode::of(row) == Mode::Live { "live" } else { "test" };
    let state = if is_suspended(row) { "suspended" } else { "active" };
    let since = match created(row) {
        Some(time) => format!("created {time}"),
        None => "created with the database".to_owned(),
    };
    let ahead = clock_ahead(row);
    let clock = if ahead.is_zero() { String::new() } else { format!("  clock {ahead:?} ahead") };
    say(format_args!("{}  {mode}  {state}  {since}  {}{clock}", row.tenant, row.name));
}
