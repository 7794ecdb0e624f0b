//! ListWebhookEndpoints: the endpoints by id.

use wallet_client::v1;

each_database! {
    async fn endpoints_are_listed_by_id(server: Server) {
        let client = server.client().await;
        for id in ["b", "a"] {
            let create = v1::CreateWebhookEndpointRequest::new(id, "https://crm.example/");
            client.create_webhook_endpoint(create).await.unwrap();
        }
        let listed = client.list_webhook_endpoints(v1::ListWebhookEndpointsRequest::new()).await.unwrap();
        let ids: Vec<&str> = listed.endpoints.iter().map(|endpoint| endpoint.endpoint_id.as_str()).collect();
        assert_eq!(ids, ["a", "b"]);
    }
}
