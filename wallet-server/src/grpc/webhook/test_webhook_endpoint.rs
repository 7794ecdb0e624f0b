//! TestWebhookEndpoint: sends a message to an endpoint at once and returns the result.

use wallet_core::Rejection;
use wallet_proto::v1;

use super::MAX_ID_BYTES;
use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn test_webhook_endpoint(
    call: Call,
    request: v1::TestWebhookEndpointRequest,
) -> Result<v1::TestWebhookEndpointResponse, RpcError> {
    let id = parse(request)?;
    let tested = call.services.webhooks.test(call.tenant, &id).await?;
    Ok(to_proto::webhook_test(tested))
}

fn parse(request: v1::TestWebhookEndpointRequest) -> Result<String, Rejection> {
    let mut fields = FieldReader::default();
    let id = fields.required_name("endpoint_id", request.endpoint_id, MAX_ID_BYTES);
    fields.finish(|| Some(id))
}
