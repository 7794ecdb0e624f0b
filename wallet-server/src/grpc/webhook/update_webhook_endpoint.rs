//! UpdateWebhookEndpoint: changes an endpoint, its state or its secret.

use wallet_core::Rejection;
use wallet_proto::v1;

use super::MAX_ID_BYTES;
use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;
use crate::webhooks::{Allowed, EndpointChange};

pub(super) async fn update_webhook_endpoint(
    call: Call,
    request: v1::UpdateWebhookEndpointRequest,
) -> Result<v1::UpdateWebhookEndpointResponse, RpcError> {
    let change = parse(request, &call.services.webhooks.allowed)?;
    let shows_secret = change.secret_version.is_some();
    let endpoint = call.services.webhooks.update(call.tenant, change, &call.author).await?;
    let secret = match shows_secret {
        true => call.services.webhooks.secret(call.tenant, &endpoint).text(),
        false => String::new(),
    };
    Ok(v1::UpdateWebhookEndpointResponse { endpoint: Some(to_proto::webhook_endpoint(&endpoint)), secret })
}

fn parse(request: v1::UpdateWebhookEndpointRequest, allowed: &Allowed) -> Result<EndpointChange, Rejection> {
    use v1::WebhookEndpointState::{Disabled, Enabled, Unspecified};
    let mut fields = FieldReader::default();
    let id = fields.required_name("endpoint_id", request.endpoint_id, MAX_ID_BYTES);
    let url = match request.url.is_empty() {
        true => None,
        false => fields.webhook_url("url", &request.url, allowed),
    };
    let types = fields.feed_filter(&request.types, &[]).types;
    let types = match (request.all_types, request.types.is_empty()) {
        (true, false) => {
            fields.add("all_types", "is set, so types must be empty");
            None
        }
        (true, true) => Some(types),
        (false, is_empty) => (!is_empty).then_some(types),
    };
    let is_enabled = match v1::WebhookEndpointState::try_from(request.state) {
        Ok(Unspecified) => None,
        Ok(Enabled) => Some(true),
        Ok(Disabled) => Some(false),
        _ => {
            fields.add("state", format!("is {}; ENABLED (1) and DISABLED (2) are allowed", request.state));
            None
        }
    };
    let version = fields.not_negative("secret_version", request.secret_version);
    let secret_version = (version > 0).then_some(version);
    let is_ordered = request.ordered;
    fields.finish(|| Some(EndpointChange { id, url, types, is_ordered, is_enabled, secret_version }))
}
