//! `keys`: creates, lists, replaces and revokes API keys, in the database. Makes wallet tokens.

use std::num::NonZeroU32;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use wallet_core::{Author, Principal, TenantId, Timestamp, WalletId};

use crate::cli::error::CliError;
use crate::cli::flags::{DatabaseFlags, PepperFlags};
use crate::cli::output::say;
use crate::clock::Clock;
use crate::keys::{
    CallRate, IssueError, Issued, KeyId, KeyInfo, Keys, MAX_BURST, MAX_PER_SECOND, NewKey, Pepper, Scope,
    Scopes, WalletToken,
};
use crate::settings::Settings;
use crate::store::Store;
use crate::tenants::Tenants;

/// The keys that `list` reads at a time.
const PAGE: u64 = 500;
const DAY: u64 = 86_400;

/// An action on API keys. A SQLite file must not be served at the same time; a running server has `KeyService`.
#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Create a key and print it. Its secret is shown only here.
    Create {
        /// The name for people, as in "gpu workers".
        name: String,
        /// The scopes, separated by commas: estimate, reserve, settle, topup, read, admin, catalog, events, keys; or a
        /// set: worker (estimate, reserve, settle, read), billing (topup, admin, read, events), all. Only a key of the
        /// tenant default can have tenants, which is not part of all.
        #[arg(long)]
        scopes: Scopes,
        /// The number of days after which the key expires, 1 to 3660. Default: it does not expire.
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=3_660))]
        expire_days: Option<u64>,
        /// The most calls per second with the key on each server, 1 to 100000. Default: the rate that servers allow to
        /// every key.
        #[arg(long, value_name = "CALLS", value_parser = clap::value_parser!(u32).range(1..=MAX_PER_SECOND.into()))]
        calls_per_second: Option<u32>,
        /// The most calls at once after a rest, 1 to 1000000. Default: a second of calls.
        #[arg(long, value_name = "CALLS", requires = "calls_per_second", value_parser = clap::value_parser!(u32).range(1..=MAX_BURST.into()))]
        calls_burst: Option<u32>,
        #[command(flatten)]
        of: TenantArgs,
        #[command(flatten)]
        pepper: PepperFlags,
    },
    /// List the keys of a tenant without their secrets.
    List {
        #[command(flatten)]
        of: TenantArgs,
    },
    /// Replace a key by a new one with the same name, scopes, rate and expiry, and print the new one.
    Rotate {
        /// The id of the key to replace.
        key_id: String,
        /// The number of hours for which the old key stays valid, 0 to 8784.
        #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u64).range(0..=8_784))]
        overlap_hours: u64,
        #[command(flatten)]
        of: TenantArgs,
        #[command(flatten)]
        pepper: PepperFlags,
    },
    /// Print a wallet token, as the key would make it with CreateWalletToken. It is valid on a running server.
    Token {
        /// The wallet, which need not exist yet.
        wallet_id: WalletId,
        /// The id of the key that makes the token. The token ends with the key.
        #[arg(long)]
        key_id: String,
        /// The scopes, separated by commas: estimate, read, events; those that the key has.
        #[arg(long)]
        scopes: Scopes,
        /// The number of minutes until the token expires, 1 to 60.
        #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=60))]
        minutes: u64,
        #[command(flatten)]
        of: TenantArgs,
        #[command(flatten)]
        pepper: PepperFlags,
    },
    /// Revoke a key. Every server refuses it within 5 seconds.
    Revoke {
        /// The id of the key.
        key_id: String,
        #[command(flatten)]
        of: TenantArgs,
    },
}

/// The tenant to use.
#[derive(Debug, Clone, Args)]
pub(super) struct TenantArgs {
    #[command(flatten)]
    database: DatabaseFlags,
    /// The name of the tenant.
    #[arg(long, default_value = "default")]
    tenant: String,
}

impl TenantArgs {
    /// Names the tenant in the error about a key that it does not have.
    fn failed(&self, error: IssueError) -> CliError {
        match error {
            IssueError::NoKey(key) => CliError::NoKey { key, tenant: self.tenant.clone() },
            error => error.into(),
        }
    }
}

pub(super) async fn run(command: KeysCommand) -> Result<ExitCode, CliError> {
    match command {
        KeysCommand::Create { name, scopes, expire_days, calls_per_second, calls_burst, of, pepper } => {
            let (keys, tenant) = keys(&of, Some(&pepper)).await?;
            let expire_time = expire_days
                .map_or(Timestamp::NEVER, |days| keys.clock.now().plus(Duration::from_secs(days * DAY)));
            let (per_second, burst) =
                (calls_per_second.and_then(NonZeroU32::new), calls_burst.and_then(NonZeroU32::new));
            let rate = per_second.map(|per_second| CallRate::new(per_second, burst));
            let issue = NewKey { tenant, name, scopes, expire_time, rate };
            show_new(&keys.issue(issue, &author()).await?, &of);
        }
        KeysCommand::List { of } => list(&of).await?,
        KeysCommand::Rotate { key_id, overlap_hours, of, pepper } => {
            let (keys, tenant) = keys(&of, Some(&pepper)).await?;
            let overlap = Duration::from_secs(overlap_hours * 3_600);
            let every = Scope::ALL.into_iter().collect();
            let rotated = keys.rotate(tenant, &id(&key_id)?, overlap, every, &author()).await;
            let rotated = rotated.map_err(|error| of.failed(error))?;
            say(format_args!("key {key_id} expires at {}", rotated.replaced.expire_time));
            show_new(&rotated.new, &of);
        }
        KeysCommand::Token { wallet_id, key_id, scopes, minutes, of, pepper } => {
            let (keys, tenant) = keys(&of, Some(&pepper)).await?;
            let (key, expire_time) = (id(&key_id)?, keys.after(Duration::from_mins(minutes)));
            let held = keys.usable(tenant, &key).await.map_err(|error| of.failed(error))?.scopes;
            let allowed: Scopes = Scopes::of_tokens().iter().filter(|scope| held.has(*scope)).collect();
            if let Some(scope) = scopes.beyond(allowed) {
                return Err(CliError::TokenScope { scope: scope.name(), allowed });
            }
            let token = WalletToken { tenant, key, wallet: wallet_id, scopes, expire_time };
            let text = keys.sign(&token)?;
            say(format_args!("token for wallet {}: {scopes}; expires {expire_time}", token.wallet));
            say(text);
        }
        KeysCommand::Revoke { key_id, of } => {
            let (keys, tenant) = keys(&of, None).await?;
            let revoked =
                keys.revoke(tenant, &id(&key_id)?, &author()).await.map_err(|error| of.failed(error))?;
            let when = revoked.info.revoke_time;
            say(match revoked.unchanged {
                true => format!("key {key_id} was revoked before, at {when}"),
                false => format!("key {key_id} is revoked; every server refuses it within 5 seconds"),
            });
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the author of changes by the command line.
pub(super) fn author() -> Author {
    Author { principal: Principal::local(), call: None }
}

fn id(text: &str) -> Result<KeyId, CliError> {
    KeyId::parse(text).ok_or_else(|| CliError::KeyId(text.to_owned()))
}

/// Opens the database for changes of keys. A new one gets its schema, so that the first key can come first.
async fn keys(of: &TenantArgs, pepper: Option<&PepperFlags>) -> Result<(Keys, TenantId), CliError> {
    let settings = Settings::load(&of.database.with(pepper.unwrap_or(&PepperFlags::default())))?.server;
    let pepper = match (pepper, settings.key_pepper_file) {
        (Some(_), Some(file)) => Some(Pepper::read(&file)?),
        (Some(_), None) => return Err(CliError::NoPepper),
        (None, _) => None,
    };
    let store = Store::open(settings.database_url.secret()).await?;
    store.migrate().await?;
    let clock = Clock::system();
    let tenant = Tenants { store: store.clone(), clock: clock.clone() }.named(&of.tenant).await?;
    Ok((Keys { store, clock, pepper }, tenant))
}

/// Prints a new key. The last line is the key alone, for programs.
fn show_new(issued: &Issued, of: &TenantArgs) {
    let KeyInfo { id, name, scopes, expire_time, rate, .. } = &issued.info;
    say(format_args!("key {id} of tenant {}: {name}", of.tenant));
    let rate = rate.map(|rate| format!("; {rate}")).unwrap_or_default();
    say(format_args!("scopes {scopes}; expires {expire_time}{rate}"));
    say("The key with its secret, which is not shown again:");
    say(issued.key.secret_text());
}

async fn list(of: &TenantArgs) -> Result<(), CliError> {
    let store = Store::open_read_only(of.database.database()?.secret()).await?;
    let clock = Clock::system();
    let tenant = Tenants { store: store.clone(), clock: clock.clone() }.named(&of.tenant).await?;
    let mut after: Option<String> = None;
    loop {
        let rows = store.keys(tenant, after.as_deref(), PAGE).await?;
        after = rows.last().map(|row| row.key_id.clone());
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            let info = KeyInfo::try_from(row)?;
            let state = if info.is_usable(clock.now()) { "valid" } else { "ended" };
            let KeyInfo { id, name, scopes, create_time, expire_time, revoke_time, rate } = info;
            let rate = rate.map(|rate| format!("{rate}  ")).unwrap_or_default();
            say(format_args!(
                "{id}  {state}  created {create_time}  expires {expire_time}  revoked {revoke_time}  {rate}{scopes}  {name}"
            ));
        }
    }
}
