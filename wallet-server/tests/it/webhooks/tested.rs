//! TestWebhookEndpoint against a real receiver.

use std::process::Command;

use wallet_client::v1::{self, WebhookFailure};
use wallet_server::Config;

use super::{Receiver, endpoint, server, subscribed};
use crate::harness::{Database, Server, tool};

const VERIFY: &str = "import json, sys; from standardwebhooks.webhooks import Webhook; m = json.load(sys.stdin); \
                      Webhook(m['secret']).verify(m['body'], m['headers']); print('verified')";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_arrives_signed_and_leaves_no_trace() {
    let (server, receiver) = (server(Database::sqlite()).await, Receiver::start(&[200, 204, 503]).await);
    let (client, secret) = subscribed(&server, &receiver).await;
    receiver.wait_for(1).await;
    let disable = v1::UpdateWebhookEndpointRequest::new("crm");
    let disable = disable.with_state(v1::WebhookEndpointState::Disabled);
    client.update_webhook_endpoint(disable).await.unwrap();
    let before = endpoint(&client).await;
    let test = v1::TestWebhookEndpointRequest::new("crm");
    let tested = client.test_webhook_endpoint(test.clone()).await.unwrap();
    assert_eq!((tested.failure(), tested.status), (WebhookFailure::Unspecified, 204), "{tested:?}");
    assert!(tested.duration.is_some() && tested.failure_text.is_empty(), "{tested:?}");
    let failed = client.test_webhook_endpoint(test).await.unwrap();
    assert_eq!((failed.failure(), failed.status), (WebhookFailure::Status, 503), "{failed:?}");
    assert_eq!(endpoint(&client).await, before);
    let received = receiver.wait_for(3).await.remove(1);
    let body = received.json();
    assert_eq!((&body["type"], &body["data"]["endpointId"]), (&"webhook.test".into(), &"crm".into()));
    assert!(received.headers["webhook-id"].starts_with("test-"), "{received:?}");
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("message.json");
    let message = serde_json::json!({ "secret": secret, "body": received.body, "headers": received.headers });
    std::fs::write(&input, message.to_string()).unwrap();
    let mut python = Command::new(tool("WALLET_TEST_PYTHON"));
    let output = python.args(["-c", VERIFY]).stdin(std::fs::File::open(input).unwrap()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "verified\n", "{output:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_calls_no_address_that_is_no_longer_allowed() {
    let (server, receiver) = (server(Database::sqlite()).await, Receiver::start(&[]).await);
    subscribed(&server, &receiver).await;
    receiver.wait_for(1).await;
    let database = server.database.clone();
    server.stop().await;
    let server = Server::start_with(database, Config::default()).await;
    let test = v1::TestWebhookEndpointRequest::new("crm");
    let tested = server.client().await.test_webhook_endpoint(test).await.unwrap();
    assert_eq!((tested.failure(), tested.status), (WebhookFailure::NotAllowed, 0), "{tested:?}");
    assert_eq!(receiver.received().len(), 1);
}
