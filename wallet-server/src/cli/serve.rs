//! `serve`: runs the server until it is stopped.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio_util::sync::CancellationToken;
use wallet_core::Timestamp;

use crate::app::App;
use crate::cli::catalog::read;
use crate::cli::error::CliError;
use crate::cli::output::say;
use crate::config::{Config, TimeSource};
use crate::grpc::{Origin, TlsFiles};
use crate::keys::Pepper;
use crate::store::DatabaseUrl;

/// The options of `serve`. Flags override the environment.
#[derive(Debug, Clone, Args)]
pub(super) struct ServeArgs {
    /// HOST:PORT to listen on; beyond loopback only with --tls-cert, --tls-key and --key-pepper-file, or --insecure.
    #[arg(long, env = "WALLET_LISTEN", default_value = "127.0.0.1:50051", value_parser = address)]
    listen: SocketAddr,
    #[command(flatten)]
    database: super::DatabaseArgs,
    /// A catalog (TOML) to publish at start unless it was published before. Default: the bundled example, if
    /// there is no catalog yet.
    #[arg(long, env = "WALLET_CATALOG")]
    catalog: Option<PathBuf>,
    /// The number of lanes, each with a connection that writes, 1 to 64. Default: the number of CPU cores; SQLite
    /// always has one.
    #[arg(long, env = "WALLET_LANES", value_parser = clap::value_parser!(u16).range(1..=64))]
    lanes: Option<u16>,
    /// The most commands committed together, 1 to 4096.
    #[arg(long, env = "WALLET_BATCH_MAX", default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=4_096))]
    batch_max: u16,
    /// The longest that a command may wait in a queue, in milliseconds, 10 to 60000. A command that would wait longer is
    /// refused with OVERLOADED.
    #[arg(long, env = "WALLET_QUEUE_WAIT_MS", default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(10..=60_000))]
    queue_wait_ms: u16,
    /// The most rows of wallets that are kept in memory between batches, 0 to 10,000,000. A row takes about 600 bytes.
    #[arg(long, env = "WALLET_CACHED_ROWS", default_value_t = 64_000, value_parser = clap::value_parser!(u32).range(0..=10_000_000))]
    cached_rows: u32,
    /// The certificate of the server with those of its authorities (PEM). With it, all connections are encrypted. The
    /// files are read again every 30 seconds and on SIGHUP.
    #[arg(long, env = "WALLET_TLS_CERT", requires = "tls_key", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// The private key of the certificate (PEM).
    #[arg(long, env = "WALLET_TLS_KEY", requires = "tls_cert", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// The authorities (PEM) one of which must have signed the certificate that a caller presents. Default: callers
    /// need no certificate.
    #[arg(long, env = "WALLET_TLS_CLIENT_CA", requires = "tls_cert", value_name = "FILE")]
    tls_client_ca: Option<PathBuf>,
    /// The pepper of the API keys: a file of at least 32 bytes that all servers have and the database's host has not.
    /// With it, every call needs a key. Default: callers need none.
    #[arg(long, env = "WALLET_KEY_PEPPER_FILE", value_name = "FILE")]
    key_pepper_file: Option<PathBuf>,
    /// The origins of the web pages that may call, as in https://app.example.com, separated by commas; * allows any.
    /// Default: none.
    #[arg(long, env = "WALLET_CORS_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    cors_origin: Vec<Origin>,
    /// HOST:PORT for metrics and checks over plain HTTP: /metrics, /livez and /readyz. Default: none.
    #[arg(long, env = "WALLET_MONITORING_LISTEN", value_name = "HOST:PORT", value_parser = address)]
    monitoring_listen: Option<SocketAddr>,
    /// Listen beyond loopback although connections are not encrypted or callers not authenticated.
    #[arg(long)]
    insecure: bool,
    /// Run on a clock that stands still until AdvanceClock moves it forward. Only with SQLite and on loopback; use
    /// a separate database.
    #[arg(long)]
    manual_clock: bool,
    /// Start although the clock is more than a day ahead of the newest time in the database and credits would
    /// expire by it. For a start after a long pause, when the clock is right.
    #[arg(long)]
    accept_clock: bool,
}

pub(super) async fn run(args: ServeArgs) -> Result<ExitCode, CliError> {
    let tls = args.tls_cert.zip(args.tls_key);
    let (is_encrypted, has_keys) = (tls.is_some(), args.key_pepper_file.is_some());
    let config = Config {
        listen: args.listen,
        database_url: args.database.database_url.secret().to_owned(),
        catalog: args.catalog.as_deref().map(read).transpose()?,
        lanes: args.lanes.map(usize::from),
        batch_max: usize::from(args.batch_max),
        queue_wait: Duration::from_millis(args.queue_wait_ms.into()),
        cached_rows: args.cached_rows as usize,
        tls: tls.map(|(certificate, key)| TlsFiles { certificate, key, client_ca: args.tls_client_ca }),
        pepper: args.key_pepper_file.as_deref().map(Pepper::read).transpose()?,
        origins: args.cors_origin,
        monitoring: args.monitoring_listen,
        insecure: args.insecure,
        accept_clock: args.accept_clock,
        time: if args.manual_clock { TimeSource::Manual } else { TimeSource::System },
        ..Config::default()
    };
    let shutdown = CancellationToken::new();
    stop_on_signal(shutdown.clone());
    let app = App::build(config).await?;
    greet(app.address(), &args.database.database_url, is_encrypted, has_keys);
    if let Some((newest, distance)) = app.ahead() {
        warn_of_the_future(newest, distance);
    }
    app.run(shutdown).await?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the address of a host and a port; if there are several, the first one of IPv4.
fn address(text: &str) -> Result<SocketAddr, String> {
    let found = text
        .to_socket_addrs()
        .map_err(|error| format!("{error}; expected HOST:PORT, as in localhost:50051"))?;
    let found: Vec<SocketAddr> = found.collect();
    let first = found.iter().find(|address| address.is_ipv4()).or(found.first());
    first.copied().ok_or_else(|| "the host has no address".to_owned())
}

/// Prints where the server listens and which command to try next.
fn greet(address: SocketAddr, database: &DatabaseUrl, is_encrypted: bool, has_keys: bool) {
    let how = if is_encrypted { "-cacert AUTHORITY.pem" } else { "-plaintext" };
    let key = if has_keys { " -H 'authorization: Bearer KEY'" } else { "" };
    say(format_args!("wallet-server is serving on {address}, database {database}"));
    say("Try, in another terminal:");
    say(format_args!("  grpcurl {how} {address} list"));
    say(format_args!(
        "  grpcurl {how}{key} -d '{{\"wallet_id\":\"alice\"}}' {address} wallet.v1.AdminService/CreateWallet"
    ));
    say("The README continues from there. Stop with Ctrl-C.");
}

/// Warns that a manual clock has moved the database's time into the future.
fn warn_of_the_future(newest: Timestamp, distance: Duration) {
    let days = distance.as_secs_f64() / 86_400.0;
    say(format_args!(
        "Warning: this database's time lies in the future. The newest time of a wallet is {newest}, {days:.1} days \
         ahead of the clock, most likely because of --manual-clock; its time stands still until then. For a fresh \
         start use another database or delete this one."
    ));
}

/// Stops the server gracefully on Ctrl-C or SIGTERM.
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
