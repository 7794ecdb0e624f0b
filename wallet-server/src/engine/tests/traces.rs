//! The same histories run on SQLite, on PostgreSQL and on whole wallets in memory. Every command must get the same
//! reply, and the ledgers must be equal to the last hash. So a batch loads enough and writes everything, and
//! neither its size, nor its other commands, nor the database makes a difference.
//!
//! The databases process due events in small steps of different sizes, memory all at once. From time to time a
//! sweeper runs: in the databases it looks up where something is due, in memory it visits all wallets. So no due
//! event is missed.
//!
//! `WALLET_SEED` repeats the histories of an earlier run, `WALLET_COMMANDS` asks for more commands.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use sha2::{Digest, Sha256};
use wallet_core::decide::ProcessDue;
use wallet_core::key::BUCKETS;
use wallet_core::{Command, Reply, TenantId, Timestamp, UnitOfWork, Wallet, WalletId, WalletKey};
use wallet_workload::{Pace, Rng, Timed, catalogs, figure, trace};

use super::{Database, run};
use crate::clock::Clock;
use crate::engine::backlog::Steps;
use crate::engine::lane::Lane;
use crate::store::{DueRows, WalletCache};

/// The commands of one wallet's history.
const LIFE: usize = 250;
/// The most commands that are committed together.
const BATCH: i64 = 24;
/// A sweeper runs before one in this many batches, at random.
const BATCHES_PER_SWEEP: i64 = 8;
/// The time between everything else and the last sweep. Plans have renewed and purchases expired by then.
const AFTERWARDS: Duration = Duration::from_secs(400 * 86_400);
/// Due rows that are looked up at a time.
const LIMIT: u32 = 7;
/// Due events of a wallet that one transaction processes: on SQLite, and on PostgreSQL. In memory it is all of
/// them.
const STEPS: [Steps; 2] = [Steps { together: 1, each: 1 }, Steps { together: 3, each: 2 }];

/// Returns the rows of wallets that a lane keeps in memory, which the seed and the number of the lane choose.
pub(super) fn cached_rows(seed: u64, lane: usize) -> usize {
    const CHOICES: [usize; 4] = [1_000_000, 0, 1, 40];
    let choice = usize::try_from(seed % 4).unwrap() + lane;
    CHOICES[choice % CHOICES.len()]
}

/// Returns the open reservations of a wallet that a lane keeps in memory, which the seed and the number of the lane
/// choose.
fn kept_reservations(seed: u64, lane: usize) -> usize {
    const CHOICES: [usize; 3] = [1, 0, 3];
    let choice = usize::try_from(seed % 3).unwrap() + lane;
    CHOICES[choice % CHOICES.len()]
}

/// Returns the seed in `WALLET_SEED`, or a random one.
pub(super) fn seed() -> u64 {
    let seed = setting("WALLET_SEED").unwrap_or_else(|| RandomState::new().hash_one(0) % 1_000_000);
    println!("WALLET_SEED={seed}");
    seed
}

/// Returns the number in an environment variable.
pub(super) fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

#[tokio::test]
async fn both_databases_and_the_core_in_memory_give_the_same_replies() {
    let seed = seed();
    let wallets = setting("WALLET_COMMANDS").unwrap_or(7_500).div_ceil(LIFE as u64);
    let story = story(seed, wallets);
    let clock = Clock::manual(story[0].at);
    let (sqlite, postgres) = (Database::sqlite(), Database::postgres());
    let mut lanes = [
        sqlite.lane(&clock, wallet_workload::CATALOG).await,
        postgres.lane(&clock, wallet_workload::CATALOG).await,
    ];

    for (n, (lane, steps)) in lanes.iter_mut().zip(STEPS).enumerate() {
        lane.runner.steps = steps;
        lane.runner.cache =
            WalletCache::new(cached_rows(seed, n)).with_most_reservations(kept_reservations(seed, n));
    }
    let (mut memory, mut rng) = (Memory::default(), Rng::new(seed, u64::MAX));
    let (mut left, mut batches, mut refused, mut sweeps) = (story.as_slice(), 0, 0, 0);
    while !left.is_empty() {
        let size = usize::try_from(rng.within(1, BATCH)).unwrap().min(left.len());
        let (batch, rest) = left.split_at(size);
        if rng.within(1, BATCHES_PER_SWEEP) == 1 {
            sweep_all(&mut lanes, &mut memory, clock.move_to(batch[0].at)).await;
            sweeps += 1;
        }
        let now = clock.move_to(batch[size - 1].at);
        let commands: Vec<_> = batch.iter().map(|step| (step.wallet.clone(), step.command.clone())).collect();
        let expected: Vec<Reply> = batch.iter().map(|step| memory.run(now, step)).collect();
        for lane in &mut lanes {
            let replies = run(lane, &commands).await;
            for ((step, expected), reply) in batch.iter().zip(&expected).zip(replies) {
                let place = format!(
                    "{:?}, command {} of {}",
                    lane.runner.store.backend(),
                    story.len() - left.len(),
                    size
                );
                assert_eq!(
                    &reply.without_hint(),
                    expected,
                    "{place}: {} {:?} at {now}",
                    step.wallet,
                    step.command
                );
            }
        }
        refused += expected.iter().filter(|reply| reply.result.is_err()).count();
        (left, batches) = (rest, batches + 1);
    }
    assert!(lanes[1].runner.metrics.counts().optimistic_batches > 0, "PostgreSQL takes both ways");
    sweep_all(&mut lanes, &mut memory, clock.move_to(clock.now().plus(AFTERWARDS))).await;
    let digest = memory.digest();
    assert_eq!([sqlite.verify().await, postgres.verify().await], [digest.clone(), digest]);
    figure("stories", &[&story.len(), &batches, &(sweeps + 1), &refused]);
}

/// Runs a sweeper on each side, at the same time.
async fn sweep_all(lanes: &mut [Lane; 2], memory: &mut Memory, now: Timestamp) {
    memory.sweep(now);
    for lane in lanes {
        for due in DueRows::ALL {
            let mut after = None;
            loop {
                let page = lane.runner.store.due_wallets(due, 0..BUCKETS, now, after, LIMIT).await.unwrap();
                let commands: Vec<_> =
                    page.wallets.into_iter().map(|due| (due.wallet, ProcessDue.into())).collect();
                run(lane, &commands).await;
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        for due in DueRows::ALL {
            let page = lane.runner.store.due_wallets(due, 0..BUCKETS, now, None, LIMIT).await.unwrap();
            assert!(page.wallets.is_empty(), "{:?} stay due at {now}: {due:?}", page.wallets);
        }
    }
}

/// A command, with its wallet and time.
pub(super) struct Step {
    pub(super) at: Timestamp,
    pub(super) wallet: WalletId,
    pub(super) command: Command,
}

/// Returns the histories of all wallets in the order of their times.
pub(super) fn story(seed: u64, wallets: u64) -> Vec<Step> {
    let mut story = Vec::new();
    for n in 0..wallets {
        let wallet: WalletId = format!("wallet-{n}").parse().unwrap();
        let mut now = Timestamp::from_micros(0);
        for Timed { at, command } in trace(seed, n, &wallet, LIFE, Pace::Calendar) {
            // The clock of a server does not go back.
            now = now.max(at);
            story.push(Step { at: now, wallet: wallet.clone(), command });
        }
    }
    story.sort_by_key(|step| step.at);
    story
}

/// Whole wallets, on the core alone.
#[derive(Default)]
struct Memory(BTreeMap<WalletKey, Wallet>);

impl Memory {
    fn run(&mut self, now: Timestamp, step: &Step) -> Reply {
        let key = WalletKey::new(TenantId::DEFAULT, &step.wallet);
        let wallet = self.0.entry(key).or_insert_with(|| Wallet::blank(key, step.wallet.clone()));
        UnitOfWork::open(wallet, now).execute(&step.command, catalogs()).unwrap().without_hint()
    }

    /// Processes due events in all wallets.
    fn sweep(&mut self, now: Timestamp) {
        for wallet in self.0.values_mut().filter(|wallet| wallet.exists()) {
            UnitOfWork::open(wallet, now).execute(&ProcessDue.into(), catalogs()).unwrap();
        }
    }

    /// Returns the digest that `verify` computes.
    fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for (key, wallet) in self.0.iter().filter(|(_, wallet)| wallet.exists()) {
            digest.update(key.uuid().as_bytes());
            digest.update(wallet.revision.to_be_bytes());
            digest.update(wallet.head);
        }
        hex::encode(digest.finalize())
    }
}
