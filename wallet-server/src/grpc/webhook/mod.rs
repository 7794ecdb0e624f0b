//! `wallet.v1.WebhookService`. Each RPC has a file of its own; this one delegates to them.

mod body;
mod create_webhook_endpoint;
mod delete_webhook_endpoint;
mod list_webhook_deliveries;
mod list_webhook_endpoints;
mod retry_webhook_deliveries;
mod test_webhook_endpoint;
mod update_webhook_endpoint;

use std::sync::Arc;

use tonic::{Request, Response, Status};
use wallet_proto::v1;
use wallet_proto::v1::webhook_service_server::WebhookService;

pub(crate) use body::webhook_bodies;

use super::Services;
use super::call::answer;

/// The longest id of an endpoint, in bytes.
const MAX_ID_BYTES: usize = 64;

/// The service for webhooks.
pub(super) struct WebhookRpcs(pub(super) Arc<Services>);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl WebhookService for WebhookRpcs {
    async fn create_webhook_endpoint(
        &self,
        request: Request<v1::CreateWebhookEndpointRequest>,
    ) -> Answer<v1::CreateWebhookEndpointResponse> {
        answer(&self.0, request, create_webhook_endpoint::create_webhook_endpoint).await
    }

    async fn list_webhook_endpoints(
        &self,
        request: Request<v1::ListWebhookEndpointsRequest>,
    ) -> Answer<v1::ListWebhookEndpointsResponse> {
        answer(&self.0, request, list_webhook_endpoints::list_webhook_endpoints).await
    }

    async fn update_webhook_endpoint(
        &self,
        request: Request<v1::UpdateWebhookEndpointRequest>,
    ) -> Answer<v1::UpdateWebhookEndpointResponse> {
        answer(&self.0, request, update_webhook_endpoint::update_webhook_endpoint).await
    }

    async fn delete_webhook_endpoint(
        &self,
        request: Request<v1::DeleteWebhookEndpointRequest>,
    ) -> Answer<v1::DeleteWebhookEndpointResponse> {
        answer(&self.0, request, delete_webhook_endpoint::delete_webhook_endpoint).await
    }

    async fn list_webhook_deliveries(
        &self,
        request: Request<v1::ListWebhookDeliveriesRequest>,
    ) -> Answer<v1::ListWebhookDeliveriesResponse> {
        answer(&self.0, request, list_webhook_deliveries::list_webhook_deliveries).await
    }

    async fn test_webhook_endpoint(
        &self,
        request: Request<v1::TestWebhookEndpointRequest>,
    ) -> Answer<v1::TestWebhookEndpointResponse> {
        answer(&self.0, request, test_webhook_endpoint::test_webhook_endpoint).await
    }

    async fn retry_webhook_deliveries(
        &self,
        request: Request<v1::RetryWebhookDeliveriesRequest>,
    ) -> Answer<v1::RetryWebhookDeliveriesResponse> {
        answer(&self.0, request, retry_webhook_deliveries::retry_webhook_deliveries).await
    }
}
