//! A wallet with a manual clock, and its twin. A sweeper visits the twin at every instant at which an event is
//! due, and the twin knows no more than a store would load. Wallet and twin must never differ: lazy expiry equals
//! swept expiry.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use wallet_core::catalog::Catalog;
use wallet_core::decide::{CreateWallet, ProcessDue};
use wallet_core::reservation::{Reservation, State};
use wallet_core::{Catalogs, Command, Reply, ReservationId, Timestamp, Wallet, next_due};

use super::facts::Fact;
use super::invariants;
use super::ledger::Ledger;
use super::steps::Step;

/// The start of every scenario: 2026-01-01T00:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// The catalog of the scenarios.
pub(crate) const CATALOG: &str = include_str!("catalog.toml");

/// A wallet with its twin, its clock and its catalogs.
pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) catalogs: Catalogs,
    pub(crate) lazy: Ledger,
    swept: Ledger,
    states: BTreeMap<ReservationId, State>,
    /// The reply to the last command.
    pub(crate) reply: Option<Reply>,
    /// The number of entries before the last step.
    pub(crate) mark: usize,
}

/// Returns a new wallet after these steps.
#[track_caller]
pub(crate) fn given(steps: impl IntoIterator<Item = Step>) -> World {
    given_catalog(CATALOG, steps)
}

/// Returns a new wallet after these steps, under another catalog.
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

    /// Takes a step that must not be refused.
    #[track_caller]
    pub(crate) fn and(self, step: Step) -> Self {
        let world = self.when(step);
        if let Some(Reply { result: Err(rejection), .. }) = &world.reply {
            panic!("{}: {rejection}", rejection.reason());
        }
        world
    }

    /// Takes a step.
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

    /// Asserts that all facts hold now.
    #[track_caller]
    pub(crate) fn then(self, facts: impl IntoIterator<Item = Fact>) -> Self {
        let wrong: Vec<String> = facts.into_iter().filter_map(|fact| fact.wrong(&self)).collect();
        assert!(wrong.is_empty(), "\n{}\nreply: {:#?}", wrong.join("\n"), self.reply);
        self
    }

    /// Runs a command on the wallet and its twin, and checks the invariants.
    #[track_caller]
    pub(crate) fn run(&mut self, command: &Command) -> &Reply {
        let reply = self.lazy.run(&self.catalogs, self.now, command);
        let swept = self.swept.run_as_loaded(&self.catalogs, self.now, command);
        let (lazy, swept) = (reply.clone().without_hint(), swept.without_hint());
        assert_eq!(lazy, swept, "a sweeper does not change the reply");
        assert_eq!(self.lazy.timeless(), self.swept.timeless(), "a sweeper does not change the entries");
        for ledger in [&self.lazy, &self.swept] {
            invariants::check(ledger);
        }
        invariants::check_states(&mut self.states, &self.lazy.wallet);
        self.reply.insert(reply)
    }

    /// Runs a command without checks, for scenarios with very many commands.
    pub(crate) fn run_unwatched(&mut self, command: &Command) {
        self.lazy.run_unwatched(&self.catalogs, self.now, command);
        self.swept.run_unwatched(&self.catalogs, self.now, command);
    }

    /// Lets time pass. The sweeper visits the twin at each instant at which an event is due.
    fn wait(&mut self, time: Duration) {
        let end = self.now.plus(time);
        while let Some(at) = next_due(&self.swept.wallet, end) {
            let before = self.swept.entries.len();
            self.sweep(at);
            assert!(self.swept.entries.len() > before, "a due event is processed at its instant");
        }
        self.now = end;
        self.reply = None;
    }

    /// The sweeper visits the twin at this instant. The wallet is not visited.
    pub(crate) fn sweep(&mut self, at: Timestamp) {
        let _ = self.swept.run_as_loaded(&self.catalogs, at, &ProcessDue.into());
    }

    fn freeze(&mut self) {
        for ledger in [&mut self.lazy, &mut self.swept] {
            ledger.wallet.frozen = true;
        }
    }

    fn publish(&mut self, toml: &str) {
        let old = Arc::clone(&self.catalogs.current);
        let next = catalog(toml, old.version + 1);
        self.catalogs.replaced.insert(old.version, self.now);
        self.catalogs.older.insert(old.version, old);
        self.catalogs.current = Arc::new(next);
        self.reply = None;
    }

    /// Returns the wallet as a read sees it now.
    pub(crate) fn seen(&self) -> Wallet {
        self.lazy.seen(self.now)
    }

    /// Returns a reservation as a read sees it now.
    pub(crate) fn reservation(&self, id: &str) -> Option<Reservation> {
        self.seen().reservations.remove(&ReservationId::parse(id).unwrap())
    }
}

fn catalog(toml: &str, version: i64) -> Catalog {
    Catalog::parse(toml).unwrap_or_else(|problems| panic!("{problems}")).with_version(version)
}
