//! `WatchFeed`: streams the items of the tenant's feed.
//!
//! The stream is a loop of page reads in a task of its own. One page waits for the caller at a time, so a slow caller
//! costs no memory.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use wallet_core::Rejection;
use wallet_proto::v1;

use crate::feed::{News, Subscription};
use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;
use crate::query::{FeedFilter, FeedPage};

/// The most items of a message.
const PAGE: usize = 100;
/// The longest time without a message, and without a look at the caller's key.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

pub(super) type FeedStream = ReceiverStream<Result<v1::WatchFeedResponse, Status>>;

pub(super) async fn watch_feed(call: Call, request: v1::WatchFeedRequest) -> Result<FeedStream, RpcError> {
    let (after, filter) = parse(request)?;
    let news = call.services.feed_news.subscribe(call.tenant);
    let watch = Watch { call, filter, news };
    // An error of the first page is the status of the call.
    let first = watch.page(after).await?;
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(watch.run(first, sender));
    Ok(ReceiverStream::new(receiver))
}

fn parse(request: v1::WatchFeedRequest) -> Result<(i64, FeedFilter), Rejection> {
    let mut fields = FieldReader::default();
    let after = fields.not_negative("after_position", request.after_position);
    let filter = fields.feed_filter(&request.types, &request.wallet_ids);
    fields.finish(|| Some((after, filter)))
}

/// A caller that watches the feed.
struct Watch {
    call: Call,
    filter: FeedFilter,
    news: Subscription,
}

impl Watch {
    async fn page(&self, after: i64) -> Result<FeedPage, RpcError> {
        let page = self.call.services.queries.feed(self.call.tenant, &self.filter, after, PAGE).await?;
        Ok(page)
    }

    /// Sends pages until the caller has gone, its key is no longer valid, a page cannot be read, or the server stops.
    async fn run(mut self, first: FeedPage, sender: mpsc::Sender<Result<v1::WatchFeedResponse, Status>>) {
        let (mut items, mut looked_at) = to_proto::feed_page(&self.call.catalog(), &first);
        let mut last = first.ends.last;
        loop {
            let message = v1::WatchFeedResponse { items, next_after_position: looked_at };
            if sender.send(Ok(message)).await.is_err() {
                return;
            }
            let news = self.wait(looked_at, last, &sender).await;
            let next = match (self.call.check_credential().await, news) {
                (_, News::Stopping) => return,
                (Err(refused), _) => Err(refused),
                (Ok(()), News::Quiet) => Ok(None),
                (Ok(()), News::Items) => self.page(looked_at).await.map(Some),
            };
            match next {
                Ok(Some(page)) => {
                    (items, looked_at) = to_proto::feed_page(&self.call.catalog(), &page);
                    last = page.ends.last;
                }
                Ok(None) => items = Vec::new(),
                Err(error) => {
                    // Nothing is lost if the caller has gone.
                    sender.send(Err(error.into())).await.ok();
                    return;
                }
            }
        }
    }

    /// Waits for items after a position, unless the feed is known to have some.
    async fn wait<T>(&mut self, looked_at: i64, last: i64, sender: &mpsc::Sender<T>) -> News {
        if looked_at < last {
            return News::Items;
        }
        tokio::select! {
            () = sender.closed() => News::Stopping,
            news = self.news.after(looked_at, SIGN_OF_LIFE) => news,
        }
    }
}
