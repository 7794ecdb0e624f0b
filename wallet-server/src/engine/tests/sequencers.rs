//! Sequencers that run at the same time, which the lease makes rare. The feed has every item once and in order
//! nevertheless.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::task::TaskTracker;
use wallet_core::feed::ItemTypes;
use wallet_core::{Author, TenantId, WalletId};

use super::due::{START, World, grant, reserve};
use super::{Database, run, session};
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

/// Gives positions without a pause, bucket by bucket, until the outbox stays empty after the last command. Each
/// sequencer begins with another bucket, so that they seldom wait for each other's rows.
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

/// Another transaction keeps the head of the feed until two sequencers of different buckets wait for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sequencers_that_meet_at_the_head_of_a_feed_take_turns() {
    let database = Database::postgres();
    let mut world = World::open(&database).await;
    let stores = [world.lane.runner.store.clone(), Store::open(&database.url).await.unwrap()];
    world.fill("first", 0).await;
    let buckets = waiting_buckets(&stores[0]).await;
    assert_eq!(
        stores[0].sequence(&buckets, START).await.unwrap(),
        2,
        "the wallet was created and got credits"
    );
    world.fill("ann", 0).await;
    let bob = world.fill("bob", 0).await;
    // With different numbers of items, equal positions are not refused as the same block twice.
    run(&mut world.lane, &[(bob, grant("more", 5, None))]).await;
    let buckets = waiting_buckets(&stores[0]).await;
    assert_eq!(buckets.len(), 2, "the wallets are in different buckets");

    let connection = session(&database.url).await;
    #[expect(clippy::disallowed_methods, reason = "another server's transaction")]
    let head = connection.begin().await.unwrap();
    head.execute_unprepared("SELECT last_position FROM feed_heads FOR UPDATE").await.unwrap();
    let sequencers: Vec<JoinHandle<usize>> = (stores.into_iter().zip(buckets))
        .map(|(store, bucket)| tokio::spawn(async move { store.sequence(&[bucket], START).await.unwrap() }))
        .collect();
    // One that does not wait for the head comes to its end.
    while waiting_sessions(&connection).await + ended(&sequencers) < sequencers.len() {
        tokio::task::yield_now().await;
    }
    head.rollback().await.unwrap();
    let mut items = 0;
    for sequencer in sequencers {
        items += sequencer.await.unwrap();
    }
    assert_eq!(items, 5);
    assert_eq!(world.lane.runner.store.feed_ends().await.unwrap()[&TenantId::DEFAULT].last, 7);
    database.verify().await;
}

async fn waiting_buckets(store: &Store) -> Vec<i16> {
    store.outbox().await.unwrap().into_iter().map(|(bucket, _)| bucket).collect()
}

fn ended(tasks: &[JoinHandle<usize>]) -> usize {
    tasks.iter().filter(|task| task.is_finished()).count()
}

/// Returns the number of sessions of this database that wait for a lock.
async fn waiting_sessions(connection: &DatabaseConnection) -> usize {
    let sql = "SELECT count(*) AS waiting FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let row = connection.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap();
    usize::try_from(row.unwrap().try_get::<i64>("", "waiting").unwrap()).unwrap()
}
