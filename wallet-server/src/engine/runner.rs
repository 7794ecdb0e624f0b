//! The runner of a lane's batches: the connection of the lane, and its knowledge from one batch to the next.
//!
//! [`super::retry`] answers the commands of a batch through all failures. [`super::batch`] runs the batch once, and
//! [`super::optimistic`] does so without locks.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use wallet_core::WalletKey;

use crate::catalogs::PublishedCatalogs;
use crate::clock::Clock;
use crate::engine::EngineConfig;
use crate::engine::backlog::Steps;
use crate::engine::metrics::EngineMetrics;
use crate::store::{LaneConnection, Store, StoreError, WalletCache};
use crate::traces::{BatchSpan, Traces};

/// The state of a runner.
pub(super) struct BatchRunner {
    /// The number of the lane, for the log.
    pub(super) lane: usize,
    pub(super) store: Store,
    pub(super) connection: LaneConnection,
    /// True if the connection has failed. The next attempt opens another one.
    pub(super) is_lost: bool,
    pub(super) catalogs: PublishedCatalogs,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<EngineMetrics>,
    pub(super) database_timeout: Duration,
    /// Wallets to freeze before the next decision about them: one of their commands violated an invariant.
    pub(super) to_freeze: BTreeSet<WalletKey>,
    pub(super) steps: Steps,
    pub(super) cache: WalletCache,
    /// Wallets with a row that cannot be decoded, for which this was logged.
    pub(super) unreadable: BTreeSet<WalletKey>,
    /// The wallets whose changes are in a COMMIT that was sent and not answered.
    pub(super) committing: BTreeSet<WalletKey>,
    /// The wallets of statements without locks that were not answered. Such a statement may still reach the database
    /// and commit, as long as its wallets have the versions that it expects.
    pub(super) unanswered: BTreeSet<WalletKey>,
    /// The number of batches until the runner is optimistic again.
    pub(super) locked_batches: u32,
    pub(super) traces: Traces,
    /// The span of the current batch.
    pub(super) batch_span: BatchSpan,
}

impl BatchRunner {
    pub(super) async fn open(
        lane: usize,
        store: &Store,
        catalogs: &PublishedCatalogs,
        clock: &Clock,
        config: &EngineConfig,
        metrics: Arc<EngineMetrics>,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            lane,
            store: store.clone(),
            connection: store.lane().await?,
            is_lost: false,
            catalogs: catalogs.clone(),
            clock: clock.clone(),
            metrics,
            database_timeout: config.database_timeout,
            to_freeze: BTreeSet::new(),
            steps: config.steps,
            cache: WalletCache::new(config.cached_rows / config.lanes.max(1)),
            unreadable: BTreeSet::new(),
            committing: BTreeSet::new(),
            unanswered: BTreeSet::new(),
            locked_batches: 0,
            traces: config.traces.clone(),
            batch_span: BatchSpan::default(),
        })
    }

    /// Makes the next batch lock its wallets: the connection may have died meanwhile, and the BEGIN of such a batch
    /// shows this before any commit.
    pub(super) fn lock_next(&mut self) {
        self.locked_batches = self.locked_batches.max(1);
    }
}
