//! A stream with three replicas: the server that leads it is killed while items are published.

use std::net::TcpListener;

use async_nats::jetstream::{self, Context, stream as streams};
use wallet_client::{ClientConfig, WalletClient};

use super::{SOON, assert_same, feed, read};
use crate::feed::Endpoints;
use crate::harness::{Database, Nats, Process};

const SERVERS: [&str; 3] = ["a", "b", "c"];
const WALLETS: usize = 12;
/// The items of a round, in which the leader is killed once.
const ROUND: usize = 300;
const ROUNDS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_are_published_once_and_in_order_although_leaders_of_the_stream_are_killed() {
    let mut cluster = cluster().await;
    let urls: Vec<String> = cluster.iter().map(Nats::url).collect();
    let context = replicated(&urls).await;
    let database = Database::postgres();
    let mut process = Process::start(&database, &["--nats-url", &urls.join(",")]);
    let endpoints = Endpoints::new(vec![process.endpoint()]);
    endpoints.create_wallets(WALLETS).await;
    for round in 0..ROUNDS {
        for n in 0..ROUND {
            if n == ROUND / 3 {
                let name = leader(&context).await;
                let leader = SERVERS.iter().position(|server| *server == name).expect("one of the servers");
                cluster[leader].kill();
                endpoints.give(n, WALLETS, &format!("{round}-{n}")).await;
                cluster[leader].start_again().await;
            } else {
                endpoints.give(n, WALLETS, &format!("{round}-{n}")).await;
            }
        }
        wait_for(&context, (WALLETS + (round + 1) * ROUND) as u64).await;
    }
    let client = WalletClient::connect(ClientConfig::new(process.endpoint())).await.unwrap();
    let items = feed(&client).await;
    process.stop();
    assert_eq!(items.len(), WALLETS + ROUNDS * ROUND);
    assert_eq!(state(&context).await, Some(items.len() as u64), "no item twice");
    assert_same(&read(&context, "wallet.>", items.len()).await, &items);
}

/// Starts three servers that know each other.
async fn cluster() -> Vec<Nats> {
    // All listeners are open at once, so that the ports differ.
    let listeners: Vec<TcpListener> =
        SERVERS.iter().map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    let routes: Vec<String> = listeners
        .iter()
        .map(|listener| format!("nats://127.0.0.1:{}", listener.local_addr().expect("an address").port()))
        .collect();
    drop(listeners);
    let mut servers = Vec::new();
    for (name, route) in SERVERS.iter().zip(&routes) {
        let all = routes.join(",");
        let arguments = ["--name", name, "--cluster_name", "wallet", "--cluster", route, "--routes", &all];
        servers.push(Nats::start_with(&arguments).await);
    }
    servers
}

/// Creates the stream with a replica on each server, as soon as these have found each other.
async fn replicated(urls: &[String]) -> Context {
    let context = jetstream::new(async_nats::connect(urls).await.expect("nats-server"));
    let config = streams::Config {
        name: "WALLET".to_owned(),
        subjects: vec!["wallet.>".to_owned()],
        num_replicas: SERVERS.len(),
        ..Default::default()
    };
    let created = async {
        while context.create_stream(config.clone()).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(SOON, created).await.expect("the stream is created");
    context
}

/// Returns the name of the server that leads the stream.
async fn leader(context: &Context) -> String {
    let found = async {
        loop {
            if let Ok(stream) = context.get_stream("WALLET").await
                && let Some(leader) = stream.cached_info().cluster.as_ref().and_then(|of| of.leader.clone())
            {
                return leader;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, found).await.expect("the stream has a leader")
}

/// Returns the number of messages of the stream. `None`: no server leads it.
async fn state(context: &Context) -> Option<u64> {
    let stream = context.get_stream("WALLET").await.ok()?;
    Some(stream.cached_info().state.messages)
}

/// Waits until the stream has this many messages.
async fn wait_for(context: &Context, messages: u64) {
    let reached = async {
        while state(context).await.is_none_or(|stored| stored < messages) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, reached).await.expect("all items are published");
}
