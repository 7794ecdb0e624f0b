//! The settings of the server, which are the top level of the file.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::form::Form::{Count, File, HostPort, List, Millis, Secret, SecretFile, Switch, Text};
use super::problem::{Place, Problem};
use super::{Address, FeedSettings, Limits, LogFilter, NatsSettings, SettingsError, Values};
use crate::engine::EngineConfig;
use crate::grpc::{ClientCertificates, ClientKey, Origin, TlsFiles};
use crate::store::DatabaseUrl;
use crate::traces::Collector;

settings! {
    /// The settings at the top level of the file.
    pub(crate) struct ServerSettings in "";

    /// The address to listen on, with a port. Beyond loopback the server needs `tls_cert`, `tls_key` and
    /// `key_pepper_file`, or `insecure`.
    listen: Address = Address("127.0.0.1:50051".to_owned()), HostPort, Everywhere;

    /// The database: sqlite://PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE.
    database_url: DatabaseUrl = "sqlite://data/wallet.db".into(), Secret, Everywhere;

    /// A catalog (TOML) to publish at start unless it was published before.
    catalog: Option<PathBuf> = None => "the current one; the bundled example if there is none", File, Everywhere;

    /// The number of lanes, each with a connection that writes.
    lanes: Option<usize> = None => "the number of CPU cores; always 1 for SQLite", Count(1, 64), Everywhere;

    /// The most commands committed together.
    batch_max: usize = EngineConfig::default().batch_max, Count(1, 4_096), Everywhere;

    /// The longest that a command may wait in a queue. A command that would wait longer is refused with OVERLOADED.
    queue_wait: Duration = EngineConfig::default().queue_wait, Millis(10, 60_000), Everywhere;

    /// The most rows of wallets that are kept in memory between batches. A row takes about 1,600 bytes.
    cached_rows: usize = EngineConfig::default().cached_rows, Count(0, 10_000_000), Everywhere;

    /// The time limit for one call to the database, after which it counts as lost.
    database_timeout: Duration = EngineConfig::default().database_timeout, Millis(1_000, 60_000), WithoutFlag;

    /// The certificate of the server with those of its authorities (PEM). With it, all connections are encrypted. The
    /// files are read again every 30 seconds and on SIGHUP.
    tls_cert: Option<PathBuf> = None => "none; connections are not encrypted", File, Everywhere;

    /// The private key of the certificate (PEM).
    tls_key: Option<PathBuf> = None => "none", SecretFile, Everywhere;

    /// The authorities (PEM) one of which must have signed the certificate that a caller presents.
    tls_client_ca: Option<PathBuf> = None => "none; callers need no certificate", File, Everywhere;

    /// A caller may present no certificate; it needs an API key then. Needs `tls_client_ca` and `key_pepper_file`.
    tls_client_optional: bool = false, Switch, Everywhere;

    /// The API keys that certificates of callers stand for, as in `worker.example=Ab3dE5gH1j`: a name in the
    /// certificate, and the id of the key. A caller without a key acts as the key of its certificate. The names of a
    /// certificate are its alternative names that are hosts or URIs; `cn:` before a name makes it the common name, as
    /// in `cn:Ann Lee=Ab3dE5gH1j`. In a flag or a variable they are separated by commas. Needs `tls_client_ca` and
    /// `key_pepper_file`.
    tls_client_keys: Vec<ClientKey> = Vec::new(), List, Everywhere;

    /// The pepper of the API keys: a file of at least 32 bytes that all servers have and the database's host has not.
    /// With it, every call needs a key.
    key_pepper_file: Option<PathBuf> = None => "none; callers need no key", SecretFile, Everywhere;

    /// The origins of the web pages that may call, as in `https://app.example.com`; `*` allows any. In a flag or a
    /// variable they are separated by commas.
    cors_origin: Vec<Origin> = Vec::new(), List, Everywhere;

    /// The address of metrics and checks over plain HTTP: /metrics, /livez and /readyz.
    monitoring_listen: Option<Address> = None => "none", HostPort, Everywhere;

    /// The collector to which traces are sent by OTLP over gRPC, as in http://localhost:4317.
    traces_collector: Option<Collector> = None => "none; calls are not traced", Text, Everywhere;

    /// The percentage of the calls that are traced, of those whose caller has not decided (traceparent).
    traces_percent: u32 = 100, Count(0, 100), Everywhere;

    /// The networks that URLs of webhooks may name besides public addresses, as in 10.1.0.0/16. In a flag or a variable
    /// they are separated by commas.
    webhooks_allow: Vec<IpNet> = Vec::new(), List, Everywhere;

    /// The filter of the log: levels by module. Other commands have it from the variable alone.
    log: LogFilter = LogFilter::default(), Text, Everywhere;

    /// Listen beyond loopback although connections are not encrypted or callers not authenticated.
    insecure: bool = false, Switch, Everywhere;

    /// Serve from a PostgreSQL that may lose acknowledged commits, because fsync, full_page_writes or synchronous_commit is
    /// off, or that is older than version 15. For trials and tests.
    accept_unsafe_database: bool = false, Switch, Everywhere;

    /// Let the system write a dump of the memory when the server crashes, and debuggers attach to it. A dump contains
    /// secrets and data of wallets.
    core_dumps: bool = false, Switch, WithoutFlag;

    /// Run on a clock that stands still until AdvanceClock moves it forward. Only with SQLite and on loopback; use a
    /// separate database.
    manual_clock: bool = false, Switch, FlagOnly;

    /// Start although the clock is more than a day ahead of the newest time in the database and credits would expire by
    /// it. For a start after a long pause, when the clock is right.
    accept_clock: bool = false, Switch, FlagOnly;
}

impl ServerSettings {
    /// Returns the files of TLS, if connections are encrypted.
    pub(crate) fn tls_files(&self) -> Option<TlsFiles> {
        let (certificate, key) = self.tls_cert.clone().zip(self.tls_key.clone())?;
        let clients = self.tls_client_ca.clone().map(|authority| ClientCertificates {
            authority,
            is_optional: self.tls_client_optional,
            keys: self.tls_client_keys.clone(),
        });
        Some(TlsFiles { certificate, key, clients })
    }
}

/// The settings of the server, table by table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Settings {
    pub(crate) server: ServerSettings,
    pub(crate) feed: FeedSettings,
    pub(crate) nats: NatsSettings,
    pub(crate) limits: Limits,
}

impl Settings {
    /// Gives the values their types, and checks those that depend on each other.
    pub(super) fn of_values(values: &Values) -> Result<Self, SettingsError> {
        let settings = Self {
            server: ServerSettings::of(values)?,
            feed: FeedSettings::of(values)?,
            nats: NatsSettings::of(values)?,
            limits: Limits::of(values)?,
        };
        let faults = settings.faults();
        if faults.is_empty() {
            return Ok(settings);
        }
        let problem = |fault: &str| Problem { place: Place::Whole, fault: fault.to_owned() };
        Err(SettingsError::Invalid(faults.into_iter().map(problem).collect()))
    }

    fn faults(&self) -> Vec<&'static str> {
        let (server, nats, limits) = (&self.server, &self.nats, &self.limits);
        let rules = [
            (
                server.tls_cert.is_some() != server.tls_key.is_some(),
                "tls_cert and tls_key belong together: give both or neither",
            ),
            (
                server.tls_client_ca.is_some() && server.tls_cert.is_none(),
                "tls_client_ca needs tls_cert and tls_key",
            ),
            (
                server.tls_client_optional
                    && (server.tls_client_ca.is_none() || server.key_pepper_file.is_none()),
                "tls_client_optional needs tls_client_ca and key_pepper_file",
            ),
            (
                !server.tls_client_keys.is_empty()
                    && (server.tls_client_ca.is_none() || server.key_pepper_file.is_none()),
                "tls_client_keys needs tls_client_ca and key_pepper_file",
            ),
            (
                nats.url.is_empty() && (nats.credentials_file.is_some() || nats.ca_file.is_some()),
                "nats.credentials_file and nats.ca_file need nats.url",
            ),
            (
                limits.calls_per_second.is_some() && server.key_pepper_file.is_none(),
                "limits.calls_per_second is per API key, which needs key_pepper_file",
            ),
            (
                limits.calls_burst.is_some() && limits.calls_per_second.is_none(),
                "limits.calls_burst needs limits.calls_per_second",
            ),
            (
                limits.tenant_calls_per_second.is_some() && server.key_pepper_file.is_none(),
                "limits.tenant_calls_per_second is for tenants with API keys, which need key_pepper_file",
            ),
            (
                limits.tenant_calls_burst.is_some() && limits.tenant_calls_per_second.is_none(),
                "limits.tenant_calls_burst needs limits.tenant_calls_per_second",
            ),
            (
                limits.waiting_per_wallet > limits.waiting_per_lane,
                "limits.waiting_per_wallet must not be above limits.waiting_per_lane",
            ),
        ];
        rules.into_iter().filter_map(|(is_broken, fault)| is_broken.then_some(fault)).collect()
    }
}
