//! The attempts of three days, on a clock that the test moves.

use std::time::Duration;

use wallet_client::v1::feed_item::Content;
use wallet_client::v1::{self, WebhookEndpointState};
use wallet_server::{Config, TimeSource};

use super::receiver::Received;
use super::{Receiver, deliveries, give, subscribed, until, until_disabled};
use crate::harness::{Database, Server, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_is_attempted_ten_times_in_three_days_and_then_only_on_command() {
    let webhooks_allow = vec!["127.0.0.0/8".parse().unwrap()];
    let config = Config { webhooks_allow, time: TimeSource::Manual, ..Config::default() };
    let server = Server::start_with(Database::sqlite(), config).await;
    let receiver = Receiver::start(&[500; 10]).await;
    let (client, _) = subscribed(&server, &receiver).await;
    let mut hours = 0.0;
    for attempts in 1..10 {
        until(&client, |_, failed| failed.first().is_some_and(|failed| failed.attempts == attempts)).await;
        let failed = deliveries(&client).await.remove(0);
        let (at, next) = (failed.attempt_time.unwrap(), failed.next_time.unwrap());
        let pause = Duration::from_secs((next.seconds - at.seconds).unsigned_abs() + 1);
        hours += pause.as_secs_f64() / 3_600.0;
        client.advance_clock(v1::AdvanceClockRequest::by(pause)).await.unwrap();
    }
    assert!((70.0..90.0).contains(&hours), "{hours}");
    until(&client, |_, failed| failed.first().is_some_and(|failed| failed.attempts == 10)).await;
    assert_eq!(deliveries(&client).await[0].next_time, None);
    client.retry_webhook_deliveries(v1::RetryWebhookDeliveriesRequest::new("crm")).await.unwrap();
    until(&client, |endpoint, failed| failed.is_empty() && endpoint.state() == WebhookEndpointState::Enabled)
        .await;
    assert_eq!(receiver.received().len(), 11);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_replayed_by_one_command() {
    let webhooks_allow = vec!["127.0.0.0/8".parse().unwrap()];
    let config = Config { webhooks_allow, time: TimeSource::Manual, ..Config::default() };
    let server = Server::start_with(Database::sqlite(), config).await;
    let receiver = Receiver::start(&[503; 6]).await;
    let (client, _) = subscribed(&server, &receiver).await;
    for n in 0..5 {
        give(&client, &format!("g{n}")).await;
    }
    until(&client, |_, failed| failed.len() == 6).await;
    let retry = v1::RetryWebhookDeliveriesRequest::new("crm");
    let a_part = retry.clone().with_positions(2, 3);
    assert_eq!(client.retry_webhook_deliveries(a_part).await.unwrap().deliveries, 2);
    until(&client, |_, failed| failed.iter().map(|failed| failed.position).eq([1, 4, 5, 6])).await;
    assert_eq!(client.retry_webhook_deliveries(retry).await.unwrap().deliveries, 4);
    until(&client, |endpoint, failed| failed.is_empty() && endpoint.failing_since.is_none()).await;
    let mut positions: Vec<i64> = receiver.received()[6..].iter().map(Received::position).collect();
    positions.sort_unstable();
    assert_eq!(positions, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_without_a_success_for_five_days_is_disabled() {
    let webhooks_allow = vec!["127.0.0.0/8".parse().unwrap()];
    let config = Config { webhooks_allow, time: TimeSource::Manual, ..Config::default() };
    let server = Server::start_with(Database::sqlite(), config).await;
    let receiver = Receiver::start(&[500, 500]).await;
    let (client, _) = subscribed(&server, &receiver).await;
    until(&client, |_, failed| failed.len() == 1).await;
    let days = Duration::from_secs(5 * 86_400);
    client.advance_clock(v1::AdvanceClockRequest::by(days)).await.unwrap();
    until(&client, |endpoint, _| endpoint.state() == WebhookEndpointState::Failing).await;
    until_disabled(&server, 1).await;
    let audit = client.list_audit_events(v1::ListAuditEventsRequest::new()).await.unwrap();
    let change = audit.events.first().unwrap();
    assert_eq!((change.principal.as_str(), change.action.as_str()), ("system", "webhook.disable"));
    // Other endpoints get the item too, and the URL may have a secret.
    assert_eq!(change.details, "no delivery has succeeded for 5 days");
    let disabled = v1::ListFeedRequest::new(0).with_types(["webhook.disabled"]);
    let item = eventually("the feed has the change", async || {
        let page = client.list_feed(disabled.clone()).await.unwrap();
        page.items.into_iter().next().ok_or(page.last_position)
    })
    .await;
    assert_eq!((item.content, item.wallet_id.as_str()), (Some(Content::Change(change.clone())), ""));
    assert!(server.verify().await.is_clean());
}
