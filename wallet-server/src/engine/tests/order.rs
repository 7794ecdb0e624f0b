//! Replay of the public order: eight clients on two servers that share a PostgreSQL, whose calls to it stand still now and
//! then. Version and instant of every reply say where in its wallet's history it belongs; there a single thread on the
//! core alone must give the same reply, refusals included, and end with the same ledger.
//!
//! What was done and never answered is placed by the ledger: by the instant and the hash of its entry. Extend, which
//! leaves no entry, is left out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use wallet_core::entry::Entry;
use wallet_core::{
    Command, Context, Reply, TenantId, Timestamp, Touched, Wallet, WalletId, WalletKey, execute,
};
use wallet_workload::{Rng, catalogs};

use super::traces::{Step, seed, shown, story};
use super::{Database, asked};
use crate::clock::Clock;
use crate::engine::lane::Lane;
use crate::engine::{EngineConfig, Job};
use crate::store::points::armed::STANDS_STILL_AT;

const CLIENTS: usize = 8;
const SERVERS: usize = 2;
const WALLETS: u64 = 6;
/// A client insists this often before something is wrong.
const INSISTS: usize = 50;

mod every_reply_is_that_of_a_single_thread_in_the_public_order {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        super::every_reply().await;
    }
}

async fn every_reply() {
    let seed = seed();
    let mut steps = story(seed, WALLETS);
    steps.retain(|step| !matches!(step.command, Command::Extend(_)));
    let database = Database::postgres();
    let clock = Clock::manual(steps[0].at);
    let mut servers = Vec::new();
    for number in 0..SERVERS {
        servers.push(Server::start(&database, &clock, seed, number).await);
    }
    let doors: Vec<_> = servers.iter().map(|server| server.door.clone()).collect();
    let told = everybody(steps.into(), &doors, &clock).await;
    drop(doors);
    let mut faults = 0;
    for server in servers {
        faults += server.stop().await;
    }

    let lane = database.lane(&clock, wallet_workload::CATALOG).await;
    let (mut replayed, mut refused, mut placed) = (0, 0, 0);
    for (wallet, replies) in told {
        let key = WalletKey::new(TenantId::DEFAULT, &wallet);
        let snapshot = lane.store.snapshot().await.unwrap();
        let ledger = snapshot.entries(key, 0, None, u64::from(u32::MAX)).await.unwrap();
        (replayed, refused) = (replayed + replies.len(), refused + refusals(&replies));
        placed += History { wallet: Wallet::blank(key, wallet), ledger }.replay(replies);
    }
    database.verify().await;
    assert!(faults > 0, "a database that never stands still shows nothing");
    println!(
        "{replayed} replies replayed, {refused} of them refusals, {faults} faults, {placed} placed by the ledger"
    );
}

/// A command and what was answered in the end.
struct Told {
    command: Command,
    reply: Reply,
}

fn refusals(replies: &[Told]) -> usize {
    replies.iter().filter(|told| told.reply.result.is_err()).count()
}

/// One lane, as a process has it, on a connection that stands still now and then.
struct Server {
    door: mpsc::Sender<Job>,
    lane: tokio::task::JoinHandle<()>,
    gremlin: tokio::task::JoinHandle<u64>,
    points: Arc<AtomicI64>,
}

/// What the gremlin reads when its server has gone.
const GONE: i64 = i64::MAX;

impl Server {
    async fn start(database: &Database, clock: &Clock, seed: u64, number: usize) -> Self {
        let opened = database.lane(clock, wallet_workload::CATALOG).await;
        let config = EngineConfig {
            database_timeout: Duration::from_millis(150),
            batch_max: 12,
            ..EngineConfig::default()
        };
        let lane = Lane::open(number, &opened.store, &opened.catalogs, clock, &config, Arc::default())
            .await
            .unwrap();
        let (door, jobs) = mpsc::channel(CLIENTS);
        let points = Arc::new(AtomicI64::new(40));
        let lane = tokio::spawn(STANDS_STILL_AT.scope(points.clone(), lane.run(jobs)));
        let mut rng = Rng::new(seed, 1_000 + number as u64);
        let mischief = points.clone();
        let gremlin = tokio::spawn(async move {
            let mut faults = 0;
            loop {
                tokio::task::yield_now().await;
                match mischief.load(Ordering::Relaxed) {
                    GONE => return faults,
                    left if left < 0 => {
                        faults += 1;
                        mischief.store(rng.within(30, 900), Ordering::Relaxed);
                    }
                    _ => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        });
        Self { door, lane, gremlin, points }
    }

    /// How often its database stood still.
    async fn stop(self) -> u64 {
        drop(self.door);
        self.lane.await.unwrap();
        self.points.store(GONE, Ordering::Relaxed);
        self.gremlin.await.unwrap()
    }
}

/// All clients take steps from one list until none is left, and insist until each is decided.
async fn everybody(
    steps: Arc<[Step]>,
    doors: &[mpsc::Sender<Job>],
    clock: &Clock,
) -> BTreeMap<WalletId, Vec<Told>> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for n in 0..CLIENTS {
        let (steps, next, clock) = (steps.clone(), next.clone(), clock.clone());
        let door = doors[n % doors.len()].clone();
        clients.spawn(async move {
            let mut told = Vec::new();
            while let Some(step) = steps.get(next.fetch_add(1, Ordering::Relaxed)) {
                clock.move_to(step.at);
                let reply = insist(&door, step).await;
                told.push((step.wallet.clone(), Told { command: step.command.clone(), reply: shown(reply) }));
            }
            told
        });
    }
    let mut by_wallet: BTreeMap<WalletId, Vec<Told>> = BTreeMap::new();
    for (wallet, told) in clients.join_all().await.into_iter().flatten() {
        by_wallet.entry(wallet).or_default().push(told);
    }
    by_wallet
}

async fn insist(door: &mpsc::Sender<Job>, step: &Step) -> Reply {
    for _ in 0..INSISTS {
        let (jobs, answers) = asked(&[(step.wallet.clone(), step.command.clone())]);
        for job in jobs {
            door.send(job).await.expect("the lane lives");
        }
        for answer in answers {
            if let Ok(reply) = answer.await.expect("the lane answers") {
                return reply;
            }
        }
    }
    panic!("{:?} is never decided", step.command);
}

/// A wallet's history, told again.
struct History {
    wallet: Wallet,
    ledger: Vec<Entry>,
}

impl History {
    /// Finds for every reply the place that its version says, in which it must be given again; how many commands had to be
    /// placed that nobody was answered.
    fn replay(mut self, mut left: Vec<Told>) -> usize {
        let mut placed = 0;
        left.sort_by_key(|told| (told.reply.version, told.reply.decided_at));
        while let Some(first) = left.first() {
            let version = first.reply.version;
            let mut group = left.iter().take_while(|told| told.reply.version == version);
            let fits = group.position(|told| {
                let (copy, reply) = self.then(&told.command, told.reply.decided_at);
                let fits = reply == told.reply && self.is_in_the_ledger(&copy);
                if fits {
                    self.wallet = copy;
                }
                fits
            });
            match fits {
                Some(at) => drop(left.remove(at)),
                None => {
                    self.place(&left);
                    placed += 1;
                }
            }
        }
        assert!(self.ledger.last().is_none_or(|last| last.hash == self.wallet.head), "the ledger goes on");
        placed
    }

    /// What was done next, without anybody having been told, by the ledger.
    fn place(&mut self, left: &[Told]) {
        let next = usize::try_from(self.wallet.revision).unwrap();
        let Some(entry) = self.ledger.get(next) else {
            panic!("no place for {:?} {:?} behind {:?}", left[0].command, left[0].reply, self.wallet);
        };
        // Sent again it was a replay, or refused because of what had come of it. A refused command leaves what was due, as
        // a poke does.
        let candidates = left.iter().map(|told| &told.command).chain([&Command::Poke]);
        for command in candidates {
            let (copy, _) = self.then(command, entry.record_time);
            if copy.revision > self.wallet.revision && self.is_in_the_ledger(&copy) {
                self.wallet = copy;
                return;
            }
        }
        panic!("nobody did {entry:?}; next is {:?} {:?}", left[0].command, left[0].reply);
    }

    fn then(&self, command: &Command, now: Timestamp) -> (Wallet, Reply) {
        let mut copy = self.wallet.clone();
        let context = Context { now, catalogs: catalogs() };
        let reply = execute(&mut copy, &context, command, &mut Vec::new(), &mut Touched::default()).unwrap();
        (copy, shown(reply))
    }

    fn is_in_the_ledger(&self, wallet: &Wallet) -> bool {
        match usize::try_from(wallet.revision).unwrap().checked_sub(1) {
            None => true,
            Some(last) => self.ledger.get(last).is_some_and(|entry| entry.hash == wallet.head),
        }
    }
}
