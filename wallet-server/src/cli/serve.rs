//! `serve`: run the server until it is told to stop.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio_util::sync::CancellationToken;
use wallet_core::Timestamp;

use crate::app::{App, AppError};
use crate::cli::output::say;
use crate::config::{Config, TimeSource};
use crate::store::DatabaseUrl;

/// Where and what to serve. Flags win over the environment.
#[derive(Debug, Clone, Args)]
pub(super) struct ServeArgs {
    /// HOST:PORT to listen on; beyond loopback only with --insecure.
    #[arg(long, env = "WALLET_LISTEN", default_value = "127.0.0.1:50051", value_parser = address)]
    listen: SocketAddr,
    #[command(flatten)]
    database: super::DatabaseArgs,
    /// A catalog (TOML), published at start if it differs from the current one. Default: the bundled example, if
    /// there is no catalog yet.
    #[arg(long, env = "WALLET_CATALOG")]
    catalog: Option<PathBuf>,
    /// Lanes that write, each with a connection, 1 to 64. Default: the number of cores; SQLite always has one.
    #[arg(long, env = "WALLET_LANES", value_parser = clap::value_parser!(u16).range(1..=64))]
    lanes: Option<u16>,
    /// The most commands committed together, 1 to 4096.
    #[arg(long, env = "WALLET_BATCH_MAX", default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=4_096))]
    batch_max: u16,
    /// Listen beyond loopback although nothing is encrypted and nobody is asked for a key.
    #[arg(long)]
    insecure: bool,
    /// Run on a clock that stands still until AdvanceClock moves it forward. Only on SQLite and loopback; give it a
    /// database of its own.
    #[arg(long)]
    manual_clock: bool,
    /// Start although the clock is more than a day after everything in the database and credits lapse by it. For a start
    /// after a long rest, when the clock is right.
    #[arg(long)]
    accept_clock: bool,
}

pub(super) async fn run(args: ServeArgs) -> Result<ExitCode, AppError> {
    let catalog = args.catalog.as_ref().map(|path| {
        std::fs::read_to_string(path).map_err(|e| AppError::Catalog(format!("{}: {e}", path.display())))
    });
    let config = Config {
        listen: args.listen,
        database_url: args.database.database_url.secret().to_owned(),
        catalog: catalog.transpose()?,
        lanes: args.lanes.map(usize::from),
        batch_max: usize::from(args.batch_max),
        insecure: args.insecure,
        accept_clock: args.accept_clock,
        time: if args.manual_clock { TimeSource::Manual } else { TimeSource::System },
        ..Config::default()
    };
    let shutdown = CancellationToken::new();
    stop_on_signal(shutdown.clone());
    let app = App::build(config).await?;
    greet(app.address(), &args.database.database_url);
    if let Some((newest, distance)) = app.ahead() {
        warn_of_the_future(newest, distance);
    }
    app.run(shutdown).await?;
    Ok(ExitCode::SUCCESS)
}

/// The address that a host and a port stand for; of several the first of IPv4.
fn address(text: &str) -> Result<SocketAddr, String> {
    let found = text
        .to_socket_addrs()
        .map_err(|error| format!("{error}; expected HOST:PORT, as in localhost:50051"))?;
    let found: Vec<SocketAddr> = found.collect();
    let first = found.iter().find(|address| address.is_ipv4()).or(found.first());
    first.copied().ok_or_else(|| "the host has no address".to_owned())
}

/// Says where the server is and what to type next.
fn greet(address: SocketAddr, database: &DatabaseUrl) {
    say(format_args!("wallet-server is serving on {address}, database {database}"));
    say("Try, in another terminal:");
    say(format_args!("  grpcurl -plaintext {address} list"));
    say(format_args!(
        "  grpcurl -plaintext -d '{{\"wallet_id\":\"alice\"}}' {address} wallet.v1.AdminService/CreateWallet"
    ));
    say("The README goes on from there. Stop with Ctrl-C.");
}

/// A manual clock's time stays in the database.
fn warn_of_the_future(newest: Timestamp, distance: Duration) {
    let days = distance.as_secs_f64() / 86_400.0;
    say(format_args!(
        "Warning: this database's time lies in the future. Its newest wallet lives at {newest}, {days:.1} days ahead of \
         the clock, most likely moved there by --manual-clock; its time stands still until then. For a fresh start use \
         another database or delete this one."
    ));
}

/// Ctrl-C and SIGTERM end the server gracefully.
fn stop_on_signal(shutdown: CancellationToken) {
    tokio::spawn(async move {
        let interrupted = tokio::signal::ctrl_c();
        #[cfg(unix)]
        let terminated = async {
            match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
                Ok(mut signal) => {
                    signal.recv().await;
                }
                Err(_) => std::future::pending().await,
            }
        };
        #[cfg(not(unix))]
        let terminated = std::future::pending::<()>();
        tokio::select! {
            _ = interrupted => {}
            () = terminated => {}
        }
        tracing::info!("stopping: no new calls, those in progress may finish");
        shutdown.cancel();
    });
}
