//! Sequencers that run at the same time, which the lease makes rare. The feed has every item once and in order nevertheless.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;
use wallet_core::feed::ItemTypes;
use wallet_core::{Author, TenantId, WalletId};

use super::Database;
use super::due::{START, World, reserve};
use crate::engine::{CommandRequest, Engine, EngineConfig};
use crate::store::Store;

const WALLETS: usize = 6;
/// The callers of a wallet, half of them at each server.
const CALLERS: usize = 4;
/// The jobs of a caller, each of which is an item.
const JOBS: usize = 60;
const SEQUENCERS: usize = 4;
/// The looks at an outbox that does not become empty, after the last command.
const LOOKS: usize = 50;

mod every_item_comes_once_and_in_order_although_several_sequencers_run {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        together(Database::sqlite()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn two_servers_postgres() {
        together(Database::postgres()).await;
    }
}

async fn together(database: Database) {
    let mut world = World::open(&database).await;
    let mut wallets = Vec::new();
    for n in 0..WALLETS {
        wallets.push(world.fill(&format!("w-{n}"), 0).await);
    }
    // A SQLite file has one server, with one connection for its sequencer.
    let mut stores = vec![world.lane.runner.store.clone().recording(ItemTypes::ALL)];
    if database.name() == "PostgreSQL" {
        stores.push(Store::open(&database.url).await.unwrap().recording(ItemTypes::ALL));
    }
    let (tasks, config) = (TaskTracker::new(), EngineConfig { lanes: 1, ..EngineConfig::default() });
    let mut engines = Vec::new();
    for store in &stores {
        let catalogs = &world.lane.runner.catalogs;
        engines.push(Engine::start(store, catalogs, &world.clock, &config, &tasks).await.unwrap());
    }
    let done = Arc::new(AtomicBool::new(false));
    let mut sequencers = JoinSet::new();
    for (n, store) in stores.iter().cycle().take(SEQUENCERS).enumerate() {
        sequencers.spawn(sequence(store.clone(), n, done.clone()));
    }
    let mut callers = JoinSet::new();
    for wallet in &wallets {
        for caller in 0..CALLERS {
            callers.spawn(call(engines[caller % engines.len()].clone(), wallet.clone(), caller));
        }
    }
    callers.join_all().await;
    done.store(true, Ordering::Relaxed);
    sequencers.join_all().await;
    drop(engines);
    tasks.close();
    tasks.wait().await;
    assert_eq!(stores[0].outbox().await.unwrap(), [], "nothing is left in the outbox");
    // Each wallet was created and got credits.
    let items = i64::try_from(WALLETS * (2 + CALLERS * JOBS)).unwrap();
    assert_eq!(stores[0].feed_ends().await.unwrap()[&TenantId::DEFAULT].last, items);
    database.verify().await;
}

/// Holds a credit of a wallet again and again.
async fn call(engine: Engine, wallet: WalletId, caller: usize) {
    for n in 0..JOBS {
        let request = CommandRequest {
            tenant: TenantId::DEFAULT,
            wallet: wallet.clone(),
            command: reserve(&format!("job-{caller}-{n}"), 1),
            author: Author::system(),
            deadline: None,
        };
        engine.submit(request).await.unwrap().result.unwrap();
    }
}

/// Gives positions without a pause, bucket by bucket, until the outbox stays empty after the last command. Each sequencer begins
/// with another bucket, so that they seldom wait for each other's rows.
async fn sequence(store: Store, n: usize, done: Arc<AtomicBool>) {
    let mut looks = 0;
    while looks < LOOKS {
        let is_over = done.load(Ordering::Relaxed);
        let mut buckets: Vec<i16> = store.outbox().await.unwrap().iter().map(|(bucket, _)| *bucket).collect();
        match buckets.is_empty() {
            true if is_over => return,
            true => tokio::task::yield_now().await,
            false => {
                let first = n * buckets.len() / SEQUENCERS;
                buckets.rotate_left(first);
                for bucket in buckets {
                    store.sequence(&[bucket], START).await.unwrap();
                }
            }
        }
        looks += usize::from(is_over);
    }
}
