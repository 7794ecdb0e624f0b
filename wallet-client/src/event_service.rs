//! The RPCs of `EventService`: the notifications of a wallet, and the feed. [`crate::feed_watch`] and
//! [`crate::wallet_watch`] have the streams.

use crate::client::rpc_methods;
use crate::v1::event_service_client::EventServiceClient;
use crate::{Error, WalletClient, v1};

rpc_methods! {
    EventServiceClient {
        /// Returns a page of a wallet's notifications, by revision.
        /// [`list_events_stream`](Self::list_events_stream) reads all pages.
        ///
        /// # Errors
        ///
        /// The [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// // Store the last revision that was seen, and continue after it next time.
        /// let request = v1::ListEventsRequest::new("alice").with_after_revision(41);
        /// for event in client.list_events(request).await?.events {
        ///     println!("{} {}", event.revision, event.kind().as_str_name());
        /// }
        /// # Ok(())
        /// # }
        /// ```
        list_events(ListEventsRequest) -> ListEventsResponse;

        /// Returns the items of the tenant's feed after a position.
        ///
        /// # Errors
        ///
        /// [`PositionOutOfRange`](crate::RefusalDetail::PositionOutOfRange) if the feed cannot continue after the position;
        /// the [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// // Store the position in the same transaction as the effects of the items: each is then processed exactly once.
        /// let mut position = 0;
        /// loop {
        ///     let page = client.list_feed(v1::ListFeedRequest::new(position).with_page_size(500)).await?;
        ///     for item in &page.items {
        ///         println!("{} {} {}", item.position, item.r#type, item.wallet_id);
        ///     }
        ///     position = page.next_after_position;
        ///     if position == page.last_position {
        ///         break;
        ///     }
        /// }
        /// # Ok(())
        /// # }
        /// ```
        list_feed(ListFeedRequest) -> ListFeedResponse;
    }
}
