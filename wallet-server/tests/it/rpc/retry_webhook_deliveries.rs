//! RetryWebhookDeliveries: refusals. `webhooks::delivery` has its effect.

use wallet_client::Code;
use wallet_client::v1::{self, ErrorReason};

use crate::shorthand::{refused, violations};

each_database! {
    async fn nothing_is_retried_without_failures_and_an_unknown_endpoint_is_refused(server: Server) {
        let client = server.client().await;
        let retry = v1::RetryWebhookDeliveriesRequest::new("crm");
        let unknown = client.retry_webhook_deliveries(retry.clone()).await;
        refused(unknown, ErrorReason::WebhookEndpointNotFound, Code::NotFound);
        let create = v1::CreateWebhookEndpointRequest::new("crm", "https://crm.example/");
        client.create_webhook_endpoint(create).await.unwrap();
        assert_eq!(client.retry_webhook_deliveries(retry).await.unwrap().deliveries, 0);
        let bad = v1::RetryWebhookDeliveriesRequest::new("").with_positions(-1, -1);
        assert_eq!(violations(client.retry_webhook_deliveries(bad).await).len(), 3);
    }
}
