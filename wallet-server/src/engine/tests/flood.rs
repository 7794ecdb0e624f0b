//! More commands are sent than there are places. A command without a place is refused at once and not executed; all
//! others are executed once. Commands that end jobs still find a place when those that begin jobs do not.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sea_orm::ConnectionTrait;
use tokio_util::task::TaskTracker;
use wallet_core::decide::{Cancel, ExplicitPrice, PriceSource, Reserve};
use wallet_core::{Amounts, Author, Command, Reply, TenantId, WalletId, WalletKey};
use wallet_workload::figure;

use super::cancelled::{Kind, World, command, wallet};
use super::{Database, run};
use crate::engine::{CommandRequest, Engine, EngineConfig, EngineError};
use crate::store::{Backend, LaneConnection, Store};

/// Places in the queue, and for one wallet.
const QUEUE: usize = 200;
const WALLET_QUEUE: usize = 40;
const WALLETS: usize = 8;
/// Reserves sent to each wallet. They may take three quarters of a wallet's places.
const RESERVES: usize = 45;
/// Jobs of each wallet that are cancelled during the flood.
const JOBS: usize = 5;

mod in_an_overload_each_command_is_executed_once_or_refused_at_once {
    use super::*;

    #[tokio::test]
    async fn sqlite() {
        flood(Database::sqlite()).await;
    }

    #[tokio::test]
    async fn postgres() {
        flood(Database::postgres()).await;
    }
}

async fn flood(database: Database) {
    let mut world = World::open(&database).await;
    let wallets: Vec<WalletId> = (0..WALLETS).map(|n| wallet(Kind::TopUp, &format!("flood-{n}"))).collect();
    for (n, wallet) in wallets.iter().enumerate() {
        world.prepare(Kind::TopUp, &format!("flood-{n}")).await;
        let jobs = (0..JOBS).map(|job| (wallet.clone(), reserve(&format!("early-{job}"))));
        run(&mut world.lane, &jobs.collect::<Vec<_>>()).await;
    }
    // The commands wait until the lock is released, however long that takes: the bound is the number of places.
    let config = EngineConfig {
        lanes: 1,
        waiting_per_lane: QUEUE,
        waiting_per_wallet: WALLET_QUEUE,
        queue_wait: Duration::from_secs(3_600),
        ..EngineConfig::default()
    };
    let (store, tasks) = (&world.lane.runner.store, TaskTracker::new());
    let engine = Engine::start(store, &world.lane.runner.catalogs, &world.lane.runner.clock, &config, &tasks)
        .await
        .unwrap();

    let lock = WalletLock::take(store).await;
    let mut waiting = Waiting::default();
    for n in 0..RESERVES {
        for wallet in &wallets {
            waiting.send(&engine, wallet, reserve(&format!("late-{n}")));
        }
    }
    let (reserves, turned_away) = (waiting.calls.len(), waiting.turned_away);
    for wallet in &wallets {
        for job in 0..JOBS {
            waiting.send(&engine, wallet, cancel(&format!("early-{job}")));
        }
    }
    let cancels = waiting.calls.len() - reserves;
    lock.release().await;
    let replies = waiting.answers().await;

    assert_eq!(reserves, QUEUE * 75 / 100, "the places that Reserves may take");
    assert_eq!(turned_away, WALLETS * RESERVES - reserves, "all others are refused at once");
    assert_eq!(cancels, WALLETS * JOBS, "commands that end jobs are shed last");
    assert!(replies.iter().all(|reply| reply.result.is_ok()), "{replies:?}");
    for wallet in &wallets {
        let expected = replies.iter().zip(&waiting.wallets).filter(|(_, of)| *of == wallet).count();
        assert_eq!(executed(store, wallet).await, expected, "{wallet}");
    }
    drop(engine);
    tasks.close();
    tasks.wait().await;
    database.verify().await;
    figure("flood", &[&database.name(), &QUEUE, &reserves, &cancels, &turned_away]);
}

mod a_job_can_end_while_new_jobs_are_shed_because_the_database_stalls {
    use super::*;

    #[tokio::test]
    async fn sqlite() {
        stall(Database::sqlite()).await;
    }

    #[tokio::test]
    async fn postgres() {
        stall(Database::postgres()).await;
    }
}

/// Stalls the database until a Reserve is shed. Then the Cancel of another job still finds a place, unless this thread
/// was held up for so long that even that is too late. Both are decided after the stall.
async fn stall(database: Database) {
    let mut world = World::open(&database).await;
    let wallet = wallet(Kind::TopUp, "stall");
    world.prepare(Kind::TopUp, "stall").await;
    run(&mut world.lane, &[(wallet.clone(), reserve("early"))]).await;
    let config = EngineConfig { lanes: 1, ..EngineConfig::default() };
    let (store, tasks) = (&world.lane.runner.store, TaskTracker::new());
    let engine = Engine::start(store, &world.lane.runner.catalogs, &world.lane.runner.clock, &config, &tasks)
        .await
        .unwrap();
    let mut is_shown = false;
    for attempt in 0..100 {
        let lock = WalletLock::take(store).await;
        let mut waiting = Waiting::default();
        waiting.send(&engine, &wallet, reserve(&format!("first-{attempt}")));
        while waiting.turned_away == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
            waiting.send(&engine, &wallet, reserve("early"));
        }
        assert!(!engine.admits_estimates(), "estimates are shed before");
        waiting.send(&engine, &wallet, cancel("early"));
        is_shown = waiting.turned_away == 1;
        lock.release().await;
        assert!(
            waiting.answers().await.iter().all(|reply| reply.revision > 0),
            "those that wait are decided"
        );
        if is_shown {
            break;
        }
    }
    assert!(is_shown, "a Cancel is shed as soon as a Reserve");
    drop(engine);
    tasks.close();
    tasks.wait().await;
    database.verify().await;
}

/// A call in progress.
type Call = Pin<Box<dyn Future<Output = Result<Reply, EngineError>>>>;

/// Calls in progress, in the order in which they were sent, with their wallets.
#[derive(Default)]
struct Waiting {
    calls: Vec<Call>,
    wallets: Vec<WalletId>,
    turned_away: usize,
}

impl Waiting {
    /// Sends a command, and finds out at once whether it has a place.
    fn send(&mut self, engine: &Engine, wallet: &WalletId, command: Command) {
        let (engine, tenant) = (engine.clone(), TenantId::DEFAULT);
        let submission = CommandRequest {
            tenant,
            wallet: wallet.clone(),
            command,
            author: Author::system(),
            deadline: None,
        };
        let mut call: Call = Box::pin(async move { engine.submit(submission).await });
        match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => {
                self.calls.push(call);
                self.wallets.push(wallet.clone());
            }
            Poll::Ready(answer) => {
                assert!(matches!(answer, Err(EngineError::Overloaded { .. })), "{answer:?}");
                self.turned_away += 1;
            }
        }
    }

    async fn answers(&mut self) -> Vec<Reply> {
        let mut replies = Vec::new();
        for call in self.calls.drain(..) {
            replies.push(call.await.unwrap());
        }
        replies
    }
}

/// A connection that has locked the rows that the lane needs, so that commands pile up.
struct WalletLock(LaneConnection);

impl WalletLock {
    async fn take(store: &Store) -> Self {
        let connection = store.lane().await.unwrap();
        let lock = match store.backend() {
            Backend::Sqlite => "BEGIN IMMEDIATE",
            Backend::Postgres => "BEGIN; LOCK TABLE wallets IN EXCLUSIVE MODE",
        };
        connection.raw().execute_unprepared(lock).await.unwrap();
        Self(connection)
    }

    async fn release(self) {
        self.0.raw().execute_unprepared("ROLLBACK").await.unwrap();
        self.0.close().await.unwrap();
    }
}

/// Returns the command that reserves one credit for a job.
fn reserve(id: &str) -> Command {
    let Command::Reserve(reserve) = command(Kind::Reserve) else { unreachable!("that is what it makes") };
    let amounts = Amounts::of(&"credits".parse().unwrap(), 1);
    let price =
        PriceSource::Explicit(ExplicitPrice { max_amounts: amounts.clone(), amounts, operation: None });
    Command::Reserve(Reserve { id: id.parse().unwrap(), price, ..reserve })
}

fn cancel(id: &str) -> Command {
    let Command::Cancel(cancel) = command(Kind::Cancel) else { unreachable!("that is what it makes") };
    Command::Cancel(Cancel { id: id.parse().unwrap(), ..cancel })
}

/// Returns the number of commands in the ledger after the preparations.
async fn executed(store: &Store, wallet: &WalletId) -> usize {
    let key = WalletKey::new(TenantId::DEFAULT, wallet);
    let snapshot = store.snapshot().await.unwrap();
    let entries = snapshot.entries(key, 0, None, u64::from(u32::MAX)).await.unwrap();
    let made_and_topped_up = 2;
    entries.len() - made_and_topped_up - JOBS
}
