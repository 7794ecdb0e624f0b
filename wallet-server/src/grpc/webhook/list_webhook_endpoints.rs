//! ListWebhookEndpoints: lists the endpoints of the tenant by id.

use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::to_proto;

pub(super) async fn list_webhook_endpoints(
    call: Call,
    _request: v1::ListWebhookEndpointsRequest,
) -> Result<v1::ListWebhookEndpointsResponse, RpcError> {
    let endpoints = call.services.webhooks.list(call.tenant).await?;
    let endpoints = endpoints.iter().map(to_proto::webhook_endpoint).collect();
    Ok(v1::ListWebhookEndpointsResponse { endpoints })
}
