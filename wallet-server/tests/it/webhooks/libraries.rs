//! The signatures, verified by libraries of Standard Webhooks.

use std::process::Command;

use serde_json::json;
use wallet_client::v1;
use wallet_server::BUNDLED_CATALOG;

use super::{Receiver, give, server, subscribed};
use crate::harness::{Database, credits, tool};
use crate::shorthand::{cancel, explicit, gift, publish, settle};

/// Verifies messages from standard input with both libraries, and that neither accepts one in which a byte of the body,
/// of the id, of the time or of every signature is changed.
const VERIFY: &str = r#"
import json, sys
from standardwebhooks.webhooks import Webhook as Standard
from svix.webhooks import Webhook as Svix

def flipped(text, n):
    return text[:n] + chr(ord(text[n]) ^ 1) + text[n + 1:]

messages = json.load(sys.stdin)
for message in messages:
    for secret in message["secrets"]:
        for library in (Standard(secret), Svix(secret)):
            body, headers = message["body"], message["headers"]
            library.verify(body, headers)
            changed = [(flipped(body, n), headers) for n in range(len(body))]
            for name in ["webhook-id", "webhook-timestamp"]:
                changed += [(body, {**headers, name: flipped(headers[name], n)}) for n in range(len(headers[name]))]
            signatures = headers["webhook-signature"].split(" ")
            for n in range(3, 45):
                other = " ".join(flipped(signature, n) for signature in signatures)
                changed.append((body, {**headers, "webhook-signature": other}))
            for body, headers in changed:
                try:
                    library.verify(body, headers)
                except Exception:
                    continue
                sys.exit(f"{library} accepts {headers} {body}")
print("verified", len(messages))
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
    client.grant(gift("ann", "h", credits(100))).await.unwrap();
    for job in ["a", "b"] {
        client.reserve(explicit("ann", job, vec![credits(1)])).await.unwrap();
    }
    client.settle(settle("ann", "a", v1::Succeeded::as_reserved())).await.unwrap();
    client.cancel(cancel("ann", "b", v1::CancelReason::User)).await.unwrap();
    publish(&client, &format!("{BUNDLED_CATALOG}# newer")).await;
    client.test_webhook_endpoint(v1::TestWebhookEndpointRequest::new("crm")).await.unwrap();
    // The wallet, two grants, the ends of two jobs, the catalog, and the test.
    let received = receiver.wait_for(7).await;
    let messages: Vec<_> = (received.iter().enumerate())
        .map(|(n, message)| {
            let secrets = if n == 0 { vec![&first] } else { vec![&first, &second] };
            json!({ "headers": message.headers, "body": message.body, "secrets": secrets })
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("messages.json");
    std::fs::write(&input, json!(messages).to_string()).unwrap();
    let mut python = Command::new(tool("WALLET_TEST_PYTHON"));
    python.args(["-c", VERIFY]).stdin(std::fs::File::open(input).unwrap());
    let output = python.output().expect("python");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(text(&output.stdout), "verified 7\n", "{}", text(&output.stderr));
}
