//! Very many holds of one wallet expire: how long other wallets wait meanwhile, how long it takes, and how much
//! memory it needs.
//!
//! The figures are meaningful only in a release build, which `cargo xtask due-speed` makes. They are printed and not
//! compared with a bound: [`super::due`] counts that others are served between any two steps. Here every hold expires
//! once, while all other commands are answered and all reads are true.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio_util::task::TaskTracker;
use wallet_core::decide::ProcessDue;
use wallet_core::entry::EntryKind;
use wallet_core::{Author, TenantId, WalletId};
use wallet_workload::figure;

use super::Database;
use super::due::{START, TTL, World, key, reserve};
use super::traces::setting;
use crate::engine::runner::BatchRunner;
use crate::engine::{CommandRequest, Engine, EngineConfig};
use crate::query::Queries;
use crate::store::Store;

/// Number of holds, unless `WALLET_DUE_HOLDS` asks for more.
const HOLDS: u64 = 600;
/// Other wallets, over all lanes.
const OTHERS: usize = 8;
/// Commands to them before anything is due.
const QUIET: usize = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_holds_of_a_wallet_expire_once_while_others_work_and_it_is_read() {
    let asked_for = setting("WALLET_DUE_HOLDS");
    let holds = usize::try_from(asked_for.unwrap_or(HOLDS)).unwrap();
    for database in [Database::sqlite(), Database::postgres()] {
        let mut world = World::open(&database).await;
        let heavy = world.fill("heavy", holds).await;
        let mut others = Vec::new();
        for n in 0..OTHERS {
            others.push(world.fill(&format!("other-{n}"), 0).await);
        }
        let BatchRunner { store, catalogs, .. } = &world.lane.runner;
        let tasks = TaskTracker::new();
        let lanes = if database.name() == "SQLite" { 1 } else { 2 };
        let config = EngineConfig { lanes, ..EngineConfig::default() };
        let engine = Engine::start(store, catalogs, &world.clock, &config, &tasks).await.unwrap();
        let queries = super::queries(&world.lane, &world.clock);

        let quiet = waits(&engine, &others, "quiet", |n| n == QUIET).await;
        forget_peak();
        world.clock.move_to(START.plus(TTL));
        let done = Arc::new(AtomicBool::new(false));
        let started = Instant::now();
        let work = tokio::spawn(process_all_due(engine.clone(), heavy.clone(), done.clone()));
        let reads = tokio::spawn(read(queries, heavy.clone(), done.clone()));
        let busy = waits(&engine, &others, "busy", |_| done.load(Ordering::Relaxed)).await;
        work.await.unwrap();
        let (time, peak) = (started.elapsed(), peak());
        let reads = reads.await.unwrap();

        assert_eq!(expired(store, &heavy).await, holds);
        drop(engine);
        tasks.close();
        tasks.wait().await;
        database.verify().await;
        let ms = |wait: Duration| format!("{:.0} ms", wait.as_secs_f64() * 1e3);
        let [(_, before), (half, longest)] = [quiet, busy].map(spread);
        println!(
            "{}: {holds} holds in {time:?}, others wait {half:?}, at most {longest:?} ({before:?} before), {reads} reads, {peak} MB",
            database.name()
        );
        if asked_for.is_some() {
            let time = format!("{:.1} s", time.as_secs_f64());
            figure(
                "due",
                &[
                    &database.name(),
                    &holds,
                    &time,
                    &ms(before),
                    &ms(half),
                    &ms(longest),
                    &format!("{peak} MB"),
                ],
            );
        }
    }
}

async fn process_all_due(engine: Engine, heavy: WalletId, done: Arc<AtomicBool>) {
    let request = CommandRequest {
        tenant: TenantId::DEFAULT,
        wallet: heavy,
        command: ProcessDue.into(),
        author: Author::system(),
        deadline: None,
    };
    engine.submit(request).await.unwrap().result.unwrap();
    done.store(true, Ordering::Relaxed);
}

/// Reads the wallet in which much is due again and again, and returns the number of reads.
async fn read(queries: Queries, heavy: WalletId, done: Arc<AtomicBool>) -> usize {
    let mut reads = 0;
    while !done.load(Ordering::Relaxed) {
        let read = queries.wallet(TenantId::DEFAULT, &heavy).await.unwrap();
        assert_eq!(read.wallet.open_reservations, 0, "every read shows due holds as expired");
        reads += 1;
    }
    reads
}

/// Returns how long each command to the other wallets waits, one after the other.
async fn waits(
    engine: &Engine,
    others: &[WalletId],
    name: &str,
    is_over: impl Fn(usize) -> bool,
) -> Vec<Duration> {
    let mut waits = Vec::new();
    for (n, wallet) in others.iter().cycle().enumerate() {
        if is_over(n) {
            break;
        }
        let command = reserve(&format!("{name}-{n}"), 1);
        let submission = CommandRequest {
            tenant: TenantId::DEFAULT,
            wallet: wallet.clone(),
            command,
            author: Author::system(),
            deadline: None,
        };
        let started = Instant::now();
        engine.submit(submission).await.unwrap().result.unwrap();
        waits.push(started.elapsed());
    }
    waits
}

/// Returns the median and the maximum of the waits.
fn spread(mut waits: Vec<Duration>) -> (Duration, Duration) {
    waits.sort_unstable();
    (waits.get(waits.len() / 2).copied().unwrap_or_default(), waits.last().copied().unwrap_or_default())
}

/// Returns the peak memory of this process since [`forget_peak`], in megabytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1_024
}

fn forget_peak() {
    // If this is not allowed, the peak is that of the whole run.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Counts the expired holds in the ledger of a wallet, a page at a time: the memory of the next run is measured, too.
async fn expired(store: &Store, wallet: &WalletId) -> usize {
    let (mut count, mut after) = (0, 0);
    loop {
        let page = store.snapshot().await.unwrap().entries(key(wallet), after, None, 1_000).await.unwrap();
        let Some(last) = page.last() else { return count };
        after = last.revision;
        count += page.iter().filter(|entry| entry.kind == EntryKind::HoldExpired).count();
    }
}
