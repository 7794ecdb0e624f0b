//! The RPC of `EventService`: the notifications of a wallet.

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
    }
}
