//! A lane: one task, one connection, one batch at a time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use wallet_core::WalletKey;

use crate::catalogs::PublishedCatalogs;
use crate::causes::Chain;
use crate::clock::Clock;
use crate::engine::EngineConfig;
use crate::engine::backlog::{Backlog, Steps};
use crate::engine::job::QueuedCommand;
use crate::engine::metrics::EngineMetrics;
use crate::store::{LaneConnection, Store, StoreError, WalletCache};
use crate::traces::{BatchSpan, Traces};

/// The idle time after which a lane checkpoints its database.
const IDLE: Duration = Duration::from_millis(500);
/// The number of commands after which a lane that is never idle checkpoints its database.
const BUSY: usize = 20_000;

/// The state of a lane.
pub(super) struct Lane {
    pub(super) number: usize,
    pub(super) store: Store,
    pub(super) connection: LaneConnection,
    /// True if the connection has failed. The next attempt opens another one.
    pub(super) is_lost: bool,
    pub(super) catalogs: PublishedCatalogs,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<EngineMetrics>,
    pub(super) database_timeout: Duration,
    /// Wallets to freeze before the next decision about them: one of their commands violated an invariant.
    pub(super) broken: BTreeSet<WalletKey>,
    pub(super) steps: Steps,
    pub(super) cache: WalletCache,
    /// Wallets with a row that cannot be decoded, for which this was logged.
    pub(super) unreadable: BTreeSet<WalletKey>,
    /// The wallets whose changes are in a COMMIT that was sent and not answered.
    pub(super) committing: BTreeSet<WalletKey>,
    /// The wallets of statements without locks that were not answered. Such a statement may still reach the database
    /// and commit, as long as its wallets have the versions that it expects.
    pub(super) unanswered: BTreeSet<WalletKey>,
    /// The number of batches until the lane is optimistic again.
    pub(super) locked_batches: u32,
    pub(super) traces: Traces,
    /// The span of the current batch.
    pub(super) batch_span: BatchSpan,
    batch_max: usize,
    since_checkpoint: usize,
    backlog: Backlog,
}

impl Lane {
    pub(super) async fn open(
        number: usize,
        store: &Store,
        catalogs: &PublishedCatalogs,
        clock: &Clock,
        config: &EngineConfig,
        metrics: Arc<EngineMetrics>,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            number,
            store: store.clone(),
            connection: store.lane().await?,
            is_lost: false,
            catalogs: catalogs.clone(),
            clock: clock.clone(),
            metrics,
            database_timeout: config.database_timeout,
            broken: BTreeSet::new(),
            steps: config.steps,
            cache: WalletCache::new(config.cached_rows / config.lanes.max(1)),
            unreadable: BTreeSet::new(),
            committing: BTreeSet::new(),
            unanswered: BTreeSet::new(),
            locked_batches: 0,
            traces: config.traces.clone(),
            batch_span: BatchSpan::default(),
            batch_max: config.batch_max.max(1),
            since_checkpoint: 0,
            backlog: Backlog::default(),
        })
    }

    /// Runs batches until the queue is closed and empty.
    pub(super) async fn run(mut self, mut jobs: mpsc::Receiver<QueuedCommand>) {
        while self.turn(&mut jobs).await {}
        self.checkpoint().await;
        if let Err(error) = self.connection.close().await {
            tracing::debug!(lane = self.number, error = %Chain(&error), "closing the lane's connection");
        }
    }

    /// Runs a batch of the waiting commands, and then one step of the backlog, unless the batch was such a step
    /// itself. Returns false when the queue is closed and everything is done.
    pub(super) async fn turn(&mut self, jobs: &mut mpsc::Receiver<QueuedCommand>) -> bool {
        let mut waiting = Vec::with_capacity(self.batch_max);
        let longest_wait = if self.backlog.is_empty() { IDLE } else { Duration::ZERO };
        let mut stepped = false;
        match timeout(longest_wait, jobs.recv_many(&mut waiting, self.batch_max)).await {
            Ok(0) => self.backlog.drop_process_due(),
            Ok(taken) => {
                self.since_checkpoint += taken;
                let batch = self.backlog.hold_back(waiting);
                stepped = self.serve(batch).await;
            }
            Err(_) if self.backlog.is_empty() => {
                self.checkpoint().await;
                // The connection may have died meanwhile. The BEGIN of a batch with locks shows this before any commit.
                self.locked_batches = self.locked_batches.max(1);
            }
            Err(_) => {}
        }
        if !stepped {
            self.run_backlog_step().await;
        }
        if self.since_checkpoint >= BUSY {
            self.checkpoint().await;
        }
        !(jobs.is_closed() && jobs.is_empty() && self.backlog.is_empty())
    }

    /// Runs one step of the wallets whose turn it is. Commands whose wallets are up to date afterwards are decided.
    async fn run_backlog_step(&mut self) {
        let mut batch = self.backlog.take_turns();
        let later = batch.split_off(batch.len().min(self.batch_max));
        if !batch.is_empty() {
            // A step may write as much as this many commands.
            self.since_checkpoint += self.steps.together.min(BUSY);
        }
        self.serve(batch).await;
        self.backlog.add(later);
    }

    /// Runs a batch. Returns true if more is due in one of its wallets than was processed.
    async fn serve(&mut self, batch: Vec<QueuedCommand>) -> bool {
        if batch.is_empty() {
            return false;
        }
        let behind = self.answer(batch).await;
        let is_behind = !behind.is_empty();
        self.backlog.add(behind);
        is_behind
    }

    async fn checkpoint(&mut self) {
        if self.since_checkpoint > 0 {
            self.since_checkpoint = 0;
            if let Err(error) = self.store.checkpoint(&self.connection).await {
                tracing::warn!(lane = self.number, error = %Chain(&error), "checkpoint failed; it will be tried again");
            }
        }
    }
}
