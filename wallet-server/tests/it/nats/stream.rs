//! The messages in the stream, and a stream that is away.

use std::path::PathBuf;
use std::time::Duration;

use async_nats::ConnectOptions;
use wallet_server::{Config, NatsConfig};

use super::{assert_same, count, create, feed, read, stream, wait_for};
use crate::harness::{Database, Nats, Server, credits};
use crate::monitoring::metrics;
use crate::shorthand::gift;
use crate::tls::Certificate;

/// The time for which the stream recognises ids in tests of what comes after that.
const SHORT: Duration = Duration::from_millis(100);

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
async fn nats_that_is_away_delays_items_and_stops_no_command() {
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
    server.wallet("bob", 0).await;
    until(&server, |lag, failures, published| lag == 1 && failures > 0 && published == 0).await;
    assert_eq!(count(&context).await, Some(2));
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
async fn until(server: &Server, holds: impl Fn(u64, u64, u64) -> bool) {
    let value = |metrics: &str, name: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.expect("the metric").parse().expect("a number")
    };
    for _ in 0..3_000 {
        let seen = metrics(server);
        let (lag, failures) = (value(&seen, "wallet_nats_lag"), value(&seen, "wallet_nats_failures_total"));
        if holds(lag, failures, value(&seen, "wallet_nats_published_total")) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{}", metrics(server));
}
