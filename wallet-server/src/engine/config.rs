//! The sizes and time limits of the engine.

use std::time::Duration;

use crate::engine::backlog::Steps;
use crate::traces::Traces;

/// The sizes of batches and queues.
#[derive(Debug, Clone)]
pub(crate) struct EngineConfig {
    /// Number of lanes, each with a connection that writes. SQLite has one.
    pub(crate) lanes: usize,
    /// The most commands committed together; 256 by default.
    pub(crate) batch_max: usize,
    /// The longest that a command may wait in its lane, as estimated when it arrives; 1 s by default. Most classes of
    /// commands may use only a part of it, and one wallet half.
    pub(crate) queue_wait: Duration,
    /// The most commands that wait in one lane, which limits memory; 8,192 by default.
    pub(crate) waiting_per_lane: usize,
    /// The most commands that wait for one wallet; 4,096 by default.
    pub(crate) waiting_per_wallet: usize,
    /// The most due events of a wallet that one transaction processes.
    pub(crate) steps: Steps,
    /// The most rows of wallets that the lanes together keep in memory between batches; 64,000 by default, about 40 MB.
    /// Without any, every batch reads its wallets from the database.
    pub(crate) cached_rows: usize,
    /// Time limit for one call to the database; 10 s by default. A COMMIT that takes longer has an unknown outcome.
    pub(crate) database_timeout: Duration,
    pub(crate) traces: Traces,
    /// True if the server has an address that shows the metrics.
    pub(crate) is_monitored: bool,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            lanes: 2,
            batch_max: 256,
            queue_wait: Duration::from_secs(1),
            waiting_per_lane: 8_192,
            waiting_per_wallet: 4_096,
            steps: Steps::default(),
            cached_rows: 64_000,
            database_timeout: Duration::from_secs(10),
            traces: Traces::default(),
            is_monitored: true,
        }
    }
}
