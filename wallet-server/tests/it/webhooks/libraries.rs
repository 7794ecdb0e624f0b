//! The signatures, verified by libraries of Standard Webhooks.

use std::process::Command;

use serde_json::json;
use wallet_client::v1;

use super::{Receiver, give, server, subscribed};
use crate::harness::{Database, tool};

/// Verifies messages from standard input with both libraries, and that neither accepts another body.
const VERIFY: &str = r#"
import json, sys
from standardwebhooks.webhooks import Webhook as Standard
from svix.webhooks import Webhook as Svix

for message in json.load(sys.stdin):
    for secret in message["secrets"]:
        for library in (Standard(secret), Svix(secret)):
            library.verify(message["body"], message["headers"])
            try:
                library.verify(message["body"].replace("ann", "bob", 1), message["headers"])
            except Exception:
                continue
            sys.exit("another body is accepted")
print("verified")
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn standardwebhooks_and_svix_verify_messages_of_both_secrets_after_a_rotation() {
    let (server, receiver) = (server(Database::sqlite()).await, Receiver::start(&[]).await);
    let (client, first) = subscribed(&server, &receiver).await;
    receiver.wait_for(1).await;
    let rotate = v1::UpdateWebhookEndpointRequest::new("crm").with_secret_version(2);
    let second = client.update_webhook_endpoint(rotate.clone()).await.unwrap().secret;
    assert_eq!(client.update_webhook_endpoint(rotate).await.unwrap().secret, second, "a repeated call");
    assert_ne!(first, second);
    give(&client, "g").await;
    let received = receiver.wait_for(2).await;
    let secrets = [vec![&first], vec![&first, &second]];
    let messages: Vec<_> = received
        .iter()
        .zip(secrets)
        .map(|(message, secrets)| json!({ "headers": message.headers, "body": message.body, "secrets": secrets }))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("messages.json");
    std::fs::write(&input, json!(messages).to_string()).unwrap();
    let mut python = Command::new(tool("WALLET_TEST_PYTHON"));
    python.args(["-c", VERIFY]).stdin(std::fs::File::open(input).unwrap());
    let output = python.output().expect("python");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(text(&output.stdout), "verified\n", "{}", text(&output.stderr));
}
