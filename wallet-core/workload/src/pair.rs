//! The core and the model, run with the same commands.

use std::sync::{Arc, LazyLock};

use wallet_core::catalog::Catalog;
use wallet_core::entry::Entry;
use wallet_core::grant::{Grant, GrantKey};
use wallet_core::reservation::State;
use wallet_core::subscription::{UnusedCredits, When};
use wallet_core::{
    Catalogs, ChangeSet, Command, Finished, Reply, ReservationId, TenantId, Timestamp, UnitOfWork, Wallet,
    WalletId, WalletKey,
};

use crate::audit::{self, Books};
use crate::model::is_other_edition;
use crate::{CATALOG, Expected, Model, Timed, compare};

/// A wallet of the core with its books and its model.
#[derive(Debug)]
pub struct Pair {
    /// The wallet of the core.
    pub wallet: Wallet,
    pub model: Model,
    catalogs: &'static Catalogs,
    books: Books,
    steps: u64,
    thorough: u64,
}

/// The number of commands between two checks of all rows.
const THOROUGH: u64 = 16;

/// Returns the catalog of the workload as the core reads it, as version 1.
pub fn catalogs() -> &'static Catalogs {
    static CATALOGS: LazyLock<Catalogs> = LazyLock::new(|| read(CATALOG));
    &CATALOGS
}

/// The plan of wallets without a subscription, in a variant of the catalog: daily credits, in terms of two weeks.
const DAILY: &str = "drip";

/// Returns the catalog of the workload, except that the default plan gives free credits each day.
fn catalogs_with_daily_credits() -> &'static Catalogs {
    static CATALOGS: LazyLock<Catalogs> = LazyLock::new(|| {
        read(&CATALOG.replacen("default_plan = \"free\"", &format!("default_plan = \"{DAILY}\""), 1))
    });
    &CATALOGS
}

/// Returns the second catalog of wallets whose catalog changes. It differs in plans whose subscribers follow it.
fn catalogs_of_other_edition() -> &'static Catalogs {
    static CATALOGS: LazyLock<Catalogs> = LazyLock::new(|| {
        let changes = [
            ("amount = 1000, rollover = { cap = 600 }", "amount = 1300, rollover = { cap = 600 }"),
            ("amount = 500, cadence = \"MONTH\"", "amount = 450, cadence = \"MONTH\""),
            ("minor_units = 11999", "minor_units = 14999"),
        ];
        let changed = changes.into_iter().fold(CATALOG.to_owned(), |text, (old, new)| {
            assert_eq!(text.matches(old).count(), 1, "{old}");
            text.replacen(old, new, 1)
        });
        read(&changed)
    });
    &CATALOGS
}

fn read(document: &str) -> Catalogs {
    let catalog = Catalog::parse(document).expect("the workload's catalog is sound");
    Catalogs::of(Arc::new(catalog.with_version(1)))
}

impl Default for Pair {
    fn default() -> Self {
        Self::new()
    }
}

impl Pair {
    /// Returns a pair before the first command.
    pub fn new() -> Self {
        let id = WalletId::parse("ann").expect("an id");
        let wallet = Wallet::blank(WalletKey::new(TenantId::DEFAULT, &id), id);
        let (catalogs, books) = (catalogs(), Books::open(&wallet));
        Self { catalogs, books, wallet, model: Model::default(), steps: 0, thorough: THOROUGH }
    }

    /// Returns a pair whose default plan gives credits every day.
    pub fn with_daily_credits() -> Self {
        let model = Model { default: DAILY, ..Model::default() };
        Self { catalogs: catalogs_with_daily_credits(), model, ..Self::new() }
    }

    /// Returns a pair whose catalog changes from time to time.
    pub fn with_changing_catalogs() -> Self {
        Self { model: Model { changing: true, ..Model::default() }, ..Self::new() }
    }

    /// Returns the catalogs at an instant.
    fn catalogs_at(&self, at: Timestamp) -> &'static Catalogs {
        if self.model.changing && is_other_edition(at) { catalogs_of_other_edition() } else { self.catalogs }
    }

    /// Returns the pair with a check of all rows after every command, so that a fault is found at its command.
    #[must_use]
    pub fn strict(self) -> Self {
        Self { thorough: 1, ..self }
    }

    /// Runs a command on both. The error has the difference or the violated invariant.
    pub fn run(&mut self, step: &Timed) -> Result<Reply, String> {
        let expected = self.model.run(step.at, &step.command);
        self.run_core(step, &expected)
    }

    /// Runs a command on the core after it was run on the model.
    pub fn run_core(&mut self, step: &Timed, expected: &Expected) -> Result<Reply, String> {
        self.steps += 1;
        let before = self.states(&step.command);
        let lives = self.lives_of_plans();
        let catalogs = self.catalogs_at(step.at);
        let mut work = UnitOfWork::open(&mut self.wallet, step.at);
        // Due events are processed in steps of one, two or three events, or all at once, in turn.
        let most = [1, 2, 3, usize::MAX][(self.steps % 4) as usize];
        let reply = loop {
            let reply = work.execute_within(most, &step.command, catalogs);
            if let Some(reply) = reply.map_err(|broken| broken.to_string())? {
                break reply;
            }
        };
        let Finished { entries, changes, .. } = work.finish();
        self.audit(&entries, &changes, &before)?;
        self.check_lives(&step.command, &lives)?;
        let thorough = self.steps.is_multiple_of(self.thorough);
        compare(&self.model, expected, &self.wallet, &reply, &entries, thorough)?;
        if thorough {
            self.figures()?;
        }
        Ok(reply)
    }

    /// Checks every invariant of every row, and that the row digests match.
    pub fn look(&self) -> Result<(), String> {
        self.figures()?;
        self.books.agree_in_words(&self.wallet)
    }

    fn figures(&self) -> Result<(), String> {
        audit::rows(&self.wallet)?;
        self.books.agree(&self.wallet)
    }

    fn lives_of_plans(&self) -> Vec<(GrantKey, Timestamp)> {
        let open = self.wallet.grants.values().filter(|grant| grant.is_open() && grant.is_of_plan());
        open.map(|grant| (grant.key.clone(), grant.expire_time)).collect()
    }

    /// Checks I25: credits of a paid period live to its end, unless the command says otherwise.
    fn check_lives(&self, command: &Command, before: &[(GrantKey, Timestamp)]) -> Result<(), String> {
        let says_otherwise = match command {
            Command::CancelSubscription(cancel) => cancel.expire_credits,
            Command::ChangePlan(change) => {
                change.when == Some(When::Now) || change.unused == Some(UnusedCredits::Expire)
            }
            Command::RefundSubscription(_) => true,
            _ => false,
        };
        let shorter = |(key, end): &&(GrantKey, Timestamp)| {
            // The credits of a provisional period that was not paid are revoked.
            let kept = |grant: &&Grant| grant.clawback.is_none();
            self.wallet.grants.get(key).filter(kept).is_some_and(|grant| grant.expire_time < *end)
        };
        match before.iter().find(shorter) {
            Some((key, _)) if !says_otherwise => Err(format!("I25: {key} ended before its time")),
            _ => Ok(()),
        }
    }

    fn states(&self, command: &wallet_core::Command) -> Vec<(ReservationId, State)> {
        let named = command.read_set().reservation;
        let watched = |id: &ReservationId, state: State| state.is_open() || named.as_ref() == Some(id);
        let jobs = self.wallet.reservations.iter().filter(|(id, job)| watched(id, job.state));
        jobs.map(|(id, job)| (id.clone(), job.state)).collect()
    }

    /// Checks I1, I2, I4, I16 and I18 of the new entries, I3 and I5 of the sums, and I7 of the jobs that changed.
    fn audit(
        &mut self,
        entries: &[Entry],
        changes: &ChangeSet,
        before: &[(ReservationId, State)],
    ) -> Result<(), String> {
        entries.iter().try_for_each(|entry| self.books.enter(entry))?;
        for (id, state) in before {
            let after = self.wallet.reservations.get(id).map(|job| job.state);
            if !after.is_some_and(|after| audit::step(*state, after)) {
                return Err(format!("I7: {id} was {state:?} and is {after:?}"));
            }
        }
        for key in &changes.grants {
            let Some(grant) = self.wallet.grants.get(key) else { continue };
            if grant.parts.total() != Some(grant.amount) {
                return Err(format!("I2: {key} of {} is {:?}", grant.amount, grant.parts));
            }
        }
        let open = self.wallet.reservations.values().filter(|job| job.state.is_open()).count();
        if self.wallet.open_reservations != open as i64 {
            return Err(format!("I5: {} of {open} are counted", self.wallet.open_reservations));
        }
        Ok(())
    }
}
