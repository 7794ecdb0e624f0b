//! CreateWebhookEndpoint: creates an endpoint and returns it with its secret.

use wallet_core::Rejection;
use wallet_proto::v1;

use super::MAX_ID_BYTES;
use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;
use crate::webhooks::{Allowed, NewEndpoint};

pub(super) async fn create_webhook_endpoint(
    call: Call,
    request: v1::CreateWebhookEndpointRequest,
) -> Result<v1::CreateWebhookEndpointResponse, RpcError> {
    let new = parse(request, &call.services.webhooks.allowed)?;
    let (endpoint, unchanged) = call.services.webhooks.create(call.tenant, new, &call.author).await?;
    let secret = call.services.webhooks.secret(call.tenant, &endpoint).text();
    Ok(v1::CreateWebhookEndpointResponse {
        endpoint: Some(to_proto::webhook_endpoint(&endpoint)),
        secret,
        unchanged,
    })
}

fn parse(request: v1::CreateWebhookEndpointRequest, allowed: &Allowed) -> Result<NewEndpoint, Rejection> {
    let mut fields = FieldReader::default();
    let id = fields.required_name("endpoint_id", request.endpoint_id, MAX_ID_BYTES);
    let url = fields.webhook_url("url", &request.url, allowed);
    let types = fields.feed_filter(&request.types, &[]).types;
    let after_position =
        request.after_position.map(|position| fields.not_negative("after_position", position));
    let is_ordered = request.ordered;
    fields.finish(|| Some(NewEndpoint { id, url: url?, types, is_ordered, after_position }))
}
