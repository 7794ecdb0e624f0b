//! Wallets of several tenants in one batch: each is decided and read at the time of its tenant.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;
use wallet_core::{Author, Command, TenantId, Timestamp, WalletId, WalletKey};

use super::due::{TTL, create, grant, reserve};
use super::verify_speed::id;
use super::{Database, queries, queued};
use crate::clock::Clock;
use crate::config::BUNDLED_CATALOG;
use crate::engine::lane::Lane;
use crate::engine::queued_command::QueuedCommand;
use crate::engine::runner::BatchRunner;
use crate::engine::sweeper::AheadSweep;
use crate::engine::{
    ClockError, Engine, EngineConfig, MovableTime, Step, Sweeper, SweeperConfig, SweeperMetrics,
};
use crate::keys::Mode;
use crate::store::{Change, ClockMove};
use crate::tenants::Tenants;

const START: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);
const DAY: Duration = Duration::from_secs(86_400);

async fn each_at_its_time(database: Database) {
    let clock = Clock::manual(START);
    let mut lane = database.lane(&clock, BUNDLED_CATALOG).await;
    let tenants = Tenants { store: lane.runner.store.clone(), clock: clock.clone() };
    let author = Author::system();
    let made = tenants.create("sandbox", Mode::Test, BUNDLED_CATALOG, &author).await.unwrap();
    let test = TenantId(made.row.tenant);
    lane.runner.catalogs.know(test).await.unwrap();
    clock.learn([(test, DAY)]);

    let wallet: WalletId = id("w");
    let mut batch = queued(&[(wallet.clone(), create()), (wallet.clone(), create())]);
    (batch[1].tenant, batch[1].key) = (test, WalletKey::new(test, &wallet));
    for later in [Duration::ZERO, DAY] {
        clock.move_to(START.plus(later));
        let answers = lane.runner.run_batch(&batch, later == DAY).await.unwrap();
        let times: Vec<_> = answers.into_iter().map(|reply| reply.unwrap().unwrap().decided_at).collect();
        assert_eq!(times, [START.plus(later), START.plus(later + DAY)]);
        let queries = queries(&lane, &clock);
        for (tenant, time) in [(TenantId::DEFAULT, later), (test, later + DAY)] {
            let read = queries.wallet(tenant, &wallet).await.unwrap();
            assert_eq!(read.read_time, START.plus(time));
        }
    }
    database.verify().await;
}

/// Two test tenants with a clock that is ahead, and a live one, each with three wallets in which a hold is due by the
/// clock that is ahead.
struct Ahead {
    lane: Lane,
    clock: Clock,
    /// In the order of their ids.
    tests: [TenantId; 2],
}

fn commands(tenant: TenantId, wallet: &WalletId, commands: &[Command]) -> Vec<QueuedCommand> {
    let batch: Vec<_> = commands.iter().map(|command| (wallet.clone(), command.clone())).collect();
    let mut batch = queued(&batch);
    for command in &mut batch {
        (command.tenant, command.key) = (tenant, WalletKey::new(tenant, wallet));
    }
    batch
}

async fn two_ahead(database: &Database) -> Ahead {
    let clock = Clock::manual(START);
    let mut lane = database.lane(&clock, BUNDLED_CATALOG).await;
    let tenants = Tenants { store: lane.runner.store.clone(), clock: clock.clone() };
    let author = Author::system();
    let mut tests = [TenantId::DEFAULT; 2];
    for (test, name) in tests.iter_mut().zip(["one", "two"]) {
        *test =
            TenantId(tenants.create(name, Mode::Test, BUNDLED_CATALOG, &author).await.unwrap().row.tenant);
        lane.runner.catalogs.know(*test).await.unwrap();
    }
    tests.sort();
    for tenant in [TenantId::DEFAULT, tests[0], tests[1]] {
        for wallet in ["a", "b", "c"] {
            let first = [create(), grant("g", 10, None), reserve("job", 1)];
            let batch = commands(tenant, &id(wallet), &first);
            for answer in lane.runner.run_batch(&batch, false).await.unwrap() {
                answer.unwrap().unwrap().result.unwrap();
            }
        }
    }
    for test in tests {
        move_stored_clock(&lane, test).await;
        clock.learn([(test, TTL)]);
    }
    Ahead { lane, clock, tests }
}

async fn move_stored_clock(lane: &Lane, tenant: TenantId) {
    let transaction = lane.runner.store.begin_control().await.unwrap();
    let row = transaction.move_clock(tenant, ClockMove::By(TTL)).await.unwrap().unwrap();
    let change = Change { action: "tenant.advance_clock", subject: row.name, details: String::new() };
    transaction.commit(change.row(tenant, &Author::system(), START)).await.unwrap();
}

async fn found_page_by_page(database: Database) {
    let Ahead { lane, clock, tests } = two_ahead(&database).await;
    let store = &lane.runner.store;
    // The row of the live tenant is as after an edit by hand.
    move_stored_clock(&lane, TenantId::DEFAULT).await;
    let mut clocks = store.tenant_clocks().await.unwrap();
    clocks.sort();
    assert_eq!(clocks, tests.map(|test| (test, TTL)), "no clock of a live tenant moves");
    for only in [None, Some(tests[0]), Some(tests[1]), Some(TenantId::DEFAULT)] {
        let (mut pages, mut after) = (Vec::<Vec<(TenantId, String)>>::new(), None);
        loop {
            let page = store.due_wallets_ahead(only, clock.now(), after, 2).await.unwrap();
            pages.push(page.wallets.into_iter().map(|due| (due.tenant, due.wallet.to_string())).collect());
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let [one, two] = tests;
        let of = |tenant: TenantId, wallet: &str| (tenant, wallet.to_owned());
        let expected: Vec<Vec<_>> = match only {
            None => vec![
                vec![of(one, "a"), of(one, "b")],
                vec![of(one, "c"), of(two, "a")],
                vec![of(two, "b"), of(two, "c")],
                Vec::new(),
            ],
            Some(TenantId::DEFAULT) => vec![Vec::new()],
            Some(test) => vec![vec![of(test, "a"), of(test, "b")], vec![of(test, "c")]],
        };
        assert_eq!(pages, expected, "{only:?}");
    }
}

async fn sweeper(lane: &Lane, clock: &Clock) -> Sweeper {
    let BatchRunner { store, catalogs, .. } = &lane.runner;
    let (tasks, config) = (TaskTracker::new(), EngineConfig { lanes: 1, ..EngineConfig::default() });
    let engine = Engine::start(store, catalogs, clock, &config, &tasks).await.unwrap();
    let (store, clock, config) = (store.clone(), clock.clone(), SweeperConfig::default());
    Sweeper { store, engine, clock, config, metrics: SweeperMetrics::default() }
}

async fn swept_without_waiting(database: Database) {
    let Ahead { lane, clock, tests } = two_ahead(&database).await;
    let store = &lane.runner.store;
    let sweeper = sweeper(&lane, &clock).await;
    let mut ahead = AheadSweep::of_at_most(1);
    // The first command is in progress when there is no room for the second one.
    sweeper.sweep_ahead(&mut ahead).await.unwrap();
    assert_eq!(ahead.place, Some((tests[0].0, "a".to_owned())));
    let due = || async {
        let page = store.due_wallets_ahead(None, clock.now(), None, 10).await.unwrap();
        page.wallets.len()
    };
    assert!(due().await >= 5);
    while due().await > 0 {
        sweeper.sweep_ahead(&mut ahead).await.unwrap();
    }
    assert_eq!(sweeper.sweep_all().await.unwrap(), 0);
    database.verify().await;
}

#[tokio::test]
async fn one_clock_moves_at_a_time_and_live_tenants_are_refused_at_once() {
    let database = Database::sqlite();
    let Ahead { lane, tests, .. } = two_ahead(&database).await;
    let (store, clock) = (lane.runner.store.clone(), Clock::system());
    let sweeper = sweeper(&lane, &clock).await;
    let time = MovableTime { store, clock, sweeper, turn: Arc::default() };
    let (step, author) = (Step::By(DAY), Author::system());
    let turn = time.turn.clone().lock_owned().await;
    // A transaction of another call has the lock for writes.
    let writing = time.store.begin_control().await.unwrap();
    let live = time.advance(TenantId::DEFAULT, step, &author).await;
    assert!(matches!(live, Err(ClockError::Live)), "{live:?}");
    let busy = time.advance(tests[0], step, &author).await;
    assert!(matches!(busy, Err(ClockError::Busy)), "{busy:?}");
    drop((turn, writing));
    time.advance(tests[0], step, &author).await.unwrap();
}

#[tokio::test]
async fn due_wallets_of_moved_clocks_are_found_page_by_page_on_sqlite() {
    found_page_by_page(Database::sqlite()).await;
}

#[tokio::test]
async fn due_wallets_of_moved_clocks_are_found_page_by_page_on_postgres() {
    found_page_by_page(Database::postgres()).await;
}

#[tokio::test]
async fn the_sweep_of_moved_clocks_keeps_its_place_without_room_on_sqlite() {
    swept_without_waiting(Database::sqlite()).await;
}

#[tokio::test]
async fn the_sweep_of_moved_clocks_keeps_its_place_without_room_on_postgres() {
    swept_without_waiting(Database::postgres()).await;
}

#[tokio::test]
async fn wallets_of_one_batch_have_the_times_of_their_tenants_on_sqlite() {
    each_at_its_time(Database::sqlite()).await;
}

#[tokio::test]
async fn wallets_of_one_batch_have_the_times_of_their_tenants_on_postgres() {
    each_at_its_time(Database::postgres()).await;
}
