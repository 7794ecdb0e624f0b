//! `WatchFeed`: streams the items of the tenant's feed.

use wallet_core::Rejection;
use wallet_proto::v1;

use crate::feed::{FeedListener, Wakeup};
use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;
use crate::grpc::watch::{self, Messages, SIGN_OF_LIFE, Watched};
use crate::query::FeedFilter;

/// The most items of a message.
const PAGE: usize = 100;

pub(super) type FeedStream = Messages<v1::WatchFeedResponse>;

pub(super) async fn watch_feed(call: Call, request: v1::WatchFeedRequest) -> Result<FeedStream, RpcError> {
    let (after, filter) = parse(request)?;
    let listener = call.services.feed_notifier.listen(call.tenant).map_err(RpcError::too_many_watchers)?;
    let mut feed = Feed { filter, listener, looked_at: after, last: after };
    // An error of the first page is the status of the call.
    let first = feed.page(&call).await?;
    Ok(watch::stream(call, first, feed))
}

fn parse(request: v1::WatchFeedRequest) -> Result<(i64, FeedFilter), Rejection> {
    let mut fields = FieldReader::default();
    let after = fields.not_negative("after_position", request.after_position);
    let filter = fields.feed_filter(&request.types, &request.wallet_ids);
    fields.finish(|| Some((after, filter)))
}

/// The feed, up to a position.
struct Feed {
    filter: FeedFilter,
    listener: FeedListener,
    /// The last position that was looked at.
    looked_at: i64,
    /// The last position of the feed at that time.
    last: i64,
}

impl Feed {
    async fn page(&mut self, call: &Call) -> Result<v1::WatchFeedResponse, RpcError> {
        let page = call.services.queries.feed(call.tenant, &self.filter, self.looked_at, PAGE).await?;
        let (items, looked_at) = to_proto::feed_page(&call.catalog(), &page);
        (self.looked_at, self.last) = (looked_at, page.ends.last);
        Ok(v1::WatchFeedResponse { items, next_after_position: looked_at })
    }
}

impl Watched for Feed {
    type Message = v1::WatchFeedResponse;

    async fn wait(&mut self) -> Wakeup {
        if self.looked_at < self.last {
            return Wakeup::Changed;
        }
        self.listener.after(self.looked_at, SIGN_OF_LIFE).await
    }

    async fn read(&mut self, call: &Call, wakeup: Wakeup) -> Result<v1::WatchFeedResponse, RpcError> {
        match wakeup {
            Wakeup::Changed => self.page(call).await,
            Wakeup::TimedOut | Wakeup::Stopping => {
                Ok(v1::WatchFeedResponse { items: Vec::new(), next_after_position: self.looked_at })
            }
        }
    }
}
