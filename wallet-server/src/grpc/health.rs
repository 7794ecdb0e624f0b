//! The status of this server for `grpc.health.v1.Health`.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::{Mutex, mpsc};
use tokio::time::sleep;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health as HealthRpcMethods, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_health::server::{HealthReporter, HealthService, WatchStream};
use wallet_proto::v1::admin_service_server::SERVICE_NAME as ADMIN;
use wallet_proto::v1::catalog_service_server::SERVICE_NAME as CATALOG;
use wallet_proto::v1::event_service_server::SERVICE_NAME as EVENT;
use wallet_proto::v1::key_service_server::SERVICE_NAME as KEY;
use wallet_proto::v1::tenant_service_server::SERVICE_NAME as TENANT;
use wallet_proto::v1::test_clock_service_server::SERVICE_NAME as TEST_CLOCK;
use wallet_proto::v1::wallet_service_server::SERVICE_NAME as WALLET;
use wallet_proto::v1::webhook_service_server::SERVICE_NAME as WEBHOOK;

use super::watch::SIGN_OF_LIFE;

/// The status that health checks return, for the server as a whole ("") and for each service: serving if all
/// conditions hold. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Health {
    reporter: HealthReporter,
    failing: Arc<Mutex<BTreeSet<Condition>>>,
    /// Ends the streams of watchers.
    stopping: CancellationToken,
}

/// A condition for this server to receive calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Condition {
    /// The server has started and has no order to stop.
    Running,
    /// The database responds and accepts writes.
    Database,
    /// The clock agrees with the clock of the database.
    Clock,
}

impl Condition {
    pub(crate) const ALL: [Self; 3] = [Self::Running, Self::Database, Self::Clock];

    /// Returns the state of the server in which the condition does not hold.
    pub(crate) const fn failure(self) -> &'static str {
        match self {
            Self::Running => "the server starts or stops",
            Self::Database => "the database does not respond, or accepts no writes",
            Self::Clock => "the clock does not agree with the clock of the database",
        }
    }
}

impl Health {
    /// Returns the status of a server that is starting: not serving.
    pub(crate) async fn starting() -> Self {
        let stopping = CancellationToken::new();
        let health = Self { reporter: HealthReporter::new(), failing: Arc::default(), stopping };
        health.report(Condition::Running, false).await;
        health
    }

    /// Reports that the server stops, and ends the streams of watchers.
    pub(crate) async fn stop(&self) {
        self.report(Condition::Running, false).await;
        self.stopping.cancel();
    }

    /// Returns the conditions that do not hold.
    pub(crate) async fn failing(&self) -> Vec<Condition> {
        self.failing.lock().await.iter().copied().collect()
    }

    /// Reports whether a condition holds.
    pub(crate) async fn report(&self, condition: Condition, holds: bool) {
        // The lock is held until the status is set, so that the later of two reports takes effect.
        let mut failing = self.failing.lock().await;
        let changed = if holds { failing.remove(&condition) } else { failing.insert(condition) };
        if !changed {
            return;
        }
        let serving = failing.is_empty();
        tracing::info!(?condition, holds, serving, "health");
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in ["", WALLET, ADMIN, CATALOG, EVENT, KEY, TENANT, TEST_CLOCK, WEBHOOK] {
            self.reporter.set_service_status(service, status).await;
        }
    }

    pub(super) fn server(&self) -> HealthServer<HealthRpcs> {
        let service = HealthService::from_health_reporter(self.reporter.clone());
        HealthServer::new(HealthRpcs { service, stopping: self.stopping.clone() })
    }
}

/// The methods of the health service.
pub(super) struct HealthRpcs {
    service: HealthService,
    stopping: CancellationToken,
}

#[tonic::async_trait]
impl HealthRpcMethods for HealthRpcs {
    type WatchStream = ReceiverStream<Result<HealthCheckResponse, Status>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        self.service.check(request).await
    }

    /// Streams the status when it changes, until the server stops, and repeats it as a sign of life. So a stream ends
    /// whose watcher has gone, also with HTTP/1.1, which has no pings.
    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let changes = self.service.watch(request).await?.into_inner();
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(pass_on(changes, sender, self.stopping.clone()));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

/// Sends the changes of a status to a watcher, the last of them before the server stops.
async fn pass_on(
    mut changes: WatchStream,
    sender: mpsc::Sender<Result<HealthCheckResponse, Status>>,
    stopping: CancellationToken,
) {
    let mut last = None;
    // A watcher that was slow gets the present status.
    while let Ok(place) = sender.reserve().await {
        let next = tokio::select! {
            biased;
            change = changes.next() => change,
            () = stopping.cancelled() => return,
            () = sender.closed() => return,
            () = sleep(SIGN_OF_LIFE) => last.map(Ok),
        };
        let Some(Ok(status)) = next else { return };
        last = Some(status);
        place.send(Ok(status));
    }
}
