//! RetryWebhookDeliveries: makes failed deliveries to an endpoint due at once.

use wallet_core::Rejection;
use wallet_proto::v1;

use super::MAX_ID_BYTES;
use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;

pub(super) async fn retry_webhook_deliveries(
    call: Call,
    request: v1::RetryWebhookDeliveriesRequest,
) -> Result<v1::RetryWebhookDeliveriesResponse, RpcError> {
    let (id, from, to) = parse(request)?;
    let deliveries = call.services.webhooks.retry(call.tenant, &id, from, to).await?;
    let deliveries = i64::try_from(deliveries).unwrap_or(i64::MAX);
    Ok(v1::RetryWebhookDeliveriesResponse { deliveries })
}

fn parse(request: v1::RetryWebhookDeliveriesRequest) -> Result<(String, i64, i64), Rejection> {
    let mut fields = FieldReader::default();
    let id = fields.required_name("endpoint_id", request.endpoint_id, MAX_ID_BYTES);
    let from = fields.not_negative("from_position", request.from_position);
    let to = fields.not_negative("to_position", request.to_position);
    let to = if to == 0 { i64::MAX } else { to };
    fields.finish(|| Some((id, from, to)))
}
