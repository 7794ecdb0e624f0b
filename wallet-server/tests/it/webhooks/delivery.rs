//! Messages to an endpoint, and what happens when it fails.

use wallet_client::v1::{self, WebhookEndpointState};

use super::{Receiver, deliveries, endpoint, give, server, subscribed, until, until_disabled};
use crate::harness::{Database, eventually};

mod items_arrive_with_id_time_signature_and_the_item_as_data {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        arrive(Database::sqlite()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        arrive(Database::postgres()).await;
    }

    async fn arrive(database: Database) {
        let (server, receiver) = (server(database).await, Receiver::start(&[]).await);
        let (client, _) = subscribed(&server, &receiver).await;
        give(&client, "g").await;
        let mut received = receiver.wait_for(2).await;
        received.sort_by_key(super::super::receiver::Received::position);
        let body = received[1].json();
        assert_eq!(body["type"], "credits.granted");
        assert_eq!(body["data"]["walletId"], "ann");
        assert_eq!(body["data"]["entry"]["kind"], "ENTRY_KIND_GRANTED");
        assert_eq!(body["timestamp"], body["data"]["entry"]["recordTime"]);
        let headers = &received[1].headers;
        assert_eq!(headers["content-type"], "application/json");
        assert!(headers["webhook-id"].ends_with("-2"), "{headers:?}");
        assert!(headers["webhook-signature"].starts_with("v1,"));
        assert!(headers["webhook-timestamp"].parse::<i64>().unwrap() > 1_700_000_000);
        until(&client, |endpoint, failed| endpoint.last_position == 2 && failed.is_empty()).await;
        assert!(server.verify().await.is_clean());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_delivery_waits_and_is_sent_again_with_the_same_id() {
    let (server, receiver) = (server(Database::sqlite()).await, Receiver::start(&[500]).await);
    let (client, _) = subscribed(&server, &receiver).await;
    until(&client, |_, failed| failed.len() == 1).await;
    let failed = &deliveries(&client).await[0];
    assert_eq!((failed.position, failed.attempts), (1, 1));
    assert!(failed.failure.contains("500"), "{failed:?}");
    assert_eq!(failed.item.as_ref().unwrap().r#type, "wallet.created");
    assert!(endpoint(&client).await.failing_since.is_some());
    let retry = v1::RetryWebhookDeliveriesRequest::new("crm").with_positions(1, 1);
    assert_eq!(client.retry_webhook_deliveries(retry).await.unwrap().deliveries, 1);
    until(&client, |endpoint, failed| failed.is_empty() && endpoint.failing_since.is_none()).await;
    let received = receiver.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].headers["webhook-id"], received[1].headers["webhook-id"]);
    assert_eq!(received[0].body, received[1].body);
    assert!(server.verify().await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_of_other_types_are_not_sent_and_one_failure_delays_no_other_item() {
    let (server, receiver) = (server(Database::sqlite()).await, Receiver::start(&[503]).await);
    let client = server.wallet("ann", 0).await;
    let create = v1::CreateWebhookEndpointRequest::new("crm", &receiver.url)
        .with_types(["credits.granted"])
        .with_after_position(0);
    client.create_webhook_endpoint(create).await.unwrap();
    give(&client, "a").await;
    until(&client, |_, failed| failed.len() == 1).await;
    give(&client, "b").await;
    let received = receiver.wait_for(2).await;
    assert_eq!(received.iter().map(super::receiver::Received::position).collect::<Vec<_>>(), [2, 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_is_gone_gets_nothing_more_until_it_is_enabled() {
    let (server, receiver) = (server(Database::sqlite()).await, Receiver::start(&[410]).await);
    let (client, _) = subscribed(&server, &receiver).await;
    until(&client, |endpoint, _| endpoint.state() == WebhookEndpointState::Gone).await;
    until_disabled(&server, 1).await;
    give(&client, "g").await;
    let enable = v1::UpdateWebhookEndpointRequest::new("crm").with_state(WebhookEndpointState::Enabled);
    assert_eq!(receiver.received().len(), 1);
    client.update_webhook_endpoint(enable).await.unwrap();
    let mut received = receiver.wait_for(3).await.split_off(1);
    received.sort_by_key(super::receiver::Received::position);
    assert_eq!(received.iter().map(super::receiver::Received::position).collect::<Vec<_>>(), [2, 3]);
    let mut types: Vec<String> = received.iter().map(|item| item.json()["type"].to_string()).collect();
    types.sort_unstable();
    assert_eq!(types, ["\"credits.granted\"", "\"webhook.disabled\""]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_counts_as_disabled_once_the_database_has_recorded_it() {
    let (server, receiver) = (server(Database::sqlite()).await, Receiver::start(&[410; 100]).await);
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON webhook_endpoints WHEN NEW.state <> OLD.state
                  BEGIN SELECT RAISE(ABORT, 'refused by the test'); END";
    server.database.execute(refuse).await;
    let (client, _) = subscribed(&server, &receiver).await;
    receiver.wait_for(2).await;
    until_disabled(&server, 0).await;
    server.database.execute("DROP TRIGGER refuse").await;
    until(&client, |endpoint, _| endpoint.state() == WebhookEndpointState::Gone).await;
    until_disabled(&server, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_made_up_for_without_a_command_when_it_ends() {
    let down: Vec<u16> = vec![500; 100];
    let (server, receiver) = (server(Database::sqlite()).await, Receiver::start(&down).await);
    let (client, _) = subscribed(&server, &receiver).await;
    for n in 0..120 {
        give(&client, &format!("g{n}")).await;
    }
    // 64 deliveries wait, and the position of the endpoint stands still.
    until(&client, |endpoint, failed| failed.len() == 50 && endpoint.last_position < 100).await;
    let retry = v1::RetryWebhookDeliveriesRequest::new("crm");
    eventually("the endpoint reaches the last item", async || {
        client.retry_webhook_deliveries(retry.clone()).await.unwrap();
        let position = endpoint(&client).await.last_position;
        if position < 121 { Err(position) } else { Ok(()) }
    })
    .await;
    until(&client, |_, failed| failed.is_empty()).await;
    let mut positions: Vec<i64> =
        receiver.received()[100..].iter().map(super::receiver::Received::position).collect();
    positions.sort_unstable();
    positions.dedup();
    assert_eq!(positions, (1..=121).collect::<Vec<i64>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_sends_the_first_delivery_that_waits_and_none_that_was_given_up() {
    let (stopped, receiver) = (server(Database::sqlite()).await, Receiver::start(&[500; 500]).await);
    let (client, _) = subscribed(&stopped, &receiver).await;
    until(&client, |_, failed| failed.len() == 1).await;
    let given_up = format!("UPDATE webhook_deliveries SET next_time = {}", i64::MAX);
    let database = stopped.database.clone();
    assert_eq!(database.execute(&given_up).await, 1);
    for n in 0..100 {
        give(&client, &format!("g{n}")).await;
    }
    // 64 deliveries wait, and the position of the endpoint stands still.
    until(&client, |endpoint, _| endpoint.last_position >= 65).await;
    stopped.stop().await;
    let tomorrow = format!(
        "UPDATE webhook_deliveries SET next_time = next_time + 86400000000, attempts = 9, attempt_time = 0 WHERE next_time < {}",
        i64::MAX
    );
    assert!(database.execute(&tomorrow).await >= 64);
    let (before, server) = (receiver.received().len(), server(database).await);
    assert_eq!(receiver.wait_for(before + 1).await[before].position(), 2);
    // The probe is none of the ten attempts.
    let client = server.client().await;
    let is_probed =
        |failed: &v1::WebhookDelivery| failed.position == 2 && failed.attempt_time.unwrap().seconds > 0;
    until(&client, |_, failed| failed.iter().any(is_probed)).await;
    assert!(
        deliveries(&client)
            .await
            .iter()
            .filter(|failed| failed.position > 1)
            .all(|failed| failed.next_time.is_some())
    );
}
