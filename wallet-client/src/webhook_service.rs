//! The RPCs of `WebhookService`: endpoints that get the items of the feed by HTTP.

use std::time::Duration;

use crate::client::rpc_methods;
use crate::v1::webhook_service_client::WebhookServiceClient;
use crate::{Error, WalletClient, v1};

/// The time that a test of an endpoint may take.
const TEST_DEADLINE: Duration = Duration::from_secs(20);

rpc_methods! {
    WebhookServiceClient {
        /// Creates an endpoint of webhooks and returns it with its secret. An equal call returns the same.
        ///
        /// # Errors
        ///
        /// [`Refused`](Error::Refused) with `WEBHOOK_ENDPOINT_EXISTS`, `LIMIT_EXCEEDED` or `POSITION_OUT_OF_RANGE`; the
        /// [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let request = v1::CreateWebhookEndpointRequest::new("crm", "https://crm.example/wallet")
        ///     .with_types(["balance.low", "balance.exhausted"]);
        /// let secret = client.create_webhook_endpoint(request).await?.secret;
        /// # Ok(())
        /// # }
        /// ```
        create_webhook_endpoint(CreateWebhookEndpointRequest) -> CreateWebhookEndpointResponse;

        /// Returns the endpoints of the tenant by id, without their secrets.
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
        /// for endpoint in client.list_webhook_endpoints(v1::ListWebhookEndpointsRequest::new()).await?.endpoints {
        ///     println!("{} {} {}", endpoint.endpoint_id, endpoint.url, endpoint.state().as_str_name());
        /// }
        /// # Ok(())
        /// # }
        /// ```
        list_webhook_endpoints(ListWebhookEndpointsRequest) -> ListWebhookEndpointsResponse;

        /// Changes the URL or the types of an endpoint, enables or disables it, or gives it a new secret.
        ///
        /// # Errors
        ///
        /// [`Refused`](Error::Refused) with `WEBHOOK_ENDPOINT_NOT_FOUND`; the
        /// [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// // Messages are signed with both secrets for 24 hours.
        /// let rotate = v1::UpdateWebhookEndpointRequest::new("crm").with_secret_version(2);
        /// let secret = client.update_webhook_endpoint(rotate).await?.secret;
        /// # Ok(())
        /// # }
        /// ```
        update_webhook_endpoint(UpdateWebhookEndpointRequest) -> UpdateWebhookEndpointResponse;

        /// Deletes an endpoint and its failed deliveries.
        ///
        /// # Errors
        ///
        /// [`Refused`](Error::Refused) with `WEBHOOK_ENDPOINT_NOT_FOUND`, also if a repeated call has deleted it; the
        /// [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// client.delete_webhook_endpoint(v1::DeleteWebhookEndpointRequest::new("crm")).await?;
        /// # Ok(())
        /// # }
        /// ```
        delete_webhook_endpoint(DeleteWebhookEndpointRequest) -> DeleteWebhookEndpointResponse;

        /// Returns the deliveries to an endpoint that failed and have not succeeded since, by position, at most 50.
        ///
        /// # Errors
        ///
        /// [`Refused`](Error::Refused) with `WEBHOOK_ENDPOINT_NOT_FOUND`; the
        /// [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// for failed in client.list_webhook_deliveries(v1::ListWebhookDeliveriesRequest::new("crm")).await?.deliveries {
        ///     println!("{} {} {}", failed.position, failed.attempts, failed.failure);
        /// }
        /// # Ok(())
        /// # }
        /// ```
        list_webhook_deliveries(ListWebhookDeliveriesRequest) -> ListWebhookDeliveriesResponse;

        /// Makes failed deliveries to an endpoint due at once, also those for which no attempt is left.
        ///
        /// # Errors
        ///
        /// [`Refused`](Error::Refused) with `WEBHOOK_ENDPOINT_NOT_FOUND`; the
        /// [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let due = client.retry_webhook_deliveries(v1::RetryWebhookDeliveriesRequest::new("crm")).await?.deliveries;
        /// println!("{due} deliveries are attempted again");
        /// # Ok(())
        /// # }
        /// ```
        retry_webhook_deliveries(RetryWebhookDeliveriesRequest) -> RetryWebhookDeliveriesResponse;
    }
}

impl WalletClient {
    /// Sends a signed message of the type `webhook.test` to an endpoint, and returns its status, the time taken, or the kind
    /// of the failure. The call is attempted once and may take 20 seconds, regardless of the client's deadline.
    ///
    /// # Errors
    ///
    /// [`Refused`](Error::Refused) with `WEBHOOK_ENDPOINT_NOT_FOUND`; the [errors of every call](Error#errors-of-every-call).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::{Error, WalletClient, v1};
    /// # async fn example(client: &WalletClient) -> Result<(), Error> {
    /// let tested = client.test_webhook_endpoint(v1::TestWebhookEndpointRequest::new("crm")).await?;
    /// println!("{} {}", tested.status, tested.failure_text);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn test_webhook_endpoint(
        &self,
        request: v1::TestWebhookEndpointRequest,
    ) -> Result<v1::TestWebhookEndpointResponse, Error> {
        let stub =
            WebhookServiceClient::new(self.servers()).max_decoding_message_size(self.max_response_bytes());
        let test =
            |mut stub: WebhookServiceClient<_>, call| async move { stub.test_webhook_endpoint(call).await };
        self.without_retries().with_deadline(TEST_DEADLINE).call(stub, request, test).await
    }
}
