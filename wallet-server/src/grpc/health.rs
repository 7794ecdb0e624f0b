//! `grpc.health.v1.Health`: whether this server should be sent calls.

use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use wallet_proto::v1::admin_service_server::SERVICE_NAME as ADMIN;
use wallet_proto::v1::catalog_service_server::SERVICE_NAME as CATALOG;
use wallet_proto::v1::event_service_server::SERVICE_NAME as EVENT;
use wallet_proto::v1::wallet_service_server::SERVICE_NAME as WALLET;

/// The status that health checks see, for the server as a whole ("") and for each service.
#[derive(Debug, Clone)]
pub(crate) struct Health(HealthReporter);

impl Health {
    /// Not serving yet.
    pub(crate) async fn starting() -> Self {
        let health = Self(HealthReporter::new());
        health.set_serving(false).await;
        health
    }

    /// Says whether calls should be sent here.
    pub(crate) async fn set_serving(&self, serving: bool) {
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in ["", WALLET, ADMIN, CATALOG, EVENT] {
            self.0.set_service_status(service, status).await;
        }
    }

    pub(super) fn server(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.0.clone()))
    }
}
