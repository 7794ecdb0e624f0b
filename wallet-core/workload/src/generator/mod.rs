//! Random commands. Most of them can be carried out, because a history of refusals tests little: they are chosen by
//! the state of the model, among open jobs, available credits and the plans that allow them.

mod auto_top_up;
mod credits;
mod jobs;
mod plans;
mod returned_payments;
mod wrong;

use wallet_core::decide::{CreateWallet, ProcessDue};
use wallet_core::wallet::WalletStatus;
use wallet_core::{Amounts, Command, Timestamp, UnitId, WalletId};

use crate::model::{DAY, Expected, HOUR, Model, SECOND, Unit};
use crate::rng::Rng;

/// A command with the instant of its decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Timed {
    pub at: Timestamp,
    pub command: Command,
}

/// The time between commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Microseconds, for a server with its own clock. Nothing becomes due.
    Still,
    /// Seconds to months, sometimes slightly backwards.
    Calendar,
}

/// A random history of one wallet.
#[derive(Debug)]
pub struct Generator {
    rng: Rng,
    pace: Pace,
    clock: i64,
    ids: u32,
    done: Vec<Command>,
}

/// Returns the first `length` commands of the `wallet`-th history of a seed, for the wallet of this id.
pub fn trace(seed: u64, wallet: u64, id: &WalletId, length: usize, pace: Pace) -> Vec<Timed> {
    let mut generator = Generator::new(seed, wallet, pace);
    let mut model = Model::of(id);
    (0..length).map(|_| generator.next(&mut model).0).collect()
}

type Choice = (i64, fn(&mut Generator, &Model) -> Option<Command>);

/// The choices with their weights. A choice that is not possible is skipped.
const CHOICES: [Choice; 19] = [
    (25, Generator::reserve),
    (9, Generator::start),
    (6, Generator::extend),
    (19, Generator::settle),
    (6, Generator::cancel),
    (8, Generator::credit),
    (2, Generator::revoke),
    (2, Generator::money_back),
    (4, Generator::provider_refund),
    (2, Generator::goodwill),
    (2, Generator::dispute_won),
    (1, Generator::close),
    (2, Generator::update),
    (8, Generator::plan),
    (6, Generator::pay_late),
    (4, Generator::auto_top_up),
    (2, Generator::process_due),
    (8, Generator::again),
    (5, Generator::wrong),
];

impl Generator {
    /// Returns the `wallet`-th history of a seed, beginning at an instant of 2026 or 2027.
    pub fn new(seed: u64, wallet: u64, pace: Pace) -> Self {
        let mut rng = Rng::new(seed, wallet);
        let clock = 1_767_225_600 * SECOND + rng.within(0, 730 * 24 * 3600) * SECOND;
        Self { rng, pace, clock, ids: 0, done: Vec::new() }
    }

    /// Returns the next command and its expected result, and updates the model.
    pub fn next(&mut self, model: &mut Model) -> (Timed, Expected) {
        self.clock = self.later(model);
        let back = self.pace == Pace::Calendar && self.rng.percent(2);
        let at = self.clock - if back { self.rng.within(1, 60) * SECOND } else { 0 };
        let at = Timestamp::from_micros(at);
        model.pass(at);
        let command = self.choose(model);
        let expected = model.run(at, &command);
        if expected.result.as_ref().is_ok_and(|answered| !answered.replayed) {
            self.done.push(command.clone());
        }
        (Timed { at, command }, expected)
    }

    /// Returns the next instant: mostly soon, sometimes exactly or nearly the one at which an event becomes due.
    fn later(&mut self, model: &Model) -> i64 {
        let rng = &mut self.rng;
        if self.pace == Pace::Still {
            return self.clock + rng.within(1, 1000);
        }
        let near = self.clock + 40 * DAY;
        // A period that is not paid, before one that is, often ends before anything else happens.
        let ends_unpaid = model.sub.as_ref().is_some_and(|sub| sub.provisional && !sub.paid.is_empty());
        let chance = if ends_unpaid { 40 } else { 6 };
        let is_near = |due: &i64| (self.clock..near).contains(due);
        if let Some(due) = model.upcoming().filter(|due| rng.percent(chance) && is_near(due)) {
            return due + rng.within(-1, 1);
        }
        let pause = match rng.within(0, 99) {
            0..72 => rng.within(0, 30) * SECOND,
            72..89 => rng.within(30, 1200) * SECOND,
            89..95 => rng.within(1, 30) * HOUR / 2,
            95..99 => rng.within(1, 8) * DAY,
            _ => rng.within(1, 70) * DAY,
        };
        self.clock + pause
    }

    fn choose(&mut self, model: &Model) -> Command {
        if model.created.is_none() && self.rng.percent(95) {
            return self.create();
        }
        for _ in 0..20 {
            let mut n = self.rng.within(1, CHOICES.iter().map(|(weight, _)| weight).sum());
            let choice = CHOICES.iter().find(|(weight, _)| {
                n -= weight;
                n <= 0
            });
            if let Some(command) = choice.and_then(|(_, choose)| choose(self, model)) {
                return command;
            }
        }
        ProcessDue.into()
    }

    fn create(&mut self) -> Command {
        let display_name = if self.rng.percent(50) { "Ann".to_owned() } else { String::new() };
        let limit = self.rng.within(1, 100);
        let debt_limits = if self.rng.percent(40) { amounts(&[("credits", limit)]) } else { Amounts::none() };
        Command::CreateWallet(CreateWallet { display_name, debt_limits })
    }

    #[allow(clippy::unnecessary_wraps, clippy::unused_self, reason = "the signature of all choices")]
    fn process_due(&mut self, _: &Model) -> Option<Command> {
        Some(ProcessDue.into())
    }

    /// Repeats an earlier command, mostly the last.
    fn again(&mut self, _: &Model) -> Option<Command> {
        let recent = if self.rng.percent(60) { 2 } else { 60 };
        let from = self.done.len().saturating_sub(recent);
        self.rng.pick(&self.done[from..]).cloned()
    }

    /// Returns a new id.
    fn id(&mut self, of: &str) -> String {
        self.ids += 1;
        format!("{of}{}", self.ids)
    }

    fn new_id<T: std::str::FromStr>(&mut self, of: &str) -> T {
        parse(&self.id(of))
    }
}

fn parse<T: std::str::FromStr>(text: &str) -> T {
    text.parse().ok().expect("an id")
}

fn unit(id: &str) -> UnitId {
    parse(id)
}

fn amounts(named: &[(Unit, i64)]) -> Amounts {
    named.iter().map(|(id, amount)| (unit(id), *amount)).collect()
}

/// Returns whether only the balance can prevent a job.
fn may_spend(model: &Model) -> bool {
    model.status == WalletStatus::Active
        && crate::model::UNITS.iter().all(|(unit, _)| model.owed(unit).debt == 0)
}
