//! Servers that are killed at random under load: no item is missing, none comes twice, and the order is kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use wallet_client::v1;
use wallet_workload::Rng;

use super::{Endpoints, PAUSE};
use crate::harness::{Database, Process, seed};

/// The items of the test. The nightly run sets WALLET_FEED_ITEMS to a million.
const ITEMS: usize = 4_000;
const CALLERS: usize = 48;
/// The items of a wallet, each of which is an open grant.
const ITEMS_OF_A_WALLET: usize = 160;
/// The most kills, which are spread over the items.
const MAX_KILLS: usize = 100;
/// The longest time without an item, far above the time in which another server takes over.
const SILENCE: Duration = Duration::from_secs(90);

mod every_item_comes_once_and_in_order_although_servers_are_killed {
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

fn items() -> usize {
    std::env::var("WALLET_FEED_ITEMS").ok().and_then(|items| items.parse().ok()).unwrap_or(ITEMS)
}

async fn survive(database: Database, servers: usize) {
    let (items, mut chance) = (items(), Rng::new(seed(), 0));
    let mut processes: Vec<Process> = (0..servers).map(|_| Process::start(&database, &[])).collect();
    let endpoints = Arc::new(Endpoints::new(processes.iter().map(Process::endpoint).collect()));
    let wallets = items / ITEMS_OF_A_WALLET;
    endpoints.create_wallets(wallets).await;
    let given = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        callers.spawn(give(endpoints.clone(), caller, (items / CALLERS, wallets), given.clone()));
    }
    let reader = tokio::spawn(read(endpoints.clone(), items / CALLERS * CALLERS + wallets));
    let kills = (items / 500).min(MAX_KILLS);
    for kill in 1..=kills {
        while given.load(Ordering::Relaxed) < items * kill / (kills + 1) {
            assert!(!callers.is_empty());
            tokio::time::sleep(PAUSE).await;
        }
        let n = usize::from(servers == 2 && chance.percent(50));
        processes[n].kill();
        processes[n] = Process::start(&database, &[]);
        endpoints.replace(n, processes[n].endpoint());
    }
    callers.join_all().await;
    let read = reader.await.expect("the reader has read all");
    let mut last: BTreeMap<&str, i64> = BTreeMap::new();
    for (n, item) in (1..).zip(&read) {
        assert_eq!(item.position, n);
        let before = last.insert(&item.wallet_id, item.revision).unwrap_or_default();
        assert_eq!(item.revision, before + 1, "{item:?}");
    }
    for process in &mut processes {
        process.stop();
    }
    let report = wallet_server::verify(&database.url).await.expect("the ledger can be read");
    assert!(report.is_clean(), "{report}");
}

/// Gives a number of grants to the wallets in turn.
async fn give(
    endpoints: Arc<Endpoints>,
    caller: usize,
    (count, wallets): (usize, usize),
    given: Arc<AtomicUsize>,
) {
    for n in 0..count {
        endpoints.give(caller * 7 + n, wallets, &format!("g-{caller}-{n}")).await;
        given.fetch_add(1, Ordering::Relaxed);
    }
}

/// Reads the feed until it has this many items. Fails if no item comes for a long time: one is lost.
async fn read(endpoints: Arc<Endpoints>, count: usize) -> Vec<v1::FeedItem> {
    let (mut read, mut position, mut last) = (Vec::new(), 0, Instant::now());
    while read.len() < count {
        let request = v1::ListFeedRequest::new(position).with_page_size(500);
        let page = endpoints
            .call(read.len(), |client| {
                let request = request.clone();
                async move { client.list_feed(request).await }
            })
            .await;
        position = page.next_after_position;
        if page.items.is_empty() {
            assert!(last.elapsed() < SILENCE, "the feed ends after {} of {count} items", read.len());
            tokio::time::sleep(Duration::from_millis(50)).await;
        } else {
            last = Instant::now();
        }
        read.extend(page.items);
    }
    read
}
