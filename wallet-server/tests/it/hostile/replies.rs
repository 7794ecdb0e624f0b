//! Peers that request much and read nothing, or cancel their requests.

use std::fs;
use std::time::Duration;

use wallet_client::{WalletClient, v1};

use super::{Besieged, does_a_job, soon};
use crate::harness::frames::{HEADERS, Raw, reset};
use crate::harness::{Process, credits};
use crate::shorthand::{explicit, settle};

const CATALOG: &str = "/wallet.v1.CatalogService/GetCatalog";
const BALANCE: &str = "/wallet.v1.WalletService/GetBalance";
/// The message `GetBalanceRequest { wallet_id: "good" }`.
const GOOD: &[u8] = b"\x0a\x04good";

const FEED: &str = "/wallet.v1.EventService/WatchFeed";

const MIB: u64 = 1024 * 1024;

/// Connects a peer that makes a hundred calls of a method and reads nothing but the headers of the first reply.
async fn with_a_hundred_calls(besieged: &Besieged, path: &str, window: u32) -> Raw {
    let mut peer = Raw::connect(besieged.address(), window).await;
    let (first, mut frames) = peer.call(path, &[]);
    for _ in 1..100 {
        frames.extend(peer.call(path, &[]).1);
    }
    peer.send(&frames).await;
    soon(peer.until(HEADERS, first)).await;
    peer
}

/// Does 256 jobs with two calls.
async fn does_many_jobs(client: &WalletClient, call: usize) {
    let jobs: Vec<String> = (0..256).map(|n| format!("many-{call}-{n}")).collect();
    let reserve = jobs.iter().map(|job| explicit("good", job, vec![credits(1)]));
    let reserved = client.reserve_many(v1::ReserveManyRequest::new(reserve)).await.unwrap().results;
    assert!(reserved.into_iter().all(|item| item.into_result().unwrap().is_ok()));
    let settle = jobs.iter().map(|job| settle("good", job, v1::Succeeded::as_reserved()));
    let settled = client.settle_many(v1::SettleManyRequest::new(settle)).await.unwrap().results;
    assert!(settled.into_iter().all(|item| item.into_result().unwrap().is_ok()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unread_replies_take_bounded_memory_and_other_clients_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = folder.path().join("large.toml");
    // The catalog makes each reply a quarter of a mebibyte.
    let padding = "# padding\n".repeat(24_000);
    fs::write(&catalog, format!("{}\n{padding}", wallet_server::BUNDLED_CATALOG)).unwrap();
    let flags = ["--catalog", catalog.to_str().unwrap()];
    let besieged = Besieged::start(|database| Process::start(database, &flags)).await;
    let before = besieged.server.memory("VmRSS");
    let mut greedy = Vec::new();
    // A window of one byte is the worst case: the transport takes data as soon as one byte fits.
    for window in [0, 1].repeat(12) {
        greedy.push(with_a_hundred_calls(&besieged, CATALOG, window).await);
    }
    for n in 0..20 {
        does_a_job(&besieged.good, &format!("job-{n}")).await;
    }
    besieged.serves_a_newcomer("newcomer").await;
    // 24 peers request 600 MiB. The bound is 64 MiB of replies, and the memory to make them.
    let taken = besieged.server.memory("VmHWM") - before;
    assert!(taken < 200 * MIB, "{} MiB", taken / MIB);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_that_reads_nothing_takes_a_few_pages_of_memory() {
    let besieged = Besieged::start(|database| Process::start(database, &[])).await;
    // Each job is an item, and a page has a hundred.
    for call in 0..8 {
        does_many_jobs(&besieged.good, call).await;
    }
    let before = besieged.server.memory("VmRSS");
    let watchers = with_a_hundred_calls(&besieged, FEED, 1).await;
    for n in 0..20 {
        does_a_job(&besieged.good, &format!("job-{n}")).await;
    }
    besieged.serves_a_newcomer("newcomer").await;
    // A page on its way, one that waits and one that was read take 300 KiB. The feed has 20.
    let taken = settled_memory(&besieged.server).await - before;
    drop(watchers);
    assert!(taken < 100 * 500 * 1024, "{} KiB for each of 100 watchers", taken / 1024 / 100);
}

/// Waits until the memory of a server no longer grows, at most for two minutes. Returns the most that it took.
async fn settled_memory(server: &Process) -> u64 {
    let mut known = 0;
    for _ in 0..40 {
        let most = server.memory("VmHWM");
        if most < known + MIB / 4 {
            return most;
        }
        known = most;
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    panic!("the memory still grows: {} MiB", known / MIB);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_may_cancel_all_its_calls_at_once_and_go_on() {
    let besieged = Besieged::start(|database| Process::start(database, &[])).await;
    let mut peer = Raw::connect(besieged.address(), 65_535).await;
    for _ in 0..5 {
        let mut frames = Vec::new();
        for _ in 0..100 {
            let (stream, call) = peer.call(BALANCE, GOOD);
            frames.extend(call);
            frames.extend(reset(stream));
        }
        let (last, call) = peer.call(BALANCE, GOOD);
        frames.extend(call);
        peer.send(&frames).await;
        assert!(soon(peer.until(HEADERS, last)).await.is_some(), "the server closed the connection");
    }
}
