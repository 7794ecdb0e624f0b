//! Renders endpoints of webhooks and their deliveries.

use wallet_core::Timestamp;
use wallet_proto::v1;

use super::time::{duration, instant};
use crate::store::DeliveryRow;
use crate::webhooks::{EndpointInfo, EndpointState, FailureKind, TestResult};

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
        ordered: endpoint.is_ordered,
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

pub(crate) fn webhook_test(tested: TestResult) -> v1::TestWebhookEndpointResponse {
    let (kind, text, status) = match tested.outcome {
        Ok(status) => (v1::WebhookFailure::Unspecified, String::new(), Some(status)),
        Err(failure) => (kind(failure.kind), failure.text, failure.status),
    };
    v1::TestWebhookEndpointResponse {
        failure: kind.into(),
        failure_text: text,
        status: status.unwrap_or_default().into(),
        duration: Some(duration(tested.duration)),
    }
}

const fn kind(kind: FailureKind) -> v1::WebhookFailure {
    match kind {
        FailureKind::NotAllowed => v1::WebhookFailure::NotAllowed,
        FailureKind::NoConnection => v1::WebhookFailure::NoConnection,
        FailureKind::NoAnswer => v1::WebhookFailure::NoAnswer,
        FailureKind::Status => v1::WebhookFailure::Status,
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
