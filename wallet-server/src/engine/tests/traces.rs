//! The same histories on SQLite, on PostgreSQL and on whole wallets in memory: the same reply to every command, and the
//! same ledger to the last hash. So what a batch loads is enough, what it writes is all, and neither its size, nor what
//! else is in it, nor the database makes any difference.
//!
//! `WALLET_SEED` gives the histories of an earlier run, `WALLET_COMMANDS` asks for more.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use sha2::{Digest, Sha256};
use wallet_core::command::Shown;
use wallet_core::{
    Command, Context, Reply, TenantId, Timestamp, Touched, Wallet, WalletId, WalletKey, execute,
};
use wallet_workload::{Pace, Rng, Timed, catalogs, trace};

use super::{Database, run};
use crate::clock::Clock;

/// The commands of one wallet's life.
const LIFE: usize = 250;
/// So many commands are committed together at most.
const BATCH: i64 = 24;

/// The seed that `WALLET_SEED` names, or one that nobody has seen before.
pub(super) fn seed() -> u64 {
    let seed = setting("WALLET_SEED").unwrap_or_else(|| RandomState::new().hash_one(0) % 1_000_000);
    println!("WALLET_SEED={seed}");
    seed
}

fn setting(name: &str) -> Option<u64> {
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

    let (mut memory, mut rng) = (Memory::default(), Rng::new(seed, u64::MAX));
    let (mut left, mut batches, mut refused) = (story.as_slice(), 0, 0);
    while !left.is_empty() {
        let size = usize::try_from(rng.within(1, BATCH)).unwrap().min(left.len());
        let (batch, rest) = left.split_at(size);
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
    let digest = memory.digest();
    assert_eq!([sqlite.verify().await, postgres.verify().await], [digest.clone(), digest]);
    println!("{} commands in {batches} batches of {wallets} wallets, {refused} refused", story.len());
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
        let context = Context { now, catalogs: catalogs() };
        let reply = execute(wallet, &context, &step.command, &mut Vec::new(), &mut Touched::default());
        shown(reply.unwrap())
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
