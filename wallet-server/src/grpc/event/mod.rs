//! `wallet.v1.EventService`. Each RPC has a file of its own; this one delegates to them.

mod list_events;
mod list_feed;
mod watch_feed;
mod watch_wallet;

use std::sync::Arc;

use tonic::{Request, Response, Status};
use wallet_proto::v1;
use wallet_proto::v1::event_service_server::EventService;

use super::Services;
use super::call::{answer, answer_with_stream};
use watch_feed::FeedStream;
use watch_wallet::WalletStream;

/// The service for notifications, the feed and changing balances.
pub(super) struct EventRpcs(pub(super) Arc<Services>);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl EventService for EventRpcs {
    async fn list_events(&self, request: Request<v1::ListEventsRequest>) -> Answer<v1::ListEventsResponse> {
        answer(&self.0, request, list_events::list_events).await
    }

    async fn list_feed(&self, request: Request<v1::ListFeedRequest>) -> Answer<v1::ListFeedResponse> {
        answer(&self.0, request, list_feed::list_feed).await
    }

    type WatchFeedStream = FeedStream;

    async fn watch_feed(&self, request: Request<v1::WatchFeedRequest>) -> Answer<FeedStream> {
        answer_with_stream(&self.0, request, watch_feed::watch_feed).await
    }

    type WatchWalletStream = WalletStream;

    async fn watch_wallet(&self, request: Request<v1::WatchWalletRequest>) -> Answer<WalletStream> {
        answer_with_stream(&self.0, request, watch_wallet::watch_wallet).await
    }
}
