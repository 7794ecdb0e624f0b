//! A batch is dropped before or after any call to the database, or during one. It must take effect completely or
//! not at all, as the same batch shows when it runs again. Its only connection is never passed on inside a
//! transaction.
//!
//! The test does not list the calls of a batch: it drops the batch at the first failpoint, at the second and so on,
//! until the batch runs to its end.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::Poll;

use wallet_core::decide::{
    Cancel, Cost, CreateWallet, ExplicitPrice, Extend, Outcome, PriceSource, Purchase, Reserve, Settle,
    Start, StartOptions, Subscribe, TopUp,
};
use wallet_core::payment::Paid;
use wallet_core::reservation::CancelReason;
use wallet_core::sold::Overrides;
use wallet_core::{Amounts, Command, Reply, UnitId, WalletId};
use wallet_workload::figure;

use super::{Database, queued, run};
use crate::BUNDLED_CATALOG;
use crate::clock::Clock;
use crate::engine::EngineConfig;
use crate::engine::lane::Lane;
use crate::store::{failpoints, is_inside_a_transaction};

/// The commands that are dropped: the seven that move credits, and one that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Reserve,
    Start,
    Extend,
    Settle,
    Cancel,
    TopUp,
    Subscribe,
    Refused,
}

pub(super) const ALL: [Kind; 8] = [
    Kind::Reserve,
    Kind::Start,
    Kind::Extend,
    Kind::Settle,
    Kind::Cancel,
    Kind::TopUp,
    Kind::Subscribe,
    Kind::Refused,
];

/// The place at which a batch is dropped.
#[derive(Debug, Clone, Copy)]
enum Drop {
    AtPoint(i64),
    AfterPolls(i64),
}

mod a_batch_that_is_dropped_anywhere_takes_effect_completely_or_not_at_all {
    use super::*;

    #[tokio::test]
    async fn sqlite() {
        everywhere(Database::sqlite()).await;
    }

    #[tokio::test]
    async fn postgres() {
        everywhere(Database::postgres()).await;
    }
}

async fn everywhere(database: Database) {
    // On PostgreSQL a batch of kept wallets is a single statement.
    let least_calls = if database.name() == "SQLite" { [(0, 8), (1_000, 3)] } else { [(0, 6), (1_000, 1)] };
    for (cached_rows, least_calls) in least_calls {
        dropped_everywhere(&database, cached_rows, least_calls).await;
    }
    database.verify().await;
}

/// Drops batches of a lane that keeps this many rows in memory, and makes at least this many calls to the database.
async fn dropped_everywhere(database: &Database, cached_rows: usize, least_calls: i64) {
    let mut world = World::open_with(database, cached_rows).await;
    for batch in ALL.iter().map(std::slice::from_ref).chain([ALL.as_slice()]) {
        let points = world.dropped(batch, Drop::AtPoint).await;
        let polls = world.dropped(batch, Drop::AfterPolls).await;
        let name =
            if batch.len() == 1 { format!("{:?}", batch[0]) } else { "all of these together".to_owned() };
        figure("dropped", &[&name, &database.name(), &cached_rows, &points, &polls]);
        assert!(points >= 2 * least_calls, "{batch:?} has only {points} points");
    }
}

pub(super) struct World {
    pub(super) lane: Lane,
    cached_rows: usize,
    /// The number of entries that each kind of command makes without a disturbance.
    pub(super) entries: BTreeMap<Kind, i64>,
}

impl World {
    /// Opens a lane that keeps no wallets in memory, so that each batch reads all its rows.
    pub(super) async fn open(database: &Database) -> Self {
        Self::open_with(database, 0).await
    }

    /// Opens a lane that keeps this many rows in memory.
    async fn open_with(database: &Database, cached_rows: usize) -> Self {
        let config = EngineConfig { cached_rows, ..EngineConfig::default() };
        let lane = database.lane_with(&Clock::system(), BUNDLED_CATALOG, &config).await;
        let mut world = Self { lane, cached_rows, entries: BTreeMap::new() };
        for kind in ALL {
            let round = format!("model-{cached_rows}");
            let before = world.prepare(kind, &round).await;
            let after = run(&mut world.lane, &[(wallet(kind, &round), command(kind))]).await[0].revision;
            world.entries.insert(kind, after - before);
        }
        world
    }

    /// Drops a batch of these commands at every place, and returns the number of places.
    async fn dropped(&mut self, kinds: &[Kind], drop: fn(i64) -> Drop) -> i64 {
        for n in 0.. {
            let drop = drop(n);
            let (mut batch, mut before) = (Vec::new(), Vec::new());
            for &kind in kinds {
                let round = format!("{}-{drop}-{}", kinds.len(), self.cached_rows);
                before.push(self.prepare(kind, &round).await);
                batch.push((wallet(kind, &round), command(kind)));
            }
            let done = until(drop, self.lane.runner.run_batch(&queued(&batch), false)).await;
            assert!(!is_inside_a_transaction(self.lane.runner.connection.raw()).await, "{kinds:?} {drop}");
            let again = run(&mut self.lane, &batch).await;
            for ((&kind, before), reply) in kinds.iter().zip(before).zip(&again) {
                assert_eq!(reply.revision, before + self.entries[&kind], "{kind:?} in {kinds:?} {drop}");
                assert_eq!(reply.result.is_err(), kind == Kind::Refused, "{kind:?} {drop}: {reply:?}");
            }
            if let Some(done) = done {
                let done: Vec<Reply> =
                    done.unwrap().into_iter().map(|reply| reply.unwrap().unwrap()).collect();
                let revisions = |replies: &[Reply]| replies.iter().map(|r| r.revision).collect::<Vec<_>>();
                assert_eq!(revisions(&done), revisions(&again), "{kinds:?} happened twice");
                return n;
            }
        }
        unreachable!("every batch runs to its end")
    }

    /// Creates a wallet for this kind of command, and returns its revision.
    pub(super) async fn prepare(&mut self, kind: Kind, round: &str) -> i64 {
        let create = CreateWallet { display_name: String::new(), debt_limits: Amounts::none() };
        let mut commands = vec![Command::CreateWallet(create), self::command(Kind::TopUp)];
        if let Command::TopUp(top_up) = &mut commands[1] {
            top_up.id = "first".parse().unwrap();
        }
        if matches!(kind, Kind::Start | Kind::Extend | Kind::Settle | Kind::Cancel) {
            commands.push(self::command(Kind::Reserve));
        }
        let batch: Vec<_> = commands.into_iter().map(|command| (wallet(kind, round), command)).collect();
        run(&mut self.lane, &batch).await.last().unwrap().revision
    }
}

/// Polls the future until it is done, or until it is to be dropped. In the second case there is no output.
async fn until<F: Future>(drop: Drop, future: F) -> Option<F::Output> {
    let (points, mut polls) = match drop {
        Drop::AtPoint(n) => (n, i64::MAX),
        Drop::AfterPolls(n) => (i64::MAX, n),
    };
    let left = Arc::new(AtomicI64::new(points));
    let mut future = pin!(failpoints::armed::HANG_AT.scope(left.clone(), future));
    std::future::poll_fn(|context| {
        if polls == 0 {
            return Poll::Ready(None);
        }
        polls -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left.load(Ordering::Relaxed) < 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

impl fmt::Display for Drop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Drop::AtPoint(n) => write!(f, "at-point-{n}"),
            Drop::AfterPolls(n) => write!(f, "after-poll-{n}"),
        }
    }
}

pub(super) fn wallet(kind: Kind, round: &str) -> WalletId {
    format!("{kind:?}-{round}").parse().unwrap()
}

pub(super) fn command(kind: Kind) -> Command {
    let (id, amount) = ("job".parse().unwrap(), if kind == Kind::Refused { 1_000 } else { 40 });
    let amounts = Amounts::of(&"credits".parse::<UnitId>().unwrap(), amount);
    match kind {
        Kind::Reserve | Kind::Refused => Command::Reserve(Reserve {
            id,
            price: PriceSource::Explicit(ExplicitPrice {
                max_amounts: amounts.clone(),
                amounts,
                operation: None,
            }),
            limits: Amounts::none(),
            ttl: None,
            start: None,
            actor: None,
            labels: BTreeMap::new(),
        }),
        Kind::Start => {
            let options = StartOptions { worker: "gpu".parse().unwrap(), attempt: 1, lease: None };
            Command::Start(Start { id, options })
        }
        Kind::Extend => Command::Extend(Extend { id, attempt: None, lease: None }),
        Kind::Settle => {
            let outcome = Outcome::Succeeded(Cost::AsReserved);
            Command::Settle(Settle { id, attempt: None, outcome, accept_late: false })
        }
        Kind::Cancel => {
            let (reason, max_fees) = (CancelReason::User, Amounts::none());
            Command::Cancel(Cancel { id, reason, max_fees, allow_missing: false })
        }
        Kind::TopUp => Command::TopUp(TopUp {
            id: "second".parse().unwrap(),
            purchase: Purchase::Amount("credits".parse().unwrap(), 100),
            external_ref: None,
            line: None,
            paid_amount: None,
            paid_time: None,
            labels: BTreeMap::new(),
        }),
        Kind::Subscribe => {
            let (request, plan) = ("request".parse().unwrap(), "creator".to_owned());
            Command::Subscribe(Subscribe {
                quantity: None,
                request,
                plan,
                overrides: Overrides::default(),
                anchor: None,
                paid: Paid::default(),
            })
        }
    }
}
