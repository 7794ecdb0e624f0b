//! Webhooks: messages, signatures, failures and retries, with a real receiver.

mod at_once;
mod delivery;
mod libraries;
mod ordered;
mod receiver;
mod schedule;
mod tested;

use receiver::Receiver;
use wallet_client::{WalletClient, v1};
use wallet_server::Config;

use crate::harness::{Database, Server, credits, eventually};
use crate::monitoring::metrics;
use crate::shorthand::gift;

/// A server that may post to receivers on loopback.
async fn server(database: Database) -> Server {
    let config = Config { webhooks_allow: vec!["127.0.0.0/8".parse().unwrap()], ..Config::default() };
    Server::start_with(database, config).await
}

/// A client and a wallet whose items an endpoint gets from the beginning of the feed. Returns the secret as well.
async fn subscribed(server: &Server, receiver: &Receiver) -> (WalletClient, String) {
    let client = server.wallet("ann", 0).await;
    let create = v1::CreateWebhookEndpointRequest::new("crm", &receiver.url).with_after_position(0);
    let created = client.create_webhook_endpoint(create).await.unwrap();
    (client, created.secret)
}

async fn give(client: &WalletClient, id: &str) {
    client.grant(gift("ann", id, credits(1))).await.unwrap();
}

async fn endpoint(client: &WalletClient) -> v1::WebhookEndpoint {
    let listed = client.list_webhook_endpoints(v1::ListWebhookEndpointsRequest::new()).await.unwrap();
    listed.endpoints.into_iter().next().unwrap()
}

async fn deliveries(client: &WalletClient) -> Vec<v1::WebhookDelivery> {
    client.list_webhook_deliveries(v1::ListWebhookDeliveriesRequest::new("crm")).await.unwrap().deliveries
}

/// Waits until a condition of the endpoint and its failed deliveries holds.
async fn until(client: &WalletClient, holds: impl Fn(&v1::WebhookEndpoint, &[v1::WebhookDelivery]) -> bool) {
    eventually("the endpoint meets the condition", async || {
        let (endpoint, deliveries) = (endpoint(client).await, deliveries(client).await);
        if holds(&endpoint, &deliveries) { Ok(()) } else { Err((endpoint, deliveries)) }
    })
    .await;
}

/// Waits until the server has counted this many disabled endpoints. The count follows the write.
async fn until_disabled(server: &Server, endpoints: u64) {
    let counted = format!("\nwallet_webhook_endpoints_disabled_total {endpoints}\n");
    eventually("the disabled endpoints are counted", async || {
        let seen = metrics(server);
        if seen.contains(&counted) { Ok(()) } else { Err(seen) }
    })
    .await;
}
