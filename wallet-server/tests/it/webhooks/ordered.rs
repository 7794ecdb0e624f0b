//! Ordered endpoints: a message that fails holds up all later ones.

use std::time::Duration;

use wallet_client::WalletClient;
use wallet_client::v1::{self, WebhookEndpointState};
use wallet_server::{Config, TimeSource};

use super::receiver::Received;
use super::{Receiver, deliveries, endpoint, give, until};
use crate::harness::{Database, Server};

/// A server with a manual clock, a wallet, and an ordered endpoint that begins with the first item.
async fn ordered(receiver: &Receiver) -> (Server, WalletClient) {
    let webhooks_allow = vec!["127.0.0.0/8".parse().unwrap()];
    let config = Config { webhooks_allow, time: TimeSource::Manual, ..Config::default() };
    let server = Server::start_with(Database::sqlite(), config).await;
    let client = server.wallet("ann", 0).await;
    let create =
        v1::CreateWebhookEndpointRequest::new("crm", &receiver.url).with_after_position(0).with_ordered(true);
    assert!(client.create_webhook_endpoint(create).await.unwrap().endpoint.unwrap().ordered);
    (server, client)
}

fn positions(received: &[Received]) -> Vec<i64> {
    received.iter().map(Received::position).collect()
}

/// Moves the clock to the next attempt of the only failed delivery.
async fn advance(client: &WalletClient) -> Duration {
    let failed = deliveries(client).await.remove(0);
    let (at, next) = (failed.attempt_time.unwrap(), failed.next_time.unwrap());
    let pause = Duration::from_secs((next.seconds - at.seconds).unsigned_abs() + 1);
    client.advance_clock(v1::AdvanceClockRequest::by(pause)).await.unwrap();
    pause
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_fails_three_times_holds_up_all_later_ones() {
    let receiver = Receiver::start(&[200, 500, 500, 500]).await;
    let (server, client) = ordered(&receiver).await;
    for n in 0..40 {
        give(&client, &format!("g{n}")).await;
    }
    for attempts in 1..=3 {
        until(&client, |_, failed| failed.first().is_some_and(|failed| failed.attempts == attempts)).await;
        let failed = deliveries(&client).await;
        assert_eq!((failed.len(), failed[0].position), (1, 2));
        assert_eq!(endpoint(&client).await.last_position, 2);
        advance(&client).await;
    }
    let received = receiver.wait_for(44).await;
    let expected: Vec<i64> = [1, 2, 2, 2].into_iter().chain(2..=41).collect();
    assert_eq!(positions(&received), expected);
    until(&client, |endpoint, failed| failed.is_empty() && endpoint.last_position == 41).await;
    assert!(server.verify().await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ordered_endpoint_is_disabled_after_five_days_and_goes_on_when_enabled() {
    let receiver = Receiver::start(&[500; 12]).await;
    let (_server, client) = ordered(&receiver).await;
    give(&client, "g").await;
    let mut waited = Duration::ZERO;
    for attempts in 1..12 {
        until(&client, |_, failed| failed.first().is_some_and(|failed| failed.attempts == attempts)).await;
        assert_eq!(endpoint(&client).await.state(), WebhookEndpointState::Enabled);
        waited += advance(&client).await;
    }
    until(&client, |endpoint, _| endpoint.state() == WebhookEndpointState::Failing).await;
    assert!(waited > Duration::from_secs(5 * 86_400), "{waited:?}");
    assert_eq!(positions(&receiver.received()), [1; 12]);
    let enable = v1::UpdateWebhookEndpointRequest::new("crm").with_state(WebhookEndpointState::Enabled);
    client.update_webhook_endpoint(enable).await.unwrap();
    // The last one tells that the endpoint was disabled.
    assert_eq!(positions(&receiver.wait_for(15).await[12..]), [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn enabling_an_ordered_endpoint_does_not_send_what_was_given_up() {
    let receiver = Receiver::start(&[500]).await;
    let (server, client) = ordered(&receiver).await;
    until(&client, |_, failed| failed.len() == 1).await;
    let state = |state| v1::UpdateWebhookEndpointRequest::new("crm").with_state(state);
    client.update_webhook_endpoint(state(WebhookEndpointState::Disabled)).await.unwrap();
    let given_up = format!("UPDATE webhook_deliveries SET next_time = {}", i64::MAX);
    assert_eq!(server.database.execute(&given_up).await, 1);
    give(&client, "a").await;
    client.update_webhook_endpoint(state(WebhookEndpointState::Enabled)).await.unwrap();
    assert_eq!(positions(&receiver.wait_for(2).await), [1, 2]);
    assert_eq!(deliveries(&client).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_becomes_ordered_first_gets_what_had_failed() {
    let receiver = Receiver::start(&[500, 500]).await;
    let (server, client) = ordered(&receiver).await;
    let unordered = v1::UpdateWebhookEndpointRequest::new("crm").with_ordered(false);
    until(&client, |_, failed| failed.len() == 1).await;
    assert!(!client.update_webhook_endpoint(unordered).await.unwrap().endpoint.unwrap().ordered);
    give(&client, "a").await;
    until(&client, |_, failed| failed.len() == 2).await;
    let ordered = v1::UpdateWebhookEndpointRequest::new("crm").with_ordered(true);
    client.update_webhook_endpoint(ordered).await.unwrap();
    give(&client, "b").await;
    client.retry_webhook_deliveries(v1::RetryWebhookDeliveriesRequest::new("crm")).await.unwrap();
    assert_eq!(positions(&receiver.wait_for(5).await), [1, 2, 1, 2, 3]);
    assert!(server.verify().await.is_clean());
}
