//! Sends a test message to an endpoint.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;
use wallet_core::TenantId;

use super::endpoints::{WebhookError, Webhooks};
use super::{Failure, Message, WebhookUrl};

/// The type of the message, which no item of the feed has.
const TYPE: &str = "webhook.test";

/// The result of the message.
#[derive(Debug)]
pub(crate) struct TestResult {
    /// The status of an answer of success, or the failure.
    pub(crate) outcome: Result<u16, Failure>,
    /// The time from the first step of the connection to the end of the answer.
    pub(crate) duration: Duration,
}

impl Webhooks {
    /// Sends a signed message to an endpoint in any state, once. Nothing is recorded.
    pub(crate) async fn test(&self, tenant: TenantId, id: &str) -> Result<TestResult, WebhookError> {
        let row = self.found(tenant, id).await?;
        let now = self.clock.now();
        let data = json!({ "endpointId": row.endpoint_id });
        let body = json!({ "type": TYPE, "timestamp": now.to_string(), "data": data }).to_string();
        let (message_id, timestamp) =
            (format!("test-{}", Uuid::new_v4().simple()), now.as_micros() / 1_000_000);
        let secrets = self.secrets(&row, now);
        let signatures: Vec<String> =
            secrets.iter().map(|secret| secret.sign(&message_id, timestamp, body.as_bytes())).collect();
        let signatures = signatures.join(" ");
        let message = Message { id: &message_id, timestamp, body: body.as_bytes(), signatures: &signatures };
        let started = Instant::now();
        let outcome = match WebhookUrl::parse(&row.url, &self.allowed) {
            Ok(url) => self.sender.post(&url, &message).await,
            Err(fault) => Err(Failure::not_allowed(&fault)),
        };
        Ok(TestResult { outcome, duration: started.elapsed() })
    }
}
