//! DeleteWebhookEndpoint: deletes an endpoint and its failed deliveries.

use wallet_core::Rejection;
use wallet_proto::v1;

use super::MAX_ID_BYTES;
use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;

pub(super) async fn delete_webhook_endpoint(
    call: Call,
    request: v1::DeleteWebhookEndpointRequest,
) -> Result<v1::DeleteWebhookEndpointResponse, RpcError> {
    let id = parse(request)?;
    call.services.webhooks.delete(call.tenant, &id, &call.author).await?;
    Ok(v1::DeleteWebhookEndpointResponse {})
}

fn parse(request: v1::DeleteWebhookEndpointRequest) -> Result<String, Rejection> {
    let mut fields = FieldReader::default();
    let id = fields.required_name("endpoint_id", request.endpoint_id, MAX_ID_BYTES);
    fields.finish(|| Some(id))
}
