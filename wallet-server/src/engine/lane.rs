//! A lane: one task, one connection, one batch at a time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::DatabaseConnection;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use wallet_core::WalletKey;

use crate::catalogs::PublishedCatalogs;
use crate::clock::Clock;
use crate::engine::error::EngineError;
use crate::engine::metrics::EngineMetrics;
use crate::engine::{EngineConfig, Job};
use crate::store::{Store, StoreError};

/// A lane that has had nothing to do for this long looks after its database.
const IDLE: Duration = Duration::from_millis(500);
/// A lane that is never idle looks after its database after this many commands.
const BUSY: usize = 20_000;

/// What a batch runs with.
pub(super) struct Lane {
    pub(super) number: usize,
    pub(super) store: Store,
    pub(super) connection: DatabaseConnection,
    pub(super) catalogs: PublishedCatalogs,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<EngineMetrics>,
    pub(super) database_timeout: Duration,
    /// Wallets to freeze before anything is decided on them: a command of theirs has shown that they do not add up.
    pub(super) broken: BTreeSet<WalletKey>,
    batch_max: usize,
    since_checkpoint: usize,
}

impl Lane {
    /// Opens the lane's connection.
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
            catalogs: catalogs.clone(),
            clock: clock.clone(),
            metrics,
            database_timeout: config.database_timeout,
            broken: BTreeSet::new(),
            batch_max: config.batch_max.max(1),
            since_checkpoint: 0,
        })
    }

    /// Runs batches until the queue is closed and empty.
    pub(super) async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut waiting = Vec::with_capacity(self.batch_max);
        loop {
            let taken = match timeout(IDLE, jobs.recv_many(&mut waiting, self.batch_max)).await {
                Ok(0) => break,
                Ok(taken) => taken,
                Err(_) => {
                    self.checkpoint().await;
                    continue;
                }
            };
            self.since_checkpoint += taken;
            let batch = in_time(waiting.drain(..));
            if !batch.is_empty() {
                self.answer(batch).await;
            }
            if self.since_checkpoint >= BUSY {
                self.checkpoint().await;
            }
        }
        self.checkpoint().await;
        if let Err(error) = self.connection.close_by_ref().await {
            tracing::debug!(lane = self.number, %error, "closing the lane's connection");
        }
    }

    async fn checkpoint(&mut self) {
        if self.since_checkpoint > 0 {
            self.since_checkpoint = 0;
            if let Err(error) = self.store.checkpoint(&self.connection).await {
                tracing::warn!(lane = self.number, %error, "checkpoint failed; it will be tried again");
            }
        }
    }
}

/// The jobs whose callers still have time; the others are told that nothing was done.
fn in_time(jobs: impl Iterator<Item = Job>) -> Vec<Job> {
    let now = Instant::now();
    let (late, batch): (Vec<Job>, Vec<Job>) = jobs.partition(|job| job.deadline.is_some_and(|d| d <= now));
    for job in late {
        // Nobody may be waiting any more, which is all right.
        let _ = job.answer.send(Err(EngineError::DeadlinePassed));
    }
    batch
}
