//! A nats-server that is killed while items are published, and a server that is killed while it publishes.

use std::sync::Arc;

use tokio::task::JoinSet;
use wallet_client::{ClientConfig, WalletClient};

use super::{assert_same, count, feed, read, stream, wait_for};
use crate::feed::Endpoints;
use crate::harness::{Database, Nats, Process};

const ITEMS: usize = 4_000;
const CALLERS: usize = 16;
const WALLETS: usize = 24;
/// The times that the nats-server is killed.
const KILLS: u64 = 4;

mod every_item_is_published_once_and_in_order_although_nats_is_killed {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        survive(Database::sqlite(), 1).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn two_servers_postgres() {
        survive(Database::postgres(), 2).await;
    }
}

async fn survive(database: Database, servers: usize) {
    let mut nats = Nats::start().await;
    let context = stream(&nats, std::time::Duration::from_secs(120)).await;
    nats.kill();
    let arguments = ["--nats-url", &nats.url()];
    let mut processes: Vec<Process> = (0..servers).map(|_| Process::start(&database, &arguments)).collect();
    let endpoints = Arc::new(Endpoints::new(processes.iter().map(Process::endpoint).collect()));
    endpoints.create_wallets(WALLETS).await;
    // Half of the items wait when NATS is available again; the others come while it is killed.
    give(&endpoints, "first").await;
    nats.start_again().await;
    let giving = tokio::spawn({
        let endpoints = endpoints.clone();
        async move { give(&endpoints, "second").await }
    });
    let all = (ITEMS / CALLERS * CALLERS + WALLETS) as u64;
    for kill in 1..=KILLS {
        wait_for(&context, all * kill / (KILLS + 1)).await;
        nats.kill();
        nats.start_again().await;
        if kill == KILLS / 2 {
            processes[0].kill();
            processes[0] = Process::start(&database, &arguments);
            endpoints.replace(0, processes[0].endpoint());
        }
    }
    giving.await.expect("all items are given");
    wait_for(&context, all).await;
    let client = WalletClient::connect(ClientConfig::new(processes[0].endpoint())).await.unwrap();
    let items = feed(&client).await;
    for process in &mut processes {
        process.stop();
    }
    assert_eq!(count(&context).await, Some(all), "no item twice");
    assert_same(&read(&context, "wallet.>", items.len()).await, &items);
    let report = wallet_server::verify(&database.url).await.expect("the ledger can be read");
    assert!(report.is_clean(), "{report}");
}

/// Gives half of the items to the wallets in turn.
async fn give(endpoints: &Arc<Endpoints>, round: &'static str) {
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let endpoints = endpoints.clone();
        callers.spawn(async move {
            for n in 0..ITEMS / CALLERS / 2 {
                endpoints.give(caller * 7 + n, WALLETS, &format!("{round}-{caller}-{n}")).await;
            }
        });
    }
    callers.join_all().await;
}
