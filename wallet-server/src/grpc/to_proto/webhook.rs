//! Renders endpoints of webhooks and their deliveries.

use wallet_core::Timestamp;
use wallet_proto::v1;

use super::time::instant;
use crate::store::DeliveryRow;
use crate::webhooks::{EndpointInfo, EndpointState};

pub(crate) fn webhook_endpoint(endpoint: &EndpointInfo) -> v1::WebhookEndpoint {
    v1::WebhookEndpoint {
        endpoint_id: endpoint.id.clone(),
        url: endpoint.url.clone(),
        types: endpoint.types.iter().map(|item_type| item_type.name().to_owned()).collect(),
        state: state(endpoint.state).into(),
        secret_version: endpoint.secret_version,
        last_position: endpoint.last_position,
        failing_since: instant(endpoint.failing_since),
        create_time: instant(endpoint.create_time),
    }
}

pub(crate) fn webhook_delivery(row: &DeliveryRow, item: Option<v1::FeedItem>) -> v1::WebhookDelivery {
    v1::WebhookDelivery {
        position: row.position,
        attempts: row.attempts,
        attempt_time: instant(Timestamp::from_micros(row.attempt_time)),
        next_time: instant(Timestamp::from_micros(row.next_time)),
        failure: row.failure.clone(),
        item,
    }
}

const fn state(state: EndpointState) -> v1::WebhookEndpointState {
    match state {
        EndpointState::Enabled => v1::WebhookEndpointState::Enabled,
        EndpointState::Disabled => v1::WebhookEndpointState::Disabled,
        EndpointState::Gone => v1::WebhookEndpointState::Gone,
        EndpointState::Failing => v1::WebhookEndpointState::Failing,
    }
}
