//! What people are told: one method per RPC of `EventService`.

use tonic::transport::Channel;

use crate::v1::event_service_client::EventServiceClient;
use crate::{Error, WalletClient, v1};

impl WalletClient {
    fn event(&self) -> EventServiceClient<Channel> {
        EventServiceClient::new(self.channel.clone())
    }

    /// A page of what people were told of a wallet, by revision.
    pub async fn list_events(&self, request: v1::ListEventsRequest) -> Result<v1::ListEventsResponse, Error> {
        self.call(self.event(), request, |mut stub, call| async move { stub.list_events(call).await }).await
    }
}
