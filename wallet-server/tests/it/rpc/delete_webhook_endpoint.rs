//! DeleteWebhookEndpoint: the endpoint is gone.

use wallet_client::Code;
use wallet_client::v1::{self, ErrorReason};

use crate::shorthand::refused;

each_database! {
    async fn a_deleted_endpoint_is_gone_and_its_id_is_free(server: Server) {
        let client = server.client().await;
        let create = v1::CreateWebhookEndpointRequest::new("crm", "https://crm.example/");
        client.create_webhook_endpoint(create.clone()).await.unwrap();
        let delete = v1::DeleteWebhookEndpointRequest::new("crm");
        client.delete_webhook_endpoint(delete.clone()).await.unwrap();
        let listed = client.list_webhook_endpoints(v1::ListWebhookEndpointsRequest::new()).await.unwrap();
        assert_eq!(listed.endpoints, []);
        refused(client.delete_webhook_endpoint(delete).await, ErrorReason::WebhookEndpointNotFound, Code::NotFound);
        assert!(!client.create_webhook_endpoint(create).await.unwrap().unchanged);
    }
}
