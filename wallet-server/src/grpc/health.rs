//! The status of this server for `grpc.health.v1.Health`.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::Mutex;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use wallet_proto::v1::admin_service_server::SERVICE_NAME as ADMIN;
use wallet_proto::v1::catalog_service_server::SERVICE_NAME as CATALOG;
use wallet_proto::v1::event_service_server::SERVICE_NAME as EVENT;
use wallet_proto::v1::key_service_server::SERVICE_NAME as KEY;
use wallet_proto::v1::tenant_service_server::SERVICE_NAME as TENANT;
use wallet_proto::v1::wallet_service_server::SERVICE_NAME as WALLET;
use wallet_proto::v1::webhook_service_server::SERVICE_NAME as WEBHOOK;

/// The status that health checks return, for the server as a whole ("") and for each service: serving if all
/// conditions hold. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Health {
    reporter: HealthReporter,
    failing: Arc<Mutex<BTreeSet<Condition>>>,
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
        let health = Self { reporter: HealthReporter::new(), failing: Arc::default() };
        health.report(Condition::Running, false).await;
        health
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
        for service in ["", WALLET, ADMIN, CATALOG, EVENT, KEY, TENANT, WEBHOOK] {
            self.reporter.set_service_status(service, status).await;
        }
    }

    pub(super) fn server(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }
}
