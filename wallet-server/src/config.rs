//! What the server is told from outside, read once at start.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::clock::{Clock, Settling};
use crate::engine::{EngineConfig, SweeperConfig};
use crate::store::DatabaseUrl;

/// The catalog that a server without one of its own begins with.
pub const BUNDLED_CATALOG: &str = include_str!("../catalogs/example.toml");

/// Everything the server is told. The defaults serve on loopback from an embedded database.
#[derive(Clone)]
pub struct Config {
    /// Where to listen. Port 0: any that is free.
    pub listen: SocketAddr,
    /// `sqlite://PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.
    pub database_url: String,
    /// A catalog to publish if it differs from the current one, as TOML.
    pub catalog: Option<String>,
    /// Lanes that write; as many as cores by default. SQLite always has one.
    pub lanes: Option<usize>,
    /// The most commands committed together.
    pub batch_max: usize,
    /// The time between two sweeps for expired holds and grants.
    pub sweep_period: Duration,
    /// How often to look for a newer catalog, and to compare clocks with the database.
    pub poll_period: Duration,
    /// How long the database may take to answer one call before it counts as lost.
    pub database_timeout: Duration,
    /// Whether to listen beyond loopback although nothing is encrypted and nobody is asked for a key.
    pub insecure: bool,
    /// What tells the time.
    pub time: TimeSource,
    /// Over how long the readings of a clock that leapt must agree before it is followed.
    pub clock_settles: Duration,
    /// Whether to start although the clock is days after everything in the ledger and credits lapse by it.
    pub accept_clock: bool,
}

impl fmt::Debug for Config {
    /// Shows the URL without its password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("database_url", &DatabaseUrl::from(self.database_url.as_str()))
            .field("lanes", &self.lanes)
            .field("batch_max", &self.batch_max)
            .field("insecure", &self.insecure)
            .field("time", &self.time)
            .finish_non_exhaustive()
    }
}

/// What tells a server the time.
#[derive(Debug, Clone, Default)]
pub enum TimeSource {
    /// The database's machine, or this one if the database is a file.
    #[default]
    System,
    /// A clock of its own that stands still until `AdvanceClock` moves it, for trying things out. Begins now, or
    /// where the database's newest wallet stands. Only on SQLite and on loopback.
    Manual,
    /// A clock of whoever embeds the server: programs that run several servers on one manual clock.
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
            sweep_period: SweeperConfig::default().period,
            poll_period: Duration::from_secs(2),
            database_timeout: EngineConfig::default().database_timeout,
            insecure: false,
            time: TimeSource::System,
            clock_settles: Settling::default().span,
            accept_clock: false,
        }
    }
}

impl Config {
    /// How many lanes this makes on a database that takes `most`.
    pub(crate) fn engine(&self, most: usize) -> EngineConfig {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let lanes = self.lanes.unwrap_or(cores).clamp(1, most);
        EngineConfig {
            lanes,
            batch_max: self.batch_max.max(1),
            database_timeout: self.database_timeout,
            ..EngineConfig::default()
        }
    }
}
