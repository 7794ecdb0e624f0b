//! `serve`: runs the server until it is stopped.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

#[cfg(target_os = "linux")]
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use tokio_util::sync::CancellationToken;
use wallet_core::Timestamp;

use crate::app::App;
use crate::cli::error::CliError;
use crate::cli::flags::AllFlags;
use crate::cli::output::say;
use crate::cli::role::{COMMIT, RELEASE};
use crate::cli::text_file::read_text;
use crate::config::{Config, NatsConfig, TimeSource};
use crate::keys::Pepper;
use crate::settings::{Address, NatsSettings, Settings};
use crate::store::DatabaseUrl;
use crate::traces::TraceSettings;

pub(super) async fn run(flags: &AllFlags) -> Result<ExitCode, CliError> {
    let settings = Settings::load(&flags.0)?;
    let database = settings.server.database_url.clone();
    if !settings.server.core_dumps {
        forbid_dumps();
    }
    let config = config(settings)?;
    let (is_encrypted, has_keys) = (config.tls.is_some(), config.pepper.is_some());
    let shutdown = CancellationToken::new();
    stop_on_signal(shutdown.clone());
    let app = App::build(config).await?;
    tracing::info!(version = RELEASE, commit = COMMIT, address = %app.address(), %database, "started");
    print_greeting(app.address(), &database, is_encrypted, has_keys);
    if let Some((newest, distance)) = app.ahead() {
        warn_of_the_future(newest, distance);
    }
    app.run(shutdown).await?;
    Ok(ExitCode::SUCCESS)
}

/// Keeps the memory, which contains secrets, out of core dumps and from debuggers of the same user.
fn forbid_dumps() {
    #[cfg(target_os = "linux")]
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "cannot forbid dumps of the memory");
    }
}

/// Reads the files that the settings name, and looks the addresses up.
fn config(Settings { server, feed, nats, limits }: Settings) -> Result<Config, CliError> {
    Ok(Config {
        listen: look_up(&server.listen)?,
        database_url: server.database_url.secret().to_owned(),
        catalog: server.catalog.as_deref().map(read_text).transpose()?,
        lanes: server.lanes,
        batch_max: server.batch_max,
        queue_wait: server.queue_wait,
        cached_rows: server.cached_rows,
        database_timeout: server.database_timeout,
        feed_period: feed.period,
        feed_record: feed.record.types(),
        feed_retention: feed.retention(),
        nats: stream(nats),
        limits,
        tls: server.tls_files(),
        pepper: server.key_pepper_file.as_deref().map(Pepper::read).transpose()?,
        origins: server.cors_origin,
        webhooks_allow: server.webhooks_allow,
        monitoring: server.monitoring_listen.as_ref().map(look_up).transpose()?,
        traces: server
            .traces_collector
            .map(|collector| TraceSettings { collector, percent: server.traces_percent }),
        insecure: server.insecure,
        accept_unsafe_database: server.accept_unsafe_database,
        accept_clock: server.accept_clock,
        time: if server.manual_clock { TimeSource::Manual } else { TimeSource::System },
        ..Config::default()
    })
}

/// Returns the NATS stream, if its servers are given.
fn stream(NatsSettings { url, stream, credentials_file, ca_file }: NatsSettings) -> Option<NatsConfig> {
    let servers: Vec<String> = url.iter().map(ToString::to_string).collect();
    let stream = stream.to_string();
    (!servers.is_empty()).then_some(NatsConfig { servers, stream, credentials_file, ca_file })
}

fn look_up(address: &Address) -> Result<SocketAddr, CliError> {
    address.look_up().map_err(|source| CliError::Address { address: address.clone(), source })
}

/// Prints where the server listens and, on a terminal, which command to try next.
fn print_greeting(address: SocketAddr, database: &DatabaseUrl, is_encrypted: bool, has_keys: bool) {
    say(format_args!("wallet-server is serving on {address}, database {database}"));
    if !std::io::stdout().is_terminal() {
        return;
    }
    let how = if is_encrypted { "-cacert AUTHORITY.pem" } else { "-plaintext" };
    let key = if has_keys { " -H 'authorization: Bearer KEY'" } else { "" };
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

#[cfg(test)]
mod tests {
    use wallet_core::feed::ItemTypes;

    use super::*;
    use crate::settings::RecordList;

    #[test]
    fn the_settings_become_the_configuration() {
        let usual = config(Settings::default()).unwrap();
        assert_eq!(usual.feed_retention, Config::default().feed_retention);
        let mut settings = Settings::default();
        (settings.feed.retention_days, settings.feed.period) = (2, Duration::from_millis(10));
        (settings.server.batch_max, settings.limits.connections) = (3, 16);
        settings.nats.url = vec!["tls://nats.example".parse().unwrap()];
        settings.feed.record = RecordList::read(&["*".to_owned()]).unwrap();
        let other = config(settings).unwrap();
        assert_eq!((usual.feed_record, other.feed_record), (ItemTypes::default(), ItemTypes::ALL));
        assert_eq!(
            (other.feed_retention, other.feed_period),
            (Duration::from_hours(48), Duration::from_millis(10))
        );
        assert_eq!((other.batch_max, other.limits.connections), (3, 16));
        assert_eq!((usual.nats, other.nats.unwrap().stream), (None, "WALLET".to_owned()));
    }
}
