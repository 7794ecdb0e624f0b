//! CreateWebhookEndpoint: the endpoint and its secret, replays and refusals.

use wallet_client::Code;
use wallet_client::v1::{self, ErrorReason, WebhookEndpointState};

use crate::shorthand::{refused, violations};

fn new(id: &str) -> v1::CreateWebhookEndpointRequest {
    v1::CreateWebhookEndpointRequest::new(id, "https://crm.example/wallet")
}

each_database! {
    async fn an_endpoint_is_created_once_and_an_equal_call_returns_the_same_secret(server: Server) {
        let client = server.client().await;
        let request = new("crm").with_types(["balance.low", "job.settled"]);
        let created = client.create_webhook_endpoint(request.clone()).await.unwrap();
        let endpoint = created.endpoint.unwrap();
        assert_eq!((endpoint.endpoint_id.as_str(), endpoint.url.as_str()), ("crm", "https://crm.example/wallet"));
        assert_eq!((endpoint.state(), endpoint.secret_version), (WebhookEndpointState::Enabled, 1));
        assert_eq!(endpoint.types, ["balance.low", "job.settled"]);
        assert!(created.secret.starts_with("whsec_") && !created.unchanged);
        let again = client.create_webhook_endpoint(request).await.unwrap();
        assert_eq!((again.secret, again.unchanged), (created.secret.clone(), true));
        let other = client.create_webhook_endpoint(new("erp")).await.unwrap();
        assert_ne!(other.secret, created.secret);
        refused(client.create_webhook_endpoint(new("crm")).await, ErrorReason::WebhookEndpointExists, Code::AlreadyExists);
        assert!(server.verify().await.is_clean());
    }

    async fn addresses_inside_the_network_of_the_server_are_refused(server: Server) {
        let client = server.client().await;
        for url in [
            "http://crm.example/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://169.254.169.254/latest",
            "https://10.0.0.1/",
            "https://user:secret@crm.example/",
            "crm.example",
            "",
        ] {
            let lines = violations(client.create_webhook_endpoint(v1::CreateWebhookEndpointRequest::new("crm", url)).await);
            assert!(lines.len() == 1 && lines[0].starts_with("url: ") && !lines[0].contains("secret@"), "{url}: {lines:?}");
        }
        let bad = v1::CreateWebhookEndpointRequest::new("", "https://crm.example/").with_types(["job.begun"]);
        let lines = violations(client.create_webhook_endpoint(bad.with_after_position(-1)).await);
        assert_eq!(lines.len(), 3, "{lines:?}");
    }

    async fn a_tenant_has_at_most_sixteen_endpoints(server: Server) {
        let client = server.client().await;
        for n in 0..16 {
            client.create_webhook_endpoint(new(&format!("e{n}"))).await.unwrap();
        }
        let refusal = refused(client.create_webhook_endpoint(new("e16")).await, ErrorReason::LimitExceeded, Code::FailedPrecondition);
        assert_eq!(refusal.metadata["maximum"], "16");
        let ahead = client.create_webhook_endpoint(new("late").with_after_position(5)).await;
        refused(ahead, ErrorReason::PositionOutOfRange, Code::OutOfRange);
    }
}
