//! Decisions: the effect of a command or a due event on a wallet, as data.
//!
//! Decisions are made by [`crate::decide`] and [`crate::due`], which change nothing. A [`crate::UnitOfWork`] carries
//! them out in memory, and the server's store writes the rows that have changed.

use std::collections::{BTreeMap, BTreeSet};

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

/// A change of one wallet, carried out as a whole or not at all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decision {
    /// The header of its entry; none for a heartbeat.
    pub entry: Option<EntryHeader>,
    /// The movements of credits. Only the methods of the decision add to them.
    pub postings: Vec<Posting>,
    /// New grants with empty parts, which postings from `Issued` fill.
    pub issued: Vec<Grant>,
    /// The reservation as it will be, if it changes.
    pub reservation: Option<Reservation>,
    /// Grants that are clawed back, with the reasons.
    pub clawback: Vec<(GrantKey, Clawback)>,
    /// Grants whose chargeback is withdrawn, with the other clawbacks that they have.
    pub withdrawn: Vec<(GrantKey, Option<Clawback>)>,
    /// Grants whose lifetime ends at the instant of the decision.
    pub expiring: BTreeSet<GrantKey>,
    /// Notifications other than those about balances, which are added when it is carried out.
    pub events: Vec<Event>,
    /// The new properties of the wallet itself, if they change.
    pub change: Option<Change>,
    /// The idempotency key and the fingerprint of a command that makes no row of its own.
    pub request: Option<(RequestId, Fingerprint)>,
    /// The change of the debt by the postings so far, per unit: a decision may have thousands.
    debt_changes: BTreeMap<UnitId, i64>,
}

/// The header of an entry.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryHeader {
    pub kind: EntryKind,
    /// The instant at which it takes effect.
    pub effective_time: Timestamp,
    /// The reservation that it concerns.
    pub reservation: Option<ReservationId>,
    /// The member who acts.
    pub actor: Option<Actor>,
    pub reason: String,
}

/// The new properties of a wallet.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub status: WalletStatus,
    pub profile: Box<Profile>,
    /// The debt limits of the units named, in minor units.
    pub debt_limits: Amounts,
}

impl Change {
    /// Returns the properties as they are.
    pub fn none(wallet: &Wallet) -> Self {
        Self { status: wallet.status, profile: wallet.profile.clone(), debt_limits: Amounts::none() }
    }
}

impl Decision {
    /// Returns a decision that makes an entry of this kind.
    pub fn of(kind: EntryKind, effective_time: Timestamp) -> Self {
        let entry =
            EntryHeader { kind, effective_time, reservation: None, actor: None, reason: String::new() };
        Self { entry: Some(entry), ..Self::default() }
    }

    /// Returns the instant at which it takes effect; none for a heartbeat.
    pub fn effective_time(&self) -> Option<Timestamp> {
        self.entry.as_ref().map(|entry| entry.effective_time)
    }

    /// Returns a decision about a reservation, with an entry of this kind.
    pub fn about(kind: EntryKind, effective_time: Timestamp, reservation: &Reservation) -> Self {
        let mut decision = Self::of(kind, effective_time);
        if let Some(entry) = &mut decision.entry {
            entry.reservation = Some(reservation.id.clone());
            entry.actor = reservation.terms.actor.clone();
        }
        decision
    }

    /// Sets the reason of the entry.
    pub fn because(mut self, reason: &str) -> Self {
        if let Some(entry) = &mut self.entry {
            reason.clone_into(&mut entry.reason);
        }
        self
    }

    /// Moves `amount` within a grant; nothing if it is 0.
    pub fn move_in_grant(&mut self, grant: &GrantKey, unit: &UnitId, from: Part, to: Part, amount: i64) {
        self.post(Account::Grant(grant.clone()), unit, from, to, amount);
    }

    /// Moves `amount` into the wallet's debt, or out of the debt; nothing if it is 0.
    pub fn move_in_debt(&mut self, unit: &UnitId, from: Part, to: Part, amount: i64) {
        if amount > 0 {
            let change = if to == Part::Owed { amount } else { -amount };
            *self.debt_changes.entry(unit.clone()).or_default() += change;
        }
        self.post(Account::Debt, unit, from, to, amount);
    }

    fn post(&mut self, account: Account, unit: &UnitId, from: Part, to: Part, amount: i64) {
        if amount > 0 {
            self.postings.push(Posting { unit: unit.clone(), account, from, to, amount });
        }
    }

    /// Issues a new grant: pending until it is effective, otherwise available, and then debt is repaid from it.
    pub fn issue(&mut self, wallet: &Wallet, grant: Grant, at: Timestamp) {
        self.issue_without(wallet, grant, 0, at);
    }

    /// Issues a new grant like [`Decision::issue`], and claws back the part `withheld`, whose payment a refund has
    /// returned.
    pub fn issue_without(&mut self, wallet: &Wallet, grant: Grant, withheld: i64, at: Timestamp) {
        let part = if grant.effective_time > at { Part::Pending } else { Part::Available };
        self.move_in_grant(&grant.key, &grant.unit, Part::Issued, part, grant.amount);
        self.move_in_grant(&grant.key, &grant.unit, part, Part::PaidOut, withheld);
        if part == Part::Available {
            self.repay_debt(wallet, &grant.key, &grant.unit, grant.amount - withheld);
        }
        self.issued.push(grant);
    }

    /// Repays debt with up to `amount`, in minor units, that has just become available in a grant.
    pub fn repay_debt(&mut self, wallet: &Wallet, grant: &GrantKey, unit: &UnitId, amount: i64) {
        let repayment = amount.min(self.owed(wallet, unit));
        self.move_in_grant(grant, unit, Part::Available, Part::Consumed, repayment);
        self.move_in_debt(unit, Part::Owed, Part::Issued, repayment);
    }

    /// Returns the debt of the wallet, in minor units, after the postings that the decision has so far.
    pub fn owed(&self, wallet: &Wallet, unit: &UnitId) -> i64 {
        wallet.balance(unit.as_str()).debt + self.debt_changes.get(unit).copied().unwrap_or(0)
    }
}
