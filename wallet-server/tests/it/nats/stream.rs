//! The messages in the stream, and a stream that is unavailable.

use std::cell::Cell;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::{ConnectOptions, HeaderMap};
use wallet_client::v1::{CreateWalletRequest, ListFeedRequest};
use wallet_server::{Config, NatsConfig};

use super::{assert_same, count, create, feed, read, stream, wait_for};
use crate::feed::kept;
use crate::harness::{Database, Front, Nats, Server, credits, eventually, with_key};
use crate::monitoring::metrics;
use crate::shorthand::gift;
use crate::tls::Certificate;

/// The time for which the stream recognises ids in tests of what comes after that.
pub(super) const SHORT: Duration = Duration::from_millis(100);

fn config(nats: &Nats) -> Config {
    let (servers, stream) = (vec![nats.url()], "WALLET".to_owned());
    let nats = NatsConfig { servers, stream, credentials_file: None, ca_file: None };
    Config { nats: Some(nats), ..Config::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_chooses_types_by_their_subjects() {
    let nats = Nats::start().await;
    let context = stream(&nats, SHORT).await;
    let server = Server::start_with(Database::sqlite(), config(&nats)).await;
    let client = server.wallet("ann", 100).await;
    client.grant(gift("ann", "g", credits(5))).await.unwrap();
    wait_for(&context, 3).await;
    let items = feed(&client).await;
    assert_same(&read(&context, "wallet.>", 3).await, &items);
    assert_same(&read(&context, "wallet.default.credits.granted", 1).await, &items[2..]);
    assert_same(&read(&context, "wallet.*.wallet.>", 1).await, &items[..1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_wait_while_nats_is_unavailable_and_commands_do_not() {
    let mut nats = Nats::start().await;
    let context = stream(&nats, SHORT).await;
    nats.kill();
    let server = Server::start_with(Database::sqlite(), config(&nats)).await;
    let client = server.wallet("ann", 0).await;
    client.grant(gift("ann", "g", credits(5))).await.unwrap();
    until(&server, |lag, failures, _| lag == 2 && failures > 0).await;
    nats.start_again().await;
    wait_for(&context, 2).await;
    until(&server, |lag, _, published| lag == 0 && published == 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_whose_acknowledgement_was_lost_long_ago_are_not_published_again() {
    let nats = Nats::start().await;
    let context = stream(&nats, SHORT).await;
    let server = Server::start_with(Database::sqlite(), config(&nats)).await;
    let client = server.wallet("ann", 0).await;
    for n in 0..5 {
        client.grant(gift("ann", &format!("g{n}"), credits(5))).await.unwrap();
    }
    wait_for(&context, 6).await;
    until(&server, |lag, _, published| lag == 0 && published == 6).await;
    let database = server.database.clone();
    server.stop().await;
    assert_eq!(database.execute("UPDATE nats_positions SET last_position = 2").await, 1);
    tokio::time::sleep(SHORT * 2).await;
    let server = Server::start_with(database, config(&nats)).await;
    let client = server.client().await;
    client.grant(gift("ann", "last", credits(5))).await.unwrap();
    wait_for(&context, 7).await;
    until(&server, |lag, _, published| lag == 0 && published == 1).await;
    assert_eq!(count(&context).await, Some(7));
    assert_same(&read(&context, "wallet.>", 7).await, &feed(&client).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_ahead_of_an_older_database_gets_nothing() {
    let nats = Nats::start().await;
    let context = stream(&nats, SHORT).await;
    let before = Server::start_with(Database::sqlite(), config(&nats)).await;
    before.wallet("ann", 100).await;
    wait_for(&context, 2).await;
    before.stop().await;
    let server = Server::start_with(Database::sqlite(), config(&nats)).await;
    let client = server.wallet("bob", 0).await;
    until(&server, |lag, failures, published| lag == 1 && failures > 0 && published == 0).await;
    // The feed grows past the end of the stream, whose last item is of the other history.
    for n in 0..3 {
        client.grant(gift("bob", &format!("g{n}"), credits(5))).await.unwrap();
    }
    let failed = Cell::new(None);
    until(&server, |lag, failures, _| {
        let before = failed.get().or((lag == 4).then_some(failures));
        failed.set(before);
        before.is_some_and(|before| failures > before + 1)
    })
    .await;
    assert_eq!(count(&context).await, Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_whose_items_are_refused_does_not_hold_up_other_tenants() {
    let nats = Nats::start().await;
    let context = stream(&nats, SHORT).await;
    let front = Front::new(Database::sqlite());
    front.cli(&["tenants", "create", "acme"]);
    let keys = ["default", "acme"].map(|tenant| front.key(tenant, "all"));
    let server = front.serve_configured(config(&nats)).await;
    // Feeds are published by tenant id, and few ids are lower than that of the default tenant.
    let ours = with_key(&server, &keys[0]).await;
    ours.create_wallet(CreateWalletRequest::new("ann")).await.unwrap();
    wait_for(&context, 1).await;
    let first = read(&context, "wallet.default.>", 1).await.remove(0).headers.clone().unwrap();
    let tenant = first.get("Nats-Msg-Id").unwrap().as_str().strip_suffix("-1").unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Msg-Id", format!("{tenant}-9"));
    let ahead = context.publish_with_headers("wallet.default.other", headers, "x".into()).await.unwrap();
    ahead.await.unwrap();
    server.stop().await;
    let server = front.serve_configured(config(&nats)).await;
    let ours = with_key(&server, &keys[0]).await;
    ours.create_wallet(CreateWalletRequest::new("bob")).await.unwrap();
    until(&server, |lag, failures, _| lag == 1 && failures > 0).await;
    let acme = with_key(&server, &keys[1]).await;
    acme.create_wallet(CreateWalletRequest::new("carl")).await.unwrap();
    until(&server, |lag, _, published| lag == 1 && published == 1).await;
    assert_eq!(read(&context, "wallet.acme.>", 1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_that_the_stream_has_lost_are_published_again() {
    let nats = Nats::start().await;
    let context = stream(&nats, SHORT).await;
    let server = Server::start_with(Database::sqlite(), config(&nats)).await;
    let client = server.wallet("ann", 0).await;
    for n in 0..4 {
        client.grant(gift("ann", &format!("g{n}"), credits(5))).await.unwrap();
    }
    wait_for(&context, 5).await;
    until(&server, |lag, _, published| lag == 0 && published == 5).await;
    let lossy = context.get_stream("WALLET").await.unwrap();
    for sequence in [4, 5] {
        assert!(lossy.delete_message(sequence).await.unwrap());
    }
    let database = server.database.clone();
    server.stop().await;
    tokio::time::sleep(SHORT * 2).await;
    let server = Server::start_with(database, config(&nats)).await;
    let client = server.client().await;
    client.grant(gift("ann", "last", credits(5))).await.unwrap();
    wait_for(&context, 6).await;
    assert_same(&read(&context, "wallet.>", 6).await, &feed(&client).await);
    until(&server, |lag, _, published| lag == 0 && published == 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_that_were_deleted_unpublished_do_not_hold_up_later_ones() {
    let mut nats = Nats::start().await;
    let context = stream(&nats, SHORT).await;
    nats.kill();
    let server = Server::start_with(Database::sqlite(), config(&nats)).await;
    server.wallet("ann", 5).await;
    until(&server, |lag, failures, _| lag == 2 && failures > 0).await;
    let database = server.database.clone();
    server.stop().await;
    // A server deletes old items when it begins, and every minute.
    let brief = Config { feed_retention: Duration::from_millis(1), ..config(&nats) };
    let server = Server::start_with(database, brief).await;
    let client = server.client().await;
    kept::until(&client, Result::is_err).await;
    nats.start_again().await;
    client.grant(gift("ann", "g", credits(5))).await.unwrap();
    wait_for(&context, 1).await;
    until(&server, |lag, _, published| lag == 0 && published == 1).await;
    let items = client.list_feed(ListFeedRequest::new(2)).await.unwrap().items;
    assert_eq!(items[0].position, 3);
    assert_same(&read(&context, "wallet.>", 1).await, &items);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_message_at_the_end_of_the_stream_stops_its_tenant() {
    let nats = Nats::start().await;
    let context = stream(&nats, SHORT).await;
    context.publish("wallet.default.other", "x".into()).await.unwrap().await.unwrap();
    let server = Server::start_with(Database::sqlite(), config(&nats)).await;
    server.wallet("ann", 0).await;
    until(&server, |lag, failures, published| lag == 1 && failures > 0 && published == 0).await;
    assert_eq!(count(&context).await, Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_are_published_over_tls_only_to_a_server_that_is_trusted() {
    let certificate = Certificate::new();
    let (pem, key) = (certificate.path("server.pem"), certificate.path("server.key"));
    let nats = Nats::start_with(&["--tls", "--tlscert", &pem, "--tlskey", &key]).await;
    let url = nats.url().replace("nats://", "tls://");
    let ca_file = PathBuf::from(certificate.path("ca.pem"));
    let options = ConnectOptions::new().add_root_certificates(ca_file.clone());
    let context = create(options.connect(&url).await.unwrap(), SHORT).await;
    let over_tls = |ca_file| {
        let (servers, stream) = (vec![url.clone()], "WALLET".to_owned());
        let nats = NatsConfig { servers, stream, credentials_file: None, ca_file };
        Config { nats: Some(nats), ..Config::default() }
    };
    let stranger = Server::start_with(Database::sqlite(), over_tls(None)).await;
    stranger.wallet("ann", 0).await;
    until(&stranger, |lag, failures, published| lag == 1 && failures > 0 && published == 0).await;
    let database = stranger.database.clone();
    stranger.stop().await;
    let server = Server::start_with(database, over_tls(Some(ca_file))).await;
    wait_for(&context, 1).await;
    until(&server, |lag, _, published| lag == 0 && published == 1).await;
}

/// Waits until the lag, the failures and the published items meet a condition.
pub(super) async fn until(server: &Server, holds: impl Fn(u64, u64, u64) -> bool) {
    let value = |metrics: &str, name: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.expect("the metric").parse().expect("a number")
    };
    eventually("the metrics meet the condition", async || {
        let seen = metrics(server);
        let (lag, failures) = (value(&seen, "wallet_nats_lag"), value(&seen, "wallet_nats_failures_total"));
        let holds = holds(lag, failures, value(&seen, "wallet_nats_published_total"));
        if holds { Ok(()) } else { Err(seen) }
    })
    .await;
}
