//! Servers that are killed at random under load: no item is missing, none comes twice, and the order is kept.
//!
//! `cargo xtask feed-drill` runs this with a million items, on servers of a release build.

use std::collections::BTreeMap;
use std::env;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::{JoinSet, block_in_place};
use wallet_client::{Error, WalletClient, v1};
use wallet_workload::{Rng, figure};

use super::{Endpoints, PAUSE};
use crate::harness::{BINARY, Database, Process, credits, seed};
use crate::shorthand::explicit;

/// The items of jobs. `WALLET_FEED_ITEMS` sets another number.
const ITEMS: usize = 10_000;
/// The items of a job: its Reserve and its Settle.
const ITEMS_OF_A_JOB: usize = 2;
const CALLERS: usize = 16;
const WALLETS: usize = 64;
/// The items of a wallet before its first job: it is created and topped up.
const FIRST_ITEMS: usize = 2;
/// The most jobs of a call, which is the bound of the API.
const MAX_JOBS: usize = 256;
/// The items between two kills, unless these are too many.
const ITEMS_PER_KILL: usize = 1_000;
const MAX_KILLS: usize = 200;
/// The longest time without an item, far above the time in which another server takes over.
const SILENCE: Duration = Duration::from_secs(90);
/// All types are recorded, so each entry is one item.
const RECORD: [&str; 2] = ["--feed-record", "*"];

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

async fn survive(database: Database, servers: usize) {
    let items = env::var("WALLET_FEED_ITEMS").map_or(ITEMS, |items| items.parse().expect("a number"));
    let program = env::var("WALLET_FEED_SERVER").unwrap_or_else(|_| BINARY.to_owned());
    let (begun, seed) = (Instant::now(), seed());
    let start = || block_in_place(|| Process::start_program(&program, &database, &RECORD));
    let mut processes: Vec<Process> = (0..servers).map(|_| start()).collect();
    let endpoints = Arc::new(Endpoints::new(processes.iter().map(Process::endpoint).collect()));
    endpoints.create_wallets(WALLETS).await;
    for n in 0..WALLETS {
        let request = v1::TopUpRequest::amount(format!("w-{n}"), "t", credits(1_000_000_000));
        endpoints
            .call(n, |client| {
                let request = request.clone();
                async move { client.top_up(request).await }
            })
            .await;
    }
    let jobs = items / ITEMS_OF_A_JOB / CALLERS;
    let given = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let chance = Rng::new(seed, 1 + caller as u64);
        callers.spawn(work(endpoints.clone(), caller, jobs, chance, given.clone()));
    }
    let items = jobs * CALLERS * ITEMS_OF_A_JOB;
    let reader = tokio::spawn(read(endpoints.clone(), WALLETS * FIRST_ITEMS + items));

    let mut chance = Rng::new(seed, 0);
    let kills = (items / ITEMS_PER_KILL).min(MAX_KILLS);
    let between = items / (kills + 1);
    for kill in 1..=kills {
        let at = between * kill - between / 2 + within(&mut chance, 0, between);
        // The reader may have failed, or it knows the last items before the callers do.
        while given.load(Ordering::Relaxed) < at && !reader.is_finished() {
            if let Some(ended) = callers.try_join_next() {
                ended.expect("a caller makes all its jobs");
            }
            tokio::time::sleep(PAUSE).await;
        }
        let n = usize::from(servers == 2 && chance.percent(50));
        processes[n].kill();
        processes[n] = start();
        endpoints.replace(n, processes[n].endpoint());
    }
    let types = reader.await.expect("the reader has all items");
    callers.join_all().await;
    let expected = [
        ("credits.topped_up", WALLETS),
        ("job.reserved", items / ITEMS_OF_A_JOB),
        ("job.settled", items / ITEMS_OF_A_JOB),
        ("wallet.created", WALLETS),
    ];
    assert_eq!(types, expected.map(|(name, count)| (name.to_owned(), count)).into());
    for process in &mut processes {
        block_in_place(|| process.stop());
    }
    let time = format!("{} s", begun.elapsed().as_secs());
    verify(&program, &database);
    figure("feed", &[&database.name(), &servers, &(WALLETS * FIRST_ITEMS + items), &kills, &time, &"none"]);
}

fn within(chance: &mut Rng, from: usize, to: usize) -> usize {
    usize::try_from(chance.within(from as i64, to as i64)).expect("it is not negative")
}

/// Verifies the ledger and its feed with the program, which may be faster than the build of this test.
fn verify(program: &str, database: &Database) {
    let mut command = Command::new(program);
    let verified = command.args(["verify", "--database-url", &database.url]).output();
    let verified = block_in_place(|| verified).expect("the program runs");
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

/// Reserves and settles a number of jobs, many with each call. A fifth of them are in one wallet.
async fn work(
    endpoints: Arc<Endpoints>,
    caller: usize,
    jobs: usize,
    mut chance: Rng,
    given: Arc<AtomicUsize>,
) {
    // All jobs of a short run would otherwise be in a few calls.
    let most = (jobs / 20).clamp(1, MAX_JOBS);
    let mut made = 0;
    while made < jobs {
        let count = within(&mut chance, 1, most).min(jobs - made);
        let mut jobs = Vec::new();
        for n in made..made + count {
            let wallet = if chance.percent(20) { 0 } else { within(&mut chance, 0, WALLETS - 1) };
            jobs.push((format!("w-{wallet}"), format!("j-{caller}-{n}")));
        }
        let reserve = |(wallet, job): &(String, String)| explicit(wallet, job, vec![credits(1)]);
        let reserve: Vec<v1::ReserveRequest> = jobs.iter().map(reserve).collect();
        insist(&endpoints, caller, reserve, async |client, items| {
            let results = client.reserve_many(v1::ReserveManyRequest::new(items)).await?.results;
            Ok(results.into_iter().map(v1::ReserveResult::into_result).collect())
        })
        .await;
        let as_reserved = v1::Succeeded::as_reserved;
        let settle =
            |(wallet, job): &(String, String)| v1::SettleRequest::succeeded(wallet, job, as_reserved());
        let settle: Vec<v1::SettleRequest> = jobs.iter().map(settle).collect();
        insist(&endpoints, caller, settle, async |client, items| {
            let results = client.settle_many(v1::SettleManyRequest::new(items)).await?.results;
            Ok(results.into_iter().map(v1::SettleResult::into_result).collect())
        })
        .await;
        made += count;
        given.fetch_add(count * ITEMS_OF_A_JOB, Ordering::Relaxed);
    }
}

/// Sends items with one call, and those without a response again, until each has one.
async fn insist<Q: Clone, A>(
    endpoints: &Endpoints,
    n: usize,
    mut items: Vec<Q>,
    call: impl AsyncFn(WalletClient, Vec<Q>) -> Result<Vec<Option<Result<A, v1::ItemError>>>, Error>,
) {
    while !items.is_empty() {
        let results = endpoints.call(n, |client| call(client, items.clone())).await;
        assert_eq!(results.len(), items.len());
        let mut failed = Vec::new();
        for (item, result) in items.into_iter().zip(results) {
            if let Err(error) = result.expect("a result is a response or an error") {
                let error = Error::from(error);
                assert!(error.is_retryable(), "{error:?}");
                failed.push(item);
            }
        }
        items = failed;
        if !items.is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Reads the feed until it has this many items. Each must have the next position and the next revision of its wallet.
/// Returns the number of items by type. Fails if no item comes for a long time: one is lost.
async fn read(endpoints: Arc<Endpoints>, count: usize) -> BTreeMap<String, usize> {
    let mut types = BTreeMap::new();
    let mut revisions: BTreeMap<String, i64> = BTreeMap::new();
    let (mut read, mut position, mut last) = (0, 0, Instant::now());
    while read < count {
        let request = v1::ListFeedRequest::new(position).with_page_size(500);
        let page = endpoints
            .call(read, |client| {
                let request = request.clone();
                async move { client.list_feed(request).await }
            })
            .await;
        for item in &page.items {
            position += 1;
            assert_eq!(item.position, position);
            let revision = revisions.entry(item.wallet_id.clone()).or_default();
            *revision += 1;
            assert_eq!(item.revision, *revision, "{item:?}");
            *types.entry(item.r#type.clone()).or_default() += 1;
        }
        assert_eq!(page.next_after_position, position);
        read += page.items.len();
        if page.items.is_empty() {
            assert!(last.elapsed() < SILENCE, "the feed ends after {read} of {count} items");
            tokio::time::sleep(Duration::from_millis(50)).await;
        } else {
            last = Instant::now();
        }
    }
    types
}
