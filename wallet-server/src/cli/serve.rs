//! `serve`: run the server until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio_util::sync::CancellationToken;
use wallet_core::Timestamp;

use crate::app::{App, AppError};
use crate::cli::output::say;
use crate::config::{Config, TimeSource};

/// Where and what to serve. Flags win over the environment.
#[derive(Debug, Clone, Args)]
pub(super) struct ServeArgs {
    /// The address to listen on; beyond loopback only with --insecure.
    #[arg(long, env = "WALLET_LISTEN", default_value = "127.0.0.1:50051")]
    listen: SocketAddr,
    #[command(flatten)]
    database: super::DatabaseArgs,
    /// A catalog (TOML), published at start if it differs from the current one. Default: the bundled example, if
    /// there is no catalog yet.
    #[arg(long, env = "WALLET_CATALOG")]
    catalog: Option<PathBuf>,
    /// Lanes that write, each with a connection. Default: the number of cores; SQLite always has one.
    #[arg(long, env = "WALLET_LANES")]
    lanes: Option<usize>,
    /// The most commands committed together.
    #[arg(long, env = "WALLET_BATCH_MAX", default_value_t = 256)]
    batch_max: usize,
    /// Listen beyond loopback although nothing is encrypted and nobody is asked for a key.
    #[arg(long)]
    insecure: bool,
    /// Run on a clock that stands still until AdvanceClock moves it forward. Only on SQLite and loopback; give it a
    /// database of its own.
    #[arg(long)]
    manual_clock: bool,
}

pub(super) async fn run(args: ServeArgs) -> Result<ExitCode, AppError> {
    let catalog = args.catalog.as_ref().map(|path| {
        std::fs::read_to_string(path).map_err(|e| AppError::Catalog(format!("{}: {e}", path.display())))
    });
    let config = Config {
        listen: args.listen,
        database_url: args.database.database_url.clone(),
        catalog: catalog.transpose()?,
        lanes: args.lanes,
        batch_max: args.batch_max,
        insecure: args.insecure,
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

/// Says where the server is and what to type next.
fn greet(address: SocketAddr, database_url: &str) {
    // A URL may hold a password.
    let database = database_url.rsplit_once('@').map_or(database_url, |(_, rest)| rest);
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
