//! Many events fall due in one wallet at once. They are processed in steps, between which other wallets are served.
//! Reads show what will be written, and the sweeper misses no wallet.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;
use wallet_core::decide::{CreateWallet, ExplicitPrice, Grant, PriceSource, ProcessDue, Reserve};
use wallet_core::entry::EntryKind;
use wallet_core::reservation::{Reservation, State};
use wallet_core::{Amounts, Command, Reply, Source, TenantId, Timestamp, WalletId, WalletKey};

use super::{Database, queued_with_answers, run};
use crate::clock::Clock;
use crate::config::BUNDLED_CATALOG;
use crate::engine::backlog::Steps;
use crate::engine::lane::Lane;
use crate::engine::queued_command::QueuedCommand;
use crate::engine::runner::BatchRunner;
use crate::engine::{Engine, EngineConfig, EngineError, Sweeper, SweeperConfig, SweeperMetrics};
use crate::query::{GroupBy, Listed, Page, ReservationFilter, UsageQuery};
use crate::store::{DueRows, Store};

/// The time at which every test begins.
pub(super) const START: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);
/// The time to live of holds.
pub(super) const TTL: Duration = Duration::from_secs(600);
/// Commands that are committed together while a wallet is filled.
const FILL: usize = 250;

/// A lane with a manual clock.
pub(super) struct World {
    pub(super) lane: Lane,
    pub(super) clock: Clock,
}

impl World {
    pub(super) async fn open(database: &Database) -> Self {
        let clock = Clock::manual(START);
        Self { lane: database.lane(&clock, BUNDLED_CATALOG).await, clock }
    }

    /// Returns a wallet of a million credits with this many holds of one credit each, all due at the same instant.
    pub(super) async fn fill(&mut self, wallet: &str, holds: usize) -> WalletId {
        let wallet: WalletId = id(wallet);
        let mut commands = vec![create(), grant("all", 1_000_000, None)];
        commands.extend((0..holds).map(|n| reserve(&format!("job-{n:06}"), 1)));
        for commands in commands.chunks(FILL) {
            let batch: Vec<_> = commands.iter().map(|command| (wallet.clone(), command.clone())).collect();
            let replies = run(&mut self.lane, &batch).await;
            assert!(replies.iter().all(|reply| reply.result.is_ok()), "{:?}", replies[0]);
        }
        wallet
    }

    async fn revision(&self, wallet: &WalletId) -> i64 {
        self.lane
            .runner
            .store
            .snapshot()
            .await
            .unwrap()
            .entries(key(wallet), 0, None, 1 << 30)
            .await
            .unwrap()
            .len() as i64
    }
}

macro_rules! on_each_database {
    ($($name:ident = $test:ident;)+) => {$(
        mod $name {
            use super::*;

            #[tokio::test]
            async fn sqlite() {
                $test(Database::sqlite()).await;
            }

            #[tokio::test]
            async fn postgres() {
                $test(Database::postgres()).await;
            }
        }
    )+};
}

on_each_database! {
    others_are_served_between_any_two_steps_of_a_wallet_in_which_much_is_due = others_are_served;
    a_read_shows_everything_that_is_due_even_if_it_is_very_much = reads_see_all;
    the_sweeper_skips_a_frozen_wallet_and_processes_all_others = frozen_stops_no_other;
    a_grant_that_expires_while_it_is_held_is_swept_once = looked_at_once;
    holds_extended_by_heartbeats_do_not_stop_a_step = heartbeats_stop_no_step;
}

const HOLDS: usize = 95;
const STEPS: Steps = Steps { together: 10, each: 4 };

async fn others_are_served(database: Database) {
    let mut world = World::open(&database).await;
    let heavy = world.fill("heavy", HOLDS).await;
    let other = world.fill("other", 0).await;
    world.lane.runner.steps = STEPS;
    world.clock.move_to(START.plus(TTL));

    let (door, mut queue) = mpsc::channel(64);
    let mut waiting = send(
        &door,
        &[(&heavy, reserve("next", 1)), (&heavy, ProcessDue.into()), (&heavy, reserve("last", 1))],
    );
    let mut revision = world.revision(&heavy).await;
    let mut turns = 0;
    while waiting[2].try_recv().is_err() {
        let mut others = send(&door, &[(&other, reserve(&format!("other-{turns}"), 1))]);
        assert!(world.lane.turn(&mut queue).await);
        assert!(answered(&mut others[0]).result.is_ok(), "other wallets wait for at most one step");
        let now = world.revision(&heavy).await;
        let most = STEPS.of(1) as i64;
        assert!(now > revision && now <= revision + most + 2, "{revision}, then {now} in turn {turns}");
        (revision, turns) = (now, turns + 1);
    }
    // In the first turn the wallet shares its step with the other one.
    assert_eq!(turns, 1 + (HOLDS - STEPS.of(2)).div_ceil(STEPS.of(1)));
    let [next, swept] = [0, 1].map(|n| answered(&mut waiting[n]));
    assert_eq!(next.revision, (2 + 2 * HOLDS + 1) as i64, "no command is decided before all due events");
    assert_eq!(swept.revision, next.revision, "the commands of a wallet keep their order");
    assert_eq!(world.revision(&heavy).await, next.revision + 1);
    database.verify().await;
}

async fn heartbeats_stop_no_step(database: Database) {
    let mut world = World::open(&database).await;
    let heavy = world.fill("heavy", 20).await;
    let beat = |n: usize| {
        let (id, lease) = (id(&format!("job-{n:06}")), Some(TTL * 2));
        (heavy.clone(), Command::Extend(wallet_core::decide::Extend { id, attempt: None, lease }))
    };
    // All holds but the last are extended, which the index does not show.
    run(&mut world.lane, &(0..19).map(beat).collect::<Vec<_>>()).await;
    world.lane.runner.steps = Steps { together: 2, each: 2 };
    world.clock.move_to(START.plus(TTL));
    let before = world.revision(&heavy).await;
    let reply = &run(&mut world.lane, &[(heavy.clone(), reserve("next", 1))]).await[0];
    assert!(reply.result.is_ok(), "{reply:?}");
    assert_eq!(world.revision(&heavy).await, before + 2, "one hold has expired, one begins");
    database.verify().await;
}

/// More than two parts of a read.
const MANY: usize = 1_100;

async fn reads_see_all(database: Database) {
    let mut world = World::open(&database).await;
    let heavy = world.fill("heavy", MANY).await;
    world.clock.move_to(START.plus(TTL));
    let queries = super::queries(&world.lane, &world.clock);
    let tenant = TenantId::DEFAULT;
    let foreseen = queries.wallet(tenant, &heavy).await.unwrap().wallet;
    let listed = |states, token| {
        let page = Page { size: 3, token };
        queries.reservations(tenant, &heavy, ReservationFilter { states, ..Default::default() }, page)
    };
    let expired = listed(vec![State::Expired], None).await.unwrap();
    let held = listed(vec![State::Held], None).await.unwrap();
    let usage = UsageQuery { group_by: vec![GroupBy::Day], ..UsageQuery::default() };
    let usage = queries.usage(tenant, &heavy, usage).await.unwrap();
    let one = queries.reservation(tenant, &heavy, &id("job-001099")).await.unwrap().1;

    let swept = run(&mut world.lane, &[(heavy.clone(), ProcessDue.into())]).await.remove(0);
    assert!(foreseen.revision < swept.revision, "due events have no revision before they are recorded");
    assert!(foreseen.version < swept.version);
    assert_eq!((foreseen.balance("credits").held, foreseen.open_reservations), (0, 0));
    assert_eq!(usage.total.expired, MANY as i64);
    assert_eq!(all(held), []);
    let now = listed(vec![State::Expired], None).await.unwrap();
    assert_eq!(all(now), all(expired));
    assert_eq!(queries.reservation(tenant, &heavy, &one.id).await.unwrap().1, one);
    database.verify().await;
}

/// Returns the most memory, in bytes, that a read takes on its own thread if this many holds of the wallet are due. Not
/// in a release build, which measures speed: there, allocations are not counted.
#[cfg(debug_assertions)]
fn memory_of_a_read(holds: usize) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = Database::sqlite();
    let (queries, heavy, clock) = runtime.block_on(async {
        let mut world = World::open(&database).await;
        let heavy = world.fill("heavy", holds).await;
        (super::queries(&world.lane, &world.clock), heavy, world.clock)
    });
    let job = id("job-000000");
    let read = || runtime.block_on(queries.reservation(TenantId::DEFAULT, &heavy, &job)).unwrap().1.state;
    assert_eq!(read(), State::Held);
    clock.move_to(START.plus(TTL));
    allocation_counter::measure(|| assert_eq!(read(), State::Expired)).bytes_max
}

#[cfg(debug_assertions)]
#[test]
fn a_read_takes_no_more_memory_if_twice_as_many_holds_are_due() {
    let (once, twice) = (memory_of_a_read(MANY), memory_of_a_read(2 * MANY));
    assert!(twice < once * 11 / 10, "{once} bytes for {MANY} holds, {twice} for twice as many");
}

async fn frozen_stops_no_other(database: Database) {
    let mut world = World::open(&database).await;
    let frozen = world.fill("frozen", 300).await;
    let mut others = Vec::new();
    for n in 0..24 {
        world.clock.move_to(START.plus(Duration::from_secs(1)));
        others.push(world.fill(&format!("other-{n}"), 1).await);
    }
    assert!(
        others.iter().any(|other| key(other).bucket() / 8 == key(&frozen).bucket() / 8),
        "some wallets are in the same part"
    );
    world.lane.runner.to_freeze.insert(key(&frozen));
    let reply = &run(&mut world.lane, &[(frozen.clone(), ProcessDue.into())]).await[0];
    assert!(reply.result.is_err(), "it is frozen");
    world.lane.runner.to_freeze.clear();
    world.clock.move_to(START.plus(TTL * 2));

    let BatchRunner { store, catalogs, .. } = &world.lane.runner;
    let tasks = TaskTracker::new();
    let config = EngineConfig { lanes: 1, ..EngineConfig::default() };
    let engine = Engine::start(store, catalogs, &world.clock, &config, &tasks).await.unwrap();
    let config = SweeperConfig::default();
    let sweeper = Sweeper {
        store: store.clone(),
        engine,
        clock: world.clock.clone(),
        config,
        metrics: SweeperMetrics::default(),
    };
    sweeper.sweep_all().await.unwrap();
    for other in &others {
        assert_eq!(last(store, other).await, EntryKind::HoldExpired, "{other}");
    }
    assert_ne!(last(store, &frozen).await, EntryKind::HoldExpired);
    for due in DueRows::ALL {
        let page = store.due_wallets(due, 0..64, world.clock.now(), None, 1_000).await.unwrap();
        assert!(page.wallets.is_empty(), "{page:?}");
    }
    database.verify().await;
}

async fn looked_at_once(database: Database) {
    let mut world = World::open(&database).await;
    let wallet: WalletId = id("w");
    let brief = START.plus(TTL / 2);
    let commands = [create(), grant("brief", 1, Some(brief)), reserve("job", 1)];
    run(&mut world.lane, &commands.map(|command| (wallet.clone(), command))).await;
    let now = world.clock.move_to(brief);
    let due = async |store: &Store| {
        store.due_wallets(DueRows::Grants, 0..64, now, None, 10).await.unwrap().wallets.len()
    };
    assert_eq!(due(&world.lane.runner.store).await, 1);
    let swept = run(&mut world.lane, &[(wallet.clone(), ProcessDue.into())]).await.remove(0);
    assert_eq!(swept.revision, 3, "held credits do not expire");
    assert_eq!(due(&world.lane.runner.store).await, 0, "the sweeper does not find it again");
    database.verify().await;
    world.clock.move_to(START.plus(TTL));
    run(&mut world.lane, &[(wallet.clone(), ProcessDue.into())]).await;
    database.verify().await;
}

type Answer = oneshot::Receiver<Result<Reply, EngineError>>;

/// Puts commands into a lane's queue.
pub(super) fn send(door: &mpsc::Sender<QueuedCommand>, commands: &[(&WalletId, Command)]) -> Vec<Answer> {
    let commands: Vec<_> =
        commands.iter().map(|(wallet, command)| ((*wallet).clone(), command.clone())).collect();
    let (queued, answers) = queued_with_answers(&commands);
    queued.into_iter().for_each(|command| door.try_send(command).unwrap());
    answers
}

fn answered(answer: &mut Answer) -> Reply {
    answer.try_recv().expect("it is answered").unwrap()
}

async fn last(store: &Store, wallet: &WalletId) -> EntryKind {
    store.snapshot().await.unwrap().entries(key(wallet), 0, None, 1 << 30).await.unwrap().last().unwrap().kind
}

pub(super) fn key(wallet: &WalletId) -> WalletKey {
    WalletKey::new(TenantId::DEFAULT, wallet)
}

pub(super) fn create() -> Command {
    Command::CreateWallet(CreateWallet { display_name: String::new(), debt_limits: Amounts::none() })
}

pub(super) fn grant(name: &str, credits: i64, expire_time: Option<Timestamp>) -> Command {
    Command::Grant(Grant {
        id: id(name),
        unit: id("credits"),
        amount: credits,
        source: Source::Promotional,
        priority: 0,
        effective_time: None,
        expire_time,
        reason: String::new(),
        labels: BTreeMap::new(),
    })
}

pub(super) fn reserve(job: &str, credits: i64) -> Command {
    let amounts = Amounts::of(&id("credits"), credits);
    Command::Reserve(Reserve {
        id: id(job),
        price: PriceSource::Explicit(ExplicitPrice {
            max_amounts: amounts.clone(),
            amounts,
            operation: None,
        }),
        limits: Amounts::none(),
        ttl: Some(TTL),
        start: None,
        actor: None,
        labels: BTreeMap::new(),
    })
}

pub(super) fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// Returns the reservations of a page.
fn all(listed: Listed<Reservation>) -> Vec<Reservation> {
    listed.taken(|reservation| Some(reservation.clone())).0
}
