//! The same histories on SQLite, on PostgreSQL and on whole wallets in memory: the same reply to every command, and the
//! same ledger to the last hash. So what a batch loads is enough, what it writes is all, and neither its size, nor what
//! else is in it, nor the database makes any difference.
//!
//! What is due in a wallet is carried out in small steps in the databases, of different size, and at once in memory.
//! Now and then a sweeper comes, which looks up in the databases where something is due; in memory all wallets are
//! asked. So nothing that is due is passed over.
//!
//! `WALLET_SEED` gives the histories of an earlier run, `WALLET_COMMANDS` asks for more.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use sha2::{Digest, Sha256};
use wallet_core::key::BUCKETS;
use wallet_core::view::Shown;
use wallet_core::{Command, Reply, TenantId, Timestamp, UnitOfWork, Wallet, WalletId, WalletKey};
use wallet_workload::{Pace, Rng, Timed, catalogs, figure, trace};

use super::{Database, run};
use crate::clock::Clock;
use crate::engine::backlog::Steps;
use crate::engine::lane::Lane;
use crate::store::DueRows;

/// The commands of one wallet's life.
const LIFE: usize = 250;
/// So many commands are committed together at most.
const BATCH: i64 = 24;
/// A sweeper comes before every so-manieth batch, as it turns out.
const BATCHES_PER_SWEEP: i64 = 8;
/// When it comes for the last time, after everything else: plans have renewed and purchases lapsed by then.
const AFTERWARDS: Duration = Duration::from_secs(400 * 86_400);
/// Due rows are looked up so many at a time.
const LIMIT: u32 = 7;
/// So many due events of a wallet are carried out in one transaction: on SQLite, and on PostgreSQL. In memory it is all
/// of them.
const STEPS: [Steps; 2] = [Steps { together: 1, each: 1 }, Steps { together: 3, each: 2 }];

/// The seed that `WALLET_SEED` names, or one that nobody has seen before.
pub(super) fn seed() -> u64 {
    let seed = setting("WALLET_SEED").unwrap_or_else(|| RandomState::new().hash_one(0) % 1_000_000);
    println!("WALLET_SEED={seed}");
    seed
}

/// What an environment variable asks for.
pub(super) fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

#[tokio::test]
async fn both_databases_and_the_core_in_memory_tell_the_same_story() {
    let seed = seed();
    let wallets = setting("WALLET_COMMANDS").unwrap_or(7_500).div_ceil(LIFE as u64);
    let story = story(seed, wallets);
    let clock = Clock::manual(story[0].at);
    let (sqlite, postgres) = (Database::sqlite(), Database::postgres());
    let mut lanes = [
        sqlite.lane(&clock, wallet_workload::CATALOG).await,
        postgres.lane(&clock, wallet_workload::CATALOG).await,
    ];

    for (lane, steps) in lanes.iter_mut().zip(STEPS) {
        lane.steps = steps;
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
                let place =
                    format!("{:?}, command {} of {}", lane.store.backend(), story.len() - left.len(), size);
                assert_eq!(&shown(reply), expected, "{place}: {} {:?} at {now}", step.wallet, step.command);
            }
        }
        refused += expected.iter().filter(|reply| reply.result.is_err()).count();
        (left, batches) = (rest, batches + 1);
    }
    sweep_all(&mut lanes, &mut memory, clock.move_to(clock.now().plus(AFTERWARDS))).await;
    let digest = memory.digest();
    assert_eq!([sqlite.verify().await, postgres.verify().await], [digest.clone(), digest]);
    figure("stories", &[&story.len(), &batches, &(sweeps + 1), &refused]);
}

/// A sweeper everywhere, at the same instant.
async fn sweep_all(lanes: &mut [Lane; 2], memory: &mut Memory, now: Timestamp) {
    memory.sweep(now);
    for lane in lanes {
        for due in DueRows::ALL {
            let mut after = None;
            loop {
                let page = lane.store.due_wallets(due, 0..BUCKETS, now, after, LIMIT).await.unwrap();
                let pokes: Vec<_> = page.wallets.into_iter().map(|due| (due.wallet, Command::Poke)).collect();
                run(lane, &pokes).await;
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        for due in DueRows::ALL {
            let page = lane.store.due_wallets(due, 0..BUCKETS, now, None, LIMIT).await.unwrap();
            assert!(page.wallets.is_empty(), "{:?} stay due at {now}: {due:?}", page.wallets);
        }
    }
}

/// What happens to whom.
pub(super) struct Step {
    pub(super) at: Timestamp,
    pub(super) wallet: WalletId,
    pub(super) command: Command,
}

/// The lives of all wallets in the order of their instants.
pub(super) fn story(seed: u64, wallets: u64) -> Vec<Step> {
    let mut story = Vec::new();
    for n in 0..wallets {
        let wallet: WalletId = format!("wallet-{n}").parse().unwrap();
        let mut now = Timestamp::from_micros(0);
        for Timed { at, command } in trace(seed, n, LIFE, Pace::Calendar) {
            // Clocks of one server do not step back.
            now = now.max(at);
            story.push(Step { at: now, wallet: wallet.clone(), command });
        }
    }
    story.sort_by_key(|step| step.at);
    story
}

/// Whole wallets, and the core alone.
#[derive(Default)]
struct Memory(BTreeMap<WalletKey, Wallet>);

impl Memory {
    fn run(&mut self, now: Timestamp, step: &Step) -> Reply {
        let key = WalletKey::new(TenantId::DEFAULT, &step.wallet);
        let wallet = self.0.entry(key).or_insert_with(|| Wallet::blank(key, step.wallet.clone()));
        shown(UnitOfWork::open(wallet, now).execute(&step.command, catalogs()).unwrap())
    }

    /// Asks everybody whether something is due.
    fn sweep(&mut self, now: Timestamp) {
        for wallet in self.0.values_mut().filter(|wallet| wallet.exists()) {
            UnitOfWork::open(wallet, now).execute(&Command::Poke, catalogs()).unwrap();
        }
    }

    /// As `verify` makes it.
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

/// The reply without what is no part of it: when a sweeper should look at a hold.
pub(super) fn shown(mut reply: Reply) -> Reply {
    if let Ok(answer) = &mut reply.result
        && let Shown::Reservation(reservation) = &mut answer.shown
    {
        reservation.sweep_at = reservation.deadline;
    }
    reply
}
