//! TestWebhookEndpoint: failures and refusals. `webhooks::tested` has a message that arrives.

use wallet_client::Code;
use wallet_client::v1::{self, ErrorReason, WebhookFailure};

use crate::shorthand::{refused, violations};

each_database! {
    async fn a_name_without_a_public_address_is_not_called_and_an_unknown_endpoint_is_refused(server: Server) {
        let client = server.client().await;
        let test = v1::TestWebhookEndpointRequest::new("crm");
        let unknown = client.test_webhook_endpoint(test.clone()).await;
        refused(unknown, ErrorReason::WebhookEndpointNotFound, Code::NotFound);
        // No resolver knows a name under .invalid.
        let create = v1::CreateWebhookEndpointRequest::new("crm", "https://crm.invalid/");
        client.create_webhook_endpoint(create).await.unwrap();
        let tested = client.test_webhook_endpoint(test).await.unwrap();
        assert_eq!((tested.failure(), tested.status), (WebhookFailure::NoConnection, 0), "{tested:?}");
        assert!(tested.failure_text.starts_with("no connection: "), "{tested:?}");
        let bad = v1::TestWebhookEndpointRequest::new("");
        assert_eq!(violations(client.test_webhook_endpoint(bad).await).len(), 1);
    }
}
