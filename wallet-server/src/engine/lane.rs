//! A lane: one task that takes the waiting commands, one batch at a time. [`BatchRunner`] runs and answers a batch.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::catalogs::PublishedCatalogs;
use crate::causes::Chain;
use crate::clock::Clock;
use crate::engine::EngineConfig;
use crate::engine::backlog::Backlog;
use crate::engine::metrics::EngineMetrics;
use crate::engine::queued_command::QueuedCommand;
use crate::engine::runner::BatchRunner;
use crate::store::{Store, StoreError};

/// The idle time after which a lane checkpoints its database.
const IDLE: Duration = Duration::from_millis(500);

/// The number of commands after which a lane that is never idle checks the length of its database's journal.
pub(super) const COMMANDS_PER_CHECK: usize = 500;

/// A lane: its backlog, and the runner of its batches.
pub(super) struct Lane {
    pub(super) runner: BatchRunner,
    batch_max: usize,
    /// True if batches were executed since the last checkpoint.
    has_executed: bool,
    /// The commands since the length of the journal was checked.
    since_check: usize,
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
        let runner = BatchRunner::open(number, store, catalogs, clock, config, metrics).await?;
        let batch_max = config.batch_max.max(1);
        Ok(Self { runner, batch_max, has_executed: false, since_check: 0, backlog: Backlog::default() })
    }

    /// Runs batches until the queue is closed and empty.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<QueuedCommand>) {
        // The first batch locks its wallets, like the first one after any idle time.
        self.runner.lock_next();
        while self.turn(&mut queue).await {}
        self.checkpoint().await;
        if let Err(error) = self.runner.connection.close().await {
            tracing::debug!(lane = self.runner.lane, error = %Chain(&error), "cannot close the lane's connection");
        }
    }

    /// Runs a batch of the waiting commands, and then one step of the backlog, unless the batch was such a step
    /// itself. Returns false when the queue is closed and everything is done.
    pub(super) async fn turn(&mut self, queue: &mut mpsc::Receiver<QueuedCommand>) -> bool {
        let mut waiting = Vec::with_capacity(self.batch_max);
        let longest_wait = if self.backlog.is_empty() { IDLE } else { Duration::ZERO };
        let mut stepped = false;
        match timeout(longest_wait, queue.recv_many(&mut waiting, self.batch_max)).await {
            Ok(0) => self.backlog.drop_process_due(),
            Ok(taken) => {
                self.since_check += taken;
                let batch = self.backlog.hold_back(waiting);
                stepped = self.serve(batch).await;
            }
            Err(_) if self.backlog.is_empty() => {
                self.checkpoint().await;
                self.runner.lock_next();
            }
            Err(_) => {}
        }
        if !stepped {
            self.run_backlog_step().await;
        }
        if self.since_check >= COMMANDS_PER_CHECK {
            self.shorten_journal().await;
        }
        !(queue.is_closed() && queue.is_empty() && self.backlog.is_empty())
    }

    /// Runs one step of the wallets whose turn it is. Commands whose wallets are up to date afterwards are decided.
    async fn run_backlog_step(&mut self) {
        let mut batch = self.backlog.take_turns();
        let later = batch.split_off(batch.len().min(self.batch_max));
        if !batch.is_empty() {
            // A step may write as much as this many commands.
            self.since_check += self.runner.steps.together.min(COMMANDS_PER_CHECK);
        }
        self.serve(batch).await;
        self.backlog.add(later);
    }

    /// Runs a batch. Returns true if more is due in one of its wallets than was processed.
    async fn serve(&mut self, batch: Vec<QueuedCommand>) -> bool {
        if batch.is_empty() {
            return false;
        }
        self.has_executed = true;
        let behind = self.runner.answer(batch).await;
        let is_behind = !behind.is_empty();
        self.backlog.add(behind);
        is_behind
    }

    /// Checkpoints if the journal is long. SQLite restarts the journal only if nothing was appended to it during a
    /// checkpoint, so the lane checkpoints between two batches. A checkpoint by another connection would overlap with
    /// the lane's writes.
    async fn shorten_journal(&mut self) {
        self.since_check = 0;
        match self.runner.store.has_long_journal(&self.runner.connection).await {
            Ok(true) => self.checkpoint().await,
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(lane = self.runner.lane, error = %Chain(&error), "the length of the journal is unknown");
            }
        }
    }

    async fn checkpoint(&mut self) {
        if std::mem::take(&mut self.has_executed)
            && let Err(error) = self.runner.store.checkpoint(&self.runner.connection).await
        {
            self.has_executed = true;
            tracing::warn!(lane = self.runner.lane, error = %Chain(&error), "checkpoint failed; it will be tried again");
        }
    }
}
