//! The callers' side of the lanes: a command goes into the queue of its wallet's lane, and its reply comes back.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use wallet_core::{Reply, WalletKey};

use crate::catalogs::PublishedCatalogs;
use crate::clock::Clock;
use crate::engine::admission::Admission;
use crate::engine::config::EngineConfig;
use crate::engine::error::EngineError;
use crate::engine::lane::Lane;
use crate::engine::metrics::EngineMetrics;
use crate::engine::queued_command::{Answer, CommandRequest, QueuedCommand};
use crate::store::{Store, StoreError};

/// The reply to a queued command, as a future. Dropping it does not stop the command.
#[derive(Debug)]
pub(crate) struct QueuedReply(oneshot::Receiver<Answer>);

impl Future for QueuedReply {
    type Output = Result<Reply, EngineError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // A lane answers every command that it received. Without an answer the lane has died, and the outcome is
        // unknown.
        Pin::new(&mut self.0).poll(cx).map(|answered| answered.unwrap_or(Err(EngineError::OutcomeUnknown)))
    }
}

/// The lanes. Cheap to clone. They end when the last clone is dropped and their queues are empty.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    lanes: Arc<[LaneHandle]>,
    metrics: Arc<EngineMetrics>,
}

/// A caller's handle to a lane.
#[derive(Debug)]
struct LaneHandle {
    sender: mpsc::Sender<QueuedCommand>,
    admission: Arc<Admission>,
}

impl Engine {
    /// Opens the lanes' connections and starts their tasks.
    pub(crate) async fn start(
        store: &Store,
        catalogs: &PublishedCatalogs,
        clock: &Clock,
        config: &EngineConfig,
        tasks: &TaskTracker,
    ) -> Result<Self, StoreError> {
        let metrics = Arc::new(EngineMetrics::new(config.is_monitored));
        let mut lanes = Vec::new();
        for number in 0..config.lanes.max(1) {
            let (sender, queue) = mpsc::channel(config.waiting_per_lane);
            let lane = Lane::open(number, store, catalogs, clock, config, metrics.clone()).await?;
            tasks.spawn(lane.run(queue));
            lanes.push(LaneHandle { sender, admission: Admission::new(config) });
        }
        Ok(Self { lanes: lanes.into(), metrics })
    }

    /// Runs a command and waits for its answer. Once its turn has come, it runs to its end even if the caller has
    /// gone away.
    pub(crate) async fn submit(&self, request: CommandRequest) -> Result<Reply, EngineError> {
        self.queue(request)?.await
    }

    /// Puts a command at the end of the queue of its wallet's lane.
    pub(crate) fn queue(&self, request: CommandRequest) -> Result<QueuedReply, EngineError> {
        let key = WalletKey::new(request.tenant, &request.wallet);
        let lane = self.lane(key);
        let (queued, answered) = QueuedCommand::admit(request, key, &lane.admission)?;
        // The queue has room for every command with a place, so a failure means that the lane has died.
        lane.sender.try_send(queued).map_err(|_| EngineError::Unavailable)?;
        Ok(QueuedReply(answered))
    }

    /// Returns true if there is room for work that changes nothing. Such work is shed first.
    pub(crate) fn admits_estimates(&self) -> bool {
        let now = Instant::now();
        self.lanes.iter().all(|lane| lane.admission.has_room_for_estimates(now))
    }

    /// Returns the counters of the lanes.
    pub(crate) fn metrics(&self) -> Arc<EngineMetrics> {
        self.metrics.clone()
    }

    fn lane(&self, key: WalletKey) -> &LaneHandle {
        #[expect(clippy::expect_used, reason = "the commands of a wallet must meet in one lane")]
        let bucket = usize::try_from(key.bucket()).expect("a bucket is 0 to 63");
        &self.lanes[bucket % self.lanes.len()]
    }
}
