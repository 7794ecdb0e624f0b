//! `wallet.v1.EventService`. Each RPC has a file of its own; this one delegates to them.

mod list_events;

use std::sync::Arc;

use tonic::{Request, Response, Status};
use wallet_proto::v1;
use wallet_proto::v1::event_service_server::EventService;

use super::Services;
use super::call::answer;

/// The service for notifications.
pub(super) struct EventRpcs(pub(super) Arc<Services>);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl EventService for EventRpcs {
    async fn list_events(&self, request: Request<v1::ListEventsRequest>) -> Answer<v1::ListEventsResponse> {
        answer(&self.0, request, list_events::list_events).await
    }
}
