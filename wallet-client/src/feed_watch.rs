//! The items of the feed as they are recorded, over connections that may break.

use std::fmt;

use tonic::Request;

use crate::resumed_stream::{OpenStream, ResumedStream};
use crate::v1::event_service_client::EventServiceClient;
use crate::{Error, WalletClient, v1};

/// The items of a tenant's feed, those that exist and then new ones, without end.
///
/// A lost stream is opened again after the last position, with the delays of the client's [retry
/// policy](crate::RetryPolicy), so no item is missed and none comes twice. [`WalletClient::watch_feed`] makes it;
/// nothing is requested before the first [`next`](Self::next).
#[must_use = "a watch requests nothing until it is asked for the next item"]
pub struct FeedWatch {
    client: WalletClient,
    request: v1::WatchFeedRequest,
    stream: ResumedStream<v1::WatchFeedResponse>,
    items: std::vec::IntoIter<v1::FeedItem>,
    /// The last position that the server has examined, which counts once all `items` are taken.
    looked_at: i64,
}

impl WalletClient {
    /// Watches the tenant's feed after a position.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::{Error, WalletClient, v1};
    /// # async fn example(client: &WalletClient, stored_position: i64) -> Result<(), Error> {
    /// let request = v1::WatchFeedRequest::new(stored_position).with_types(["balance.low", "balance.exhausted"]);
    /// let mut watch = client.watch_feed(request);
    /// loop {
    ///     let item = watch.next().await?;
    ///     println!("{} {}", item.r#type, item.wallet_id);
    ///     // Store item.position with the effect of the item, to continue from there after a restart.
    /// }
    /// # }
    /// ```
    pub fn watch_feed(&self, request: v1::WatchFeedRequest) -> FeedWatch {
        let looked_at = request.after_position;
        let (client, stream, items) = (self.clone(), ResumedStream::new(), Vec::new().into_iter());
        FeedWatch { client, request, stream, items, looked_at }
    }
}

impl FeedWatch {
    /// Returns the next item, as soon as there is one.
    ///
    /// Cancel safe: a dropped future loses no item.
    ///
    /// # Errors
    ///
    /// [`PositionOutOfRange`](crate::RefusalDetail::PositionOutOfRange) if the feed cannot continue after the position,
    /// `TOO_MANY_WATCHERS` if the tenant has as many streams as the server allows, an error of the API key, or the last
    /// error if no attempt of the retry policy could open a stream. The next call tries again.
    pub async fn next(&mut self) -> Result<v1::FeedItem, Error> {
        loop {
            if let Some(item) = self.items.next() {
                self.request.after_position = item.position;
                return Ok(item);
            }
            self.request.after_position = self.request.after_position.max(self.looked_at);
            let open = open(&self.client, &self.request);
            if let Some(message) = self.stream.next(open).await? {
                self.looked_at = message.next_after_position;
                self.items = message.items.into_iter();
            }
        }
    }

    /// Returns the position after which the watch continues: that of the last item that was returned, or a later one if
    /// the items between are of other types or wallets.
    pub const fn position(&self) -> i64 {
        self.request.after_position
    }
}

/// Opens a stream. The request has no deadline, because the stream has no end.
async fn open(
    client: &WalletClient,
    request: &v1::WatchFeedRequest,
) -> Result<OpenStream<v1::WatchFeedResponse>, Error> {
    let stub =
        EventServiceClient::new(client.servers()).max_decoding_message_size(client.max_response_bytes());
    client
        .open_stream(stub, request.clone(), |mut stub, call: Request<_>| async move {
            stub.watch_feed(call).await
        })
        .await
}

impl fmt::Debug for FeedWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedWatch").field("request", &self.request).finish_non_exhaustive()
    }
}
