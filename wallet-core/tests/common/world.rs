//! A wallet, a clock set by hand, and a twin of the wallet that a sweeper visits at every instant at which
//! anything is due, and which knows no more than a store would load. Wallet and twin must never disagree: lazy expiry equals swept expiry.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use wallet_core::advance::next_due;
use wallet_core::catalog::Catalog;
use wallet_core::decide::CreateWallet;
use wallet_core::reservation::{Reservation, State};
use wallet_core::view::Shown;
use wallet_core::{Answer, Catalogs, Command, Reply, ReservationId, Timestamp, Wallet};

use super::facts::Fact;
use super::invariants;
use super::ledger::Ledger;
use super::steps::Step;

/// When every scenario begins: 2026-01-01T00:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// The catalog of the scenarios.
pub(crate) const CATALOG: &str = include_str!("catalog.toml");

/// A wallet in time.
pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) catalogs: Catalogs,
    pub(crate) lazy: Ledger,
    swept: Ledger,
    states: BTreeMap<ReservationId, State>,
    /// What the last command was answered.
    pub(crate) reply: Option<Reply>,
    /// How many entries there were before the last step.
    pub(crate) mark: usize,
}

/// A new wallet to which all this has happened.
#[track_caller]
pub(crate) fn given(steps: impl IntoIterator<Item = Step>) -> World {
    given_catalog(CATALOG, steps)
}

/// The same under another catalog.
#[track_caller]
pub(crate) fn given_catalog(toml: &str, steps: impl IntoIterator<Item = Step>) -> World {
    let mut world = World::new(toml);
    world.run(&Command::CreateWallet(CreateWallet::default()));
    steps.into_iter().fold(world, World::and)
}

impl World {
    pub(crate) fn new(toml: &str) -> Self {
        Self {
            now: START,
            catalogs: Catalogs::of(Arc::new(catalog(toml, 1))),
            lazy: Ledger::new(),
            swept: Ledger::new(),
            states: BTreeMap::new(),
            reply: None,
            mark: 0,
        }
    }

    /// This happens next, and is not refused.
    #[track_caller]
    pub(crate) fn and(self, step: Step) -> Self {
        let world = self.when(step);
        if let Some(Reply { result: Err(rejection), .. }) = &world.reply {
            panic!("{}: {rejection}", rejection.reason());
        }
        world
    }

    /// This happens next.
    #[track_caller]
    pub(crate) fn when(mut self, step: Step) -> Self {
        self.mark = self.lazy.entries.len();
        match step {
            Step::Command(command) => {
                self.run(&command);
            }
            Step::Wait(time) => self.wait(time),
            Step::Until(instant) => {
                assert!(instant > self.now, "{instant} is over");
                self.wait(instant.since(self.now));
            }
            Step::ClockBack(time) => self.now = self.now.minus(time),
            Step::Freeze => self.freeze(),
            Step::Publish(toml) => self.publish(&toml),
        }
        self
    }

    /// All of this is so now.
    #[track_caller]
    pub(crate) fn then(self, facts: impl IntoIterator<Item = Fact>) -> Self {
        let wrong: Vec<String> = facts.into_iter().filter_map(|fact| fact.wrong(&self)).collect();
        assert!(wrong.is_empty(), "\n{}\nreply: {:#?}", wrong.join("\n"), self.reply);
        self
    }

    /// Runs a command on wallet and twin, and checks everything that must always hold.
    #[track_caller]
    pub(crate) fn run(&mut self, command: &Command) -> &Reply {
        let reply = self.lazy.run(&self.catalogs, self.now, command);
        let swept = self.swept.run_as_loaded(&self.catalogs, self.now, command);
        assert_eq!(
            without_hints(&reply),
            without_hints(&swept),
            "a sweeper makes no difference to the answer"
        );
        assert_eq!(self.lazy.timeless(), self.swept.timeless(), "nor to the entries");
        for ledger in [&self.lazy, &self.swept] {
            invariants::check(ledger);
        }
        invariants::check_states(&mut self.states, &self.lazy.wallet);
        self.reply.insert(reply)
    }

    /// Runs a command and checks nothing, for scenarios of very many commands.
    pub(crate) fn run_unwatched(&mut self, command: &Command) {
        self.lazy.run_unwatched(&self.catalogs, self.now, command);
        self.swept.run_unwatched(&self.catalogs, self.now, command);
    }

    /// Time passes. The sweeper pokes the twin at each instant at which something is due.
    fn wait(&mut self, time: Duration) {
        let end = self.now.plus(time);
        while let Some(at) = next_due(&self.swept.wallet, end) {
            let before = self.swept.entries.len();
            self.sweep(at);
            assert!(self.swept.entries.len() > before, "what is due happens when it is due");
        }
        self.now = end;
        self.reply = None;
    }

    /// The sweeper pokes the twin at this instant, of which the wallet knows nothing.
    pub(crate) fn sweep(&mut self, at: Timestamp) {
        let _ = self.swept.run_as_loaded(&self.catalogs, at, &Command::Poke);
    }

    fn freeze(&mut self) {
        for ledger in [&mut self.lazy, &mut self.swept] {
            ledger.wallet.frozen = true;
        }
    }

    fn publish(&mut self, toml: &str) {
        let old = Arc::clone(&self.catalogs.current);
        let next = catalog(toml, old.version + 1);
        self.catalogs.older.insert(old.version, old);
        self.catalogs.current = Arc::new(next);
        self.reply = None;
    }

    /// The wallet as a read sees it now.
    pub(crate) fn seen(&self) -> Wallet {
        self.lazy.seen(self.now)
    }

    /// A reservation as a read sees it now.
    pub(crate) fn reservation(&self, id: &str) -> Option<Reservation> {
        self.seen().reservations.remove(&ReservationId::parse(id).unwrap())
    }
}

/// A reply without the time at which a sweeper looks at its reservation.
fn without_hints(reply: &Reply) -> Reply {
    let mut reply = reply.clone();
    if let Ok(Answer { shown: Shown::Reservation(reservation), .. }) = &mut reply.result {
        reservation.sweep_at = reservation.deadline;
    }
    reply
}

fn catalog(toml: &str, version: i64) -> Catalog {
    Catalog::parse(toml).unwrap_or_else(|problems| panic!("{problems}")).with_version(version)
}
