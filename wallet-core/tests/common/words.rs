//! Words that say more about a step. Each fits some commands; elsewhere it is a mistake of the scenario.

use std::time::Duration;

use wallet_core::decide::{Grant, Reserve, TopUp, UpdateWallet};
use wallet_core::grant::ExternalRef;
use wallet_core::wallet::WalletStatus;
use wallet_core::{Command, Source, Timestamp};

use super::steps::{Step, amounts, origin, worker};
use super::world::START;

impl Step {
    fn with(mut self, word: &str, change: impl FnOnce(&mut Command) -> Option<()>) -> Self {
        match &mut self {
            Step::Command(command) => change(command).unwrap_or_else(|| panic!("{word}: {command:?}")),
            other => panic!("{word}: {other:?}"),
        }
        self
    }

    fn grant(self, word: &str, change: impl FnOnce(&mut Grant)) -> Self {
        self.with(word, |command| match command {
            Command::Grant(grant) => Some(change(grant)),
            _ => None,
        })
    }

    /// Spendable from this instant.
    pub(crate) fn from(self, since_start: Duration) -> Self {
        self.grant("from", |grant| grant.effective_time = Some(START.plus(since_start)))
    }

    /// Lapses at this instant.
    pub(crate) fn until(self, since_start: Duration) -> Self {
        self.grant("until", |grant| grant.expire_time = Some(START.plus(since_start)))
    }

    pub(crate) fn priority(self, priority: i32) -> Self {
        self.grant("priority", |grant| grant.priority = priority)
    }

    pub(crate) fn source(self, source: Source) -> Self {
        self.grant("source", |grant| grant.source = source)
    }

    fn reserve(self, word: &str, change: impl FnOnce(&mut Reserve)) -> Self {
        self.with(word, |command| match command {
            Command::Reserve(reserve) => Some(change(reserve)),
            _ => None,
        })
    }

    pub(crate) fn limit(self, of: &str, n: i64) -> Self {
        self.reserve("limit", |reserve| reserve.limits = amounts(&[(of, n)]))
    }

    pub(crate) fn ttl(self, ttl: Duration) -> Self {
        self.reserve("ttl", |reserve| reserve.ttl = Some(ttl))
    }

    pub(crate) fn actor(self, actor: &str) -> Self {
        self.reserve("actor", |reserve| reserve.actor = Some(actor.parse().unwrap()))
    }

    pub(crate) fn label(self, name: &str, value: &str) -> Self {
        self.reserve("label", |reserve| reserve.labels = [(name.to_owned(), value.to_owned())].into())
    }

    /// Reserved and started at once.
    pub(crate) fn started(self) -> Self {
        self.reserve("started", |reserve| reserve.start = Some(worker("w1", 1, None)))
    }

    pub(crate) fn lease(self, time: Duration) -> Self {
        self.with("lease", |command| {
            match command {
                Command::Start(start) => start.options.lease = Some(time),
                Command::Extend(extend) => extend.lease = Some(time),
                Command::Reserve(reserve) => reserve.start.as_mut()?.lease = Some(time),
                _ => return None,
            }
            Some(())
        })
    }

    pub(crate) fn worker(self, name: &str) -> Self {
        self.with("worker", |command| match command {
            Command::Start(start) => Some(start.options.worker = name.parse().unwrap()),
            _ => None,
        })
    }

    pub(crate) fn attempt(self, attempt: i32) -> Self {
        self.with("attempt", |command| {
            match command {
                Command::Extend(extend) => extend.attempt = Some(attempt),
                Command::Settle(settle) => settle.attempt = Some(attempt),
                _ => return None,
            }
            Some(())
        })
    }

    /// Also after the hold has expired.
    pub(crate) fn late(self) -> Self {
        self.with("late", |command| match command {
            Command::Settle(settle) => Some(settle.accept_late = true),
            _ => None,
        })
    }

    pub(crate) fn max_fee(self, of: &str, n: i64) -> Self {
        self.with("max_fee", |command| match command {
            Command::Cancel(cancel) => Some(cancel.max_fees = amounts(&[(of, n)])),
            _ => None,
        })
    }

    pub(crate) fn allow_missing(self) -> Self {
        self.with("allow_missing", |command| match command {
            Command::Cancel(cancel) => Some(cancel.allow_missing = true),
            _ => None,
        })
    }

    fn bought(self, word: &str, change: impl FnOnce(&mut TopUp)) -> Self {
        self.with(word, |command| match command {
            Command::TopUp(top_up) => Some(change(top_up)),
            _ => None,
        })
    }

    /// Paid by this payment.
    pub(crate) fn paid_by(self, payment: &str) -> Self {
        let payment = ExternalRef { provider: origin("stripe"), id: origin(payment) };
        self.bought("paid_by", |top_up| top_up.external_ref = Some(payment))
    }

    pub(crate) fn paid_at(self, at: Timestamp) -> Self {
        self.bought("paid_at", |top_up| top_up.paid_time = Some(at))
    }

    fn updating(self, word: &str, change: impl FnOnce(&mut UpdateWallet)) -> Self {
        self.with(word, |command| match command {
            Command::UpdateWallet(update) => Some(change(update)),
            _ => None,
        })
    }

    pub(crate) fn status(self, status: WalletStatus) -> Self {
        self.updating("status", |update| update.status = Some(status))
    }

    pub(crate) fn owing(self, n: i64) -> Self {
        self.updating("owing", |update| update.debt_limits = amounts(&[("credits", n)]))
    }

    pub(crate) fn named(self, name: &str) -> Self {
        self.updating("named", |update| update.display_name = Some(name.to_owned()))
    }
}
