//! UpdateWebhookEndpoint: changes of an endpoint, and the audit of them.

use wallet_client::Code;
use wallet_client::v1::{self, ErrorReason, WebhookEndpointState};

use crate::shorthand::{refused, violations};

fn change() -> v1::UpdateWebhookEndpointRequest {
    v1::UpdateWebhookEndpointRequest::new("crm")
}

each_database! {
    async fn url_types_state_and_secret_change_alone_and_the_audit_has_each_change(server: Server) {
        let client = server.client().await;
        let create = v1::CreateWebhookEndpointRequest::new("crm", "https://crm.example/").with_types(["job.settled"]);
        let first = client.create_webhook_endpoint(create).await.unwrap().secret;
        let update = async |request| client.update_webhook_endpoint(request).await.unwrap();
        let moved = update(change().with_url("https://new.example/")).await;
        assert_eq!((moved.endpoint.unwrap().url.as_str(), moved.secret.as_str()), ("https://new.example/", ""));
        assert_eq!(update(change().with_all_types()).await.endpoint.unwrap().types, [""; 0]);
        let disabled = update(change().with_state(WebhookEndpointState::Disabled)).await.endpoint.unwrap();
        assert_eq!(disabled.state(), WebhookEndpointState::Disabled);
        let rotated = update(change().with_secret_version(2)).await;
        assert!(rotated.secret.starts_with("whsec_") && rotated.secret != first);
        update(change().with_secret_version(2)).await;
        let audit = client.list_audit_events(v1::ListAuditEventsRequest::new()).await.unwrap().events;
        let changes = audit.iter().filter(|event| event.action == "webhook.update" && event.subject == "crm");
        assert_eq!(changes.count(), 4, "an update that changes nothing is not among them");
        assert!(server.verify().await.is_clean());
    }

    async fn bad_changes_and_unknown_endpoints_are_refused(server: Server) {
        let client = server.client().await;
        let unknown = client.update_webhook_endpoint(change()).await;
        refused(unknown, ErrorReason::WebhookEndpointNotFound, Code::NotFound);
        let create = v1::CreateWebhookEndpointRequest::new("crm", "https://crm.example/");
        client.create_webhook_endpoint(create).await.unwrap();
        let bad = change()
            .with_url("ftp://x")
            .with_types(["job.settled"])
            .with_all_types()
            .with_state(WebhookEndpointState::Gone)
            .with_secret_version(-1);
        assert_eq!(violations(client.update_webhook_endpoint(bad).await).len(), 4);
        let lines = violations(client.update_webhook_endpoint(change().with_secret_version(3)).await);
        assert_eq!(lines, ["secret_version: the secret has version 1; secret_version must be that or 2"]);
    }
}
