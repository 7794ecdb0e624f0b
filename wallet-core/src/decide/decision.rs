//! Decisions: what a command or a due event does to a wallet, as data.
//!
//! Decisions are made by [`crate::decide`] and [`crate::due::advance`], which change nothing. A [`crate::UnitOfWork`] carries
//! them out in memory, and the server's store writes the rows that have changed.

use crate::ledger::entry::EntryKind;
use crate::ledger::event::Event;
use crate::ledger::posting::{Account, Part, Posting};
use crate::value::amount::Amounts;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::{Actor, RequestId, ReservationId, UnitId};
use crate::value::time::Timestamp;
use crate::wallet::grant::{Clawback, Grant, GrantKey};
use crate::wallet::reservation::Reservation;
use crate::wallet::{Profile, Wallet, WalletStatus};

/// What is to be done to one wallet, all of it or nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decision {
    /// What the ledger will say of it; nothing for a heartbeat.
    pub entry: Option<EntryHeader>,
    /// What moves.
    pub postings: Vec<Posting>,
    /// New grants, their parts still empty: postings from `Issued` fill them.
    pub issued: Vec<Grant>,
    /// The reservation as it will be.
    pub reservation: Option<Reservation>,
    /// Grants that are taken back, and why.
    pub clawback: Vec<(GrantKey, Clawback)>,
    /// Grants whose life ends at the instant of the decision.
    pub expiring: Vec<GrantKey>,
    /// What people are told, besides what the balances tell.
    pub events: Vec<Event>,
    /// What changes about the wallet itself.
    pub change: Option<Change>,
    /// The idempotency key and the content of a command that makes no row of its own.
    pub request: Option<(RequestId, Fingerprint)>,
}

/// The words of an entry.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryHeader {
    /// What it records.
    pub kind: EntryKind,
    /// When it takes effect.
    pub effective_time: Timestamp,
    /// The reservation it is about.
    pub reservation: Option<ReservationId>,
    /// The member who acts.
    pub actor: Option<Actor>,
    /// Why.
    pub reason: String,
}

/// A wallet's own properties, as they will be.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Whether it can be used.
    pub status: WalletStatus,
    /// What rarely changes.
    pub profile: Profile,
    /// How much may be owed, in the units named.
    pub debt_limits: Amounts,
}

impl Change {
    /// The properties as they are, to be changed.
    pub fn none(wallet: &Wallet) -> Self {
        Self { status: wallet.status, profile: wallet.profile.clone(), debt_limits: Amounts::none() }
    }
}

impl Decision {
    /// A decision that will make an entry of this kind.
    pub fn of(kind: EntryKind, effective_time: Timestamp) -> Self {
        let said =
            EntryHeader { kind, effective_time, reservation: None, actor: None, reason: String::new() };
        Self { entry: Some(said), ..Self::default() }
    }

    /// The instant at which it takes effect; none for a heartbeat.
    pub fn effective_time(&self) -> Option<Timestamp> {
        self.entry.as_ref().map(|said| said.effective_time)
    }

    /// A decision about a reservation, with an entry of this kind.
    pub fn about(kind: EntryKind, effective_time: Timestamp, reservation: &Reservation) -> Self {
        let mut decision = Self::of(kind, effective_time);
        if let Some(said) = &mut decision.entry {
            said.reservation = Some(reservation.id.clone());
            said.actor = reservation.terms.actor.clone();
        }
        decision
    }

    /// Gives the entry its reason.
    pub fn because(mut self, reason: &str) -> Self {
        if let Some(said) = &mut self.entry {
            reason.clone_into(&mut said.reason);
        }
        self
    }

    /// Moves `amount` within a grant; nothing if it is 0.
    pub fn move_in_grant(&mut self, grant: &GrantKey, unit: &UnitId, from: Part, to: Part, amount: i64) {
        self.post(Account::Grant(grant.clone()), unit, from, to, amount);
    }

    /// Moves `amount` within the wallet's debt; nothing if it is 0.
    pub fn move_in_debt(&mut self, unit: &UnitId, from: Part, to: Part, amount: i64) {
        self.post(Account::Debt, unit, from, to, amount);
    }

    fn post(&mut self, account: Account, unit: &UnitId, from: Part, to: Part, amount: i64) {
        if amount > 0 {
            self.postings.push(Posting { unit: unit.clone(), account, from, to, amount });
        }
    }

    /// Issues a new grant: pending until it is effective, else available, and then debt is repaid from it.
    pub fn issue(&mut self, wallet: &Wallet, grant: Grant, at: Timestamp) {
        let part = if grant.effective_time > at { Part::Pending } else { Part::Available };
        self.move_in_grant(&grant.key, &grant.unit, Part::Issued, part, grant.amount);
        if part == Part::Available {
            self.repay_debt(wallet, &grant.key, &grant.unit, grant.amount);
        }
        self.issued.push(grant);
    }

    /// Uses up to `amount` that has just become available in a grant for what the wallet owes.
    pub fn repay_debt(&mut self, wallet: &Wallet, grant: &GrantKey, unit: &UnitId, amount: i64) {
        let repayment = amount.min(self.owed(wallet, unit));
        self.move_in_grant(grant, unit, Part::Available, Part::Consumed, repayment);
        self.move_in_debt(unit, Part::Owed, Part::Issued, repayment);
    }

    /// What the wallet owes once this decision is carried out, as far as it has come.
    pub fn owed(&self, wallet: &Wallet, unit: &UnitId) -> i64 {
        let of_debt = |posting: &&Posting| posting.account == Account::Debt && posting.unit == *unit;
        let change = |posting: &Posting| match posting.to {
            Part::Owed => posting.amount,
            _ => -posting.amount,
        };
        let changes: i64 = self.postings.iter().filter(of_debt).map(change).sum();
        wallet.balance(unit.as_str()).debt + changes
    }
}
