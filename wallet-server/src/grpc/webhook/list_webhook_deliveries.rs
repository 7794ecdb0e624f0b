//! ListWebhookDeliveries: lists the deliveries to an endpoint that failed.

use wallet_core::Rejection;
use wallet_proto::v1;

use super::MAX_ID_BYTES;
use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;
use crate::query::{FeedFilter, ReadError};

/// The most deliveries of a response.
const PAGE: u64 = 50;

pub(super) async fn list_webhook_deliveries(
    call: Call,
    request: v1::ListWebhookDeliveriesRequest,
) -> Result<v1::ListWebhookDeliveriesResponse, RpcError> {
    let (id, after) = parse(request)?;
    let rows = call.services.webhooks.deliveries(call.tenant, &id, after, PAGE).await?;
    let catalog = call.catalog();
    let mut deliveries = Vec::with_capacity(rows.len());
    for row in rows {
        let page = call.services.queries.feed(call.tenant, &FeedFilter::default(), row.position - 1, 1).await;
        let item = match page {
            Ok(page) => page.items.first().map(|item| to_proto::feed_item(&catalog, item)),
            Err(ReadError::FeedPosition(_)) => None,
            Err(error) => return Err(error.into()),
        };
        deliveries.push(to_proto::webhook_delivery(&row, item));
    }
    Ok(v1::ListWebhookDeliveriesResponse { deliveries })
}

fn parse(request: v1::ListWebhookDeliveriesRequest) -> Result<(String, i64), Rejection> {
    let mut fields = FieldReader::default();
    let id = fields.required_name("endpoint_id", request.endpoint_id, MAX_ID_BYTES);
    let after = fields.not_negative("after_position", request.after_position);
    fields.finish(|| Some((id, after)))
}
