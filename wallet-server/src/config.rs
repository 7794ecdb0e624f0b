//! The configuration of the server, read once at start.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use wallet_core::feed::ItemTypes;

use crate::clock::{Clock, Settling};
use crate::engine::{EngineConfig, SweeperConfig};
use crate::grpc::{Origin, TlsFiles};
use crate::keys::Pepper;
use crate::settings::{FeedSettings, Limits};
use crate::store::DatabaseUrl;
use crate::traces::TraceSettings;

/// The catalog that a server publishes if it has none.
pub const BUNDLED_CATALOG: &str = include_str!("../catalogs/example.toml");

/// The configuration of a server. The defaults serve on loopback from an embedded database.
#[derive(Clone)]
pub struct Config {
    /// The address to listen on. Port 0 stands for any free port.
    pub listen: SocketAddr,
    /// `sqlite://PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.
    pub database_url: String,
    /// A catalog (TOML), published at start unless it was published before.
    pub catalog: Option<String>,
    /// The number of lanes that write; by default the number of CPU cores. SQLite always has one.
    pub lanes: Option<usize>,
    /// The most commands committed together; 256 by default.
    pub batch_max: usize,
    /// The longest that a command may wait in the queue of its lane; 1 s by default. A command that would wait longer
    /// is refused with OVERLOADED.
    pub queue_wait: Duration,
    /// The most rows of wallets that the lanes together keep in memory between batches; 64,000 by default.
    pub cached_rows: usize,
    /// The time between two sweeps for due events; 1 s by default.
    pub sweep_period: Duration,
    /// The interval at which to look for a newer catalog and to compare clocks with the database; 2 s by default.
    pub poll_period: Duration,
    /// The time between two passes that give items of the feed their positions, and between two looks for new items;
    /// 200 ms by default.
    pub feed_period: Duration,
    /// The types of items that this server adds to the feed; all but `job.reserved` and `job.started` by default.
    pub feed_record: ItemTypes,
    /// The time for which items of the feed are kept; 90 days by default.
    pub feed_retention: Duration,
    /// The networks that URLs of webhooks may name besides public ones. By default there are none.
    pub webhooks_allow: Vec<IpNet>,
    /// The NATS stream to which the feed is published. `None`: it is not published.
    pub nats: Option<NatsConfig>,
    /// The time limit for one call to the database, after which it counts as lost; 10 s by default.
    pub database_timeout: Duration,
    /// The limits of callers, connections, messages and queues.
    pub limits: Limits,
    /// The certificate with which connections are encrypted. `None`: they are not.
    pub tls: Option<TlsFiles>,
    /// The pepper of the API keys, with which callers are authenticated. `None`: they are not.
    pub pepper: Option<Pepper>,
    /// The origins of the web pages that may call, for browsers. By default no page may.
    pub origins: Vec<Origin>,
    /// The address of metrics and checks over HTTP. `None`: there is none.
    pub monitoring: Option<SocketAddr>,
    /// The collector of traces. `None`: calls are not traced.
    pub traces: Option<TraceSettings>,
    /// Listens beyond loopback although connections are not encrypted or callers not authenticated.
    pub insecure: bool,
    /// Serves from a PostgreSQL whose settings may lose acknowledged commits.
    pub accept_unsafe_database: bool,
    /// The source of time.
    pub time: TimeSource,
    /// The time over which the readings of a clock that jumped must agree before it is followed; 30 s by default.
    pub clock_settles: Duration,
    /// Starts although the clock is more than a day ahead of the ledger and credits expire by it.
    pub accept_clock: bool,
}

impl fmt::Debug for Config {
    /// Omits the password of the URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("database_url", &DatabaseUrl::from(self.database_url.as_str()))
            .field("lanes", &self.lanes)
            .field("batch_max", &self.batch_max)
            .field("tls", &self.tls)
            .field("pepper", &self.pepper)
            .field("origins", &self.origins)
            .field("monitoring", &self.monitoring)
            .field("traces", &self.traces)
            .field("insecure", &self.insecure)
            .field("time", &self.time)
            .finish_non_exhaustive()
    }
}

/// The source of a server's time.
#[derive(Debug, Clone, Default)]
pub enum TimeSource {
    /// The clock of the database's machine, or of this machine for SQLite.
    #[default]
    System,
    /// A clock that stands still until `AdvanceClock` moves it, for trials. It begins at the current time, or at
    /// the newest time in the database if that is later. Only with SQLite and on loopback.
    Manual,
    /// A clock of the program that embeds the server, for example one manual clock for several servers.
    Given(Clock),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 50051)),
            database_url: "sqlite://data/wallet.db".to_owned(),
            catalog: None,
            lanes: None,
            batch_max: EngineConfig::default().batch_max,
            queue_wait: EngineConfig::default().queue_wait,
            cached_rows: EngineConfig::default().cached_rows,
            sweep_period: SweeperConfig::default().period,
            poll_period: Duration::from_secs(2),
            feed_period: FeedSettings::default().period,
            feed_record: FeedSettings::default().record.types(),
            feed_retention: FeedSettings::default().retention(),
            webhooks_allow: Vec::new(),
            nats: None,
            database_timeout: EngineConfig::default().database_timeout,
            limits: Limits::default(),
            tls: None,
            pepper: None,
            origins: Vec::new(),
            monitoring: None,
            traces: None,
            insecure: false,
            accept_unsafe_database: false,
            time: TimeSource::System,
            clock_settles: Settling::default().span,
            accept_clock: false,
        }
    }
}

/// The NATS JetStream stream to which the feed is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatsConfig {
    /// The servers, as in `nats://localhost:4222`.
    pub servers: Vec<String>,
    /// The name of the stream, which exists and has the subjects `wallet.>`.
    pub stream: String,
    /// A file with a JWT and an NKey.
    pub credentials_file: Option<PathBuf>,
    /// Authorities (PEM) that are trusted besides those of the system.
    pub ca_file: Option<PathBuf>,
}

impl Config {
    /// Returns the engine's configuration for a database that allows `most` lanes.
    pub(crate) fn engine(&self, most: usize) -> EngineConfig {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let lanes = self.lanes.unwrap_or(cores).clamp(1, most);
        EngineConfig {
            lanes,
            batch_max: self.batch_max.max(1),
            queue_wait: self.queue_wait,
            waiting_per_lane: self.limits.waiting_per_lane,
            waiting_per_wallet: self.limits.waiting_per_wallet,
            cached_rows: self.cached_rows,
            database_timeout: self.database_timeout,
            is_monitored: self.monitoring.is_some(),
            ..EngineConfig::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_has_the_limits_of_the_configuration() {
        let limits = Limits { waiting_per_lane: 70, waiting_per_wallet: 20, ..Limits::default() };
        let engine = Config { limits, lanes: Some(3), ..Config::default() }.engine(64);
        assert_eq!((engine.waiting_per_lane, engine.waiting_per_wallet, engine.lanes), (70, 20, 3));
        let (engine, default) = (Config::default().engine(64), EngineConfig::default());
        assert_eq!(
            (engine.waiting_per_lane, engine.waiting_per_wallet),
            (default.waiting_per_lane, default.waiting_per_wallet)
        );
    }
}
