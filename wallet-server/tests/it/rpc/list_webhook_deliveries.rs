//! ListWebhookDeliveries: refusals. `webhooks::delivery` has its answers.

use wallet_client::Code;
use wallet_client::v1::{self, ErrorReason};

use crate::shorthand::{refused, violations};

each_database! {
    async fn an_endpoint_without_failures_has_no_deliveries_and_an_unknown_one_is_refused(server: Server) {
        let client = server.client().await;
        let list = v1::ListWebhookDeliveriesRequest::new("crm");
        let unknown = client.list_webhook_deliveries(list.clone()).await;
        refused(unknown, ErrorReason::WebhookEndpointNotFound, Code::NotFound);
        let create = v1::CreateWebhookEndpointRequest::new("crm", "https://crm.example/");
        client.create_webhook_endpoint(create).await.unwrap();
        assert_eq!(client.list_webhook_deliveries(list).await.unwrap().deliveries, []);
        let bad = v1::ListWebhookDeliveriesRequest::new("").with_after_position(-1);
        assert_eq!(violations(client.list_webhook_deliveries(bad).await).len(), 2);
    }
}
