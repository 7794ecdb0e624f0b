//! The life of a reservation according to the entries: its events in order, and the credits that they moved.

use std::collections::BTreeMap;

use wallet_core::entry::{Entry, EntryBalance, EntryKind};
use wallet_core::grant::GrantKey;
use wallet_core::posting::{Account, Part, Posting};
use wallet_core::reservation::{LATE_SETTLE, State};
use wallet_core::row_digests::Digest;
use wallet_core::{Timestamp, UnitId};

use crate::verify::moves;

/// The revision and effective time of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EntryRef {
    pub(super) revision: i64,
    pub(super) time: Timestamp,
}

/// A reservation according to the entries so far.
#[derive(Debug, Default)]
pub(super) struct Life {
    pub(super) reserved: Option<EntryRef>,
    /// The first start by a worker.
    pub(super) started: Option<EntryRef>,
    /// The last start.
    pub(super) restarted: Option<EntryRef>,
    /// The digest of attempt, worker and lease at the last start.
    pub(super) run: Option<Digest>,
    /// The number of the wallet's writes without an entry at Reserve or the last start.
    pub(super) silent: i64,
    /// The one terminal entry, with the state it led to.
    pub(super) ended: Option<(State, EntryRef)>,
    /// The entry after HoldExpired that ended the reservation for good, with the state it led to.
    pub(super) late: Option<(State, EntryRef)>,
    /// The digest of the terms.
    pub(super) terms: Option<Digest>,
    /// The digest of the bill in the last entry.
    pub(super) bill: Option<Digest>,
    /// The movements, one item per account and unit.
    pub(super) movements: Vec<Movements>,
    /// The bounds of the reversed charges to the debt, per unit: the reduction of the debt and the grants issued in
    /// its place, less the part that the reversal of charges to grants explains.
    pub(super) reversed_debt: BTreeMap<UnitId, (i128, i128)>,
    /// The grants of grace credits, with their amounts.
    pub(super) graces: Vec<(GrantKey, i128)>,
}

/// The movements of a reservation in one account and unit, in minor units.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Movements {
    pub(super) account: Account,
    pub(super) unit: UnitId,
    pub(super) held: i128,
    pub(super) charged: i128,
    /// The reversed part of `charged`. Not counted for the debt, see `Life::reversed_debt`.
    pub(super) reversed: i128,
    /// Returned to the same grant.
    pub(super) to_grant: i128,
    /// Left the grant otherwise: forfeited, or issued again as grace credits.
    pub(super) elsewhere: i128,
}

impl Life {
    /// Adds the next entry about the reservation. Checks I7: it may follow the previous ones.
    pub(super) fn record(&mut self, entry: &Entry) -> Result<(), String> {
        let entry_ref = EntryRef { revision: entry.revision, time: entry.effective_time };
        if !self.may_continue_with(entry) {
            return Err(format!("is {:?}, after {}", entry.kind, self.words()));
        }
        match entry.kind {
            EntryKind::Reserved => self.reserved = Some(entry_ref),
            EntryKind::Settled => self.ended = Some((State::Settled, entry_ref)),
            EntryKind::HoldExpired => self.ended = Some((State::Expired, entry_ref)),
            EntryKind::SettledLate => self.late = Some((State::Settled, entry_ref)),
            EntryKind::Failed => self.record_end(State::Failed, entry_ref),
            EntryKind::Cancelled => self.record_end(State::Cancelled, entry_ref),
            EntryKind::Started | EntryKind::ChargeReversed => {}
            other => return Err(format!("is {other:?}, and names a reservation")),
        }
        self.record_start(entry, entry_ref)?;
        self.terms = self.terms.or(entry.row_digests.terms);
        self.bill = entry.row_digests.bill;
        if entry.kind == EntryKind::ChargeReversed {
            self.record_reversal(entry);
        } else {
            for posting in &entry.postings {
                self.record_posting(posting, moves::charges_available(entry, &posting.unit));
            }
        }
        Ok(())
    }

    fn may_continue_with(&self, entry: &Entry) -> bool {
        use EntryKind::{Cancelled, ChargeReversed, Failed, Reserved, SettledLate};
        let has_expired = matches!(self.ended, Some((State::Expired, _)));
        match entry.kind {
            Reserved => self.reserved.is_none() && self.ended.is_none(),
            SettledLate => self.may_end_late(entry),
            // A cancel without a reservation makes a tombstone.
            Cancelled if self.reserved.is_none() => self.ended.is_none(),
            // The credits of an expired hold have returned.
            Failed | Cancelled if has_expired => self.may_end_late(entry) && entry.postings.is_empty(),
            ChargeReversed => self.ended.is_some(),
            _ => self.reserved.is_some() && self.ended.is_none(),
        }
    }

    /// Returns whether an entry is in time to end an expired hold for good.
    fn may_end_late(&self, entry: &Entry) -> bool {
        let Some((State::Expired, expired)) = self.ended else { return false };
        self.reserved.is_some()
            && self.late.is_none()
            && entry.effective_time < expired.time.plus(LATE_SETTLE)
    }

    /// Adds a start. A job starts with its own entry or together with Reserve; the entry has the digest of the run.
    fn record_start(&mut self, entry: &Entry, entry_ref: EntryRef) -> Result<(), String> {
        let may_start = matches!(entry.kind, EntryKind::Reserved | EntryKind::Started);
        if may_start {
            self.silent = entry.row_digests.silent;
        }
        match entry.row_digests.run {
            Some(run) if may_start => {
                self.started = self.started.or(Some(entry_ref));
                (self.restarted, self.run) = (Some(entry_ref), Some(run));
                Ok(())
            }
            Some(_) => Err(format!("is {:?}, but records who runs it", entry.kind)),
            None if entry.kind == EntryKind::Started => {
                Err("is Started, but does not record who runs it".to_owned())
            }
            None => Ok(()),
        }
    }

    /// Records a failure or a cancel, before or after the hold expired.
    fn record_end(&mut self, state: State, entry_ref: EntryRef) {
        let end = if self.ended.is_some() { &mut self.late } else { &mut self.ended };
        *end = Some((state, entry_ref));
    }

    /// Returns the final state. `None` while the reservation is open.
    pub(super) fn state(&self) -> Option<State> {
        self.late.or(self.ended).map(|(state, _)| state)
    }

    /// Returns the entry that ended the reservation.
    pub(super) fn finished(&self) -> Option<EntryRef> {
        self.late.or(self.ended).map(|(_, entry_ref)| entry_ref)
    }

    /// Returns the revision of the last start or end; faults are reported there.
    pub(super) fn revision(&self) -> i64 {
        self.finished().or(self.started).or(self.reserved).map_or(0, |entry_ref| entry_ref.revision)
    }

    /// Adds a posting. Available credits that become consumed are part of the job only if the entry charges them;
    /// otherwise they repay debt.
    fn record_posting(&mut self, posting: &Posting, charges_available: bool) {
        let amount = i128::from(posting.amount);
        match (&posting.account, posting.from, posting.to) {
            (Account::Grant(key), Part::Issued, _) => self.graces.push((key.clone(), amount)),
            (Account::Debt, Part::Owed, _) => {}
            (_, Part::Available, Part::Consumed) if !charges_available => {}
            (account, from, to) => {
                let movements = Movements::of(&mut self.movements, account, &posting.unit);
                match (from, to) {
                    (_, Part::Held) => movements.held += amount,
                    (_, Part::Consumed | Part::Owed) => movements.charged += amount,
                    (_, Part::Available) => movements.to_grant += amount,
                    _ => movements.elsewhere += amount,
                }
            }
        }
    }

    /// Adds the reversal of a charge. The postings show the reversed amount of each grant. The debt falls by charges
    /// to it, by charges to purchases that were charged back or refunded (their credits leave), and by repayments; new
    /// grants receive the charges of expired grants and the part of the debt that had been repaid.
    fn record_reversal(&mut self, entry: &Entry) {
        for posting in entry.postings.iter().filter(|posting| posting.from == Part::Consumed) {
            let movements = Movements::of(&mut self.movements, &posting.account, &posting.unit);
            movements.reversed += i128::from(posting.amount);
        }
        for EntryBalance { unit, .. } in &entry.balances {
            let sum = |from, to| moves::sum(entry, unit, from, to);
            let most = sum(Part::Owed, Part::Issued) + sum(Part::Issued, Part::Available)
                - sum(Part::Available, Part::Consumed)
                - sum(Part::Consumed, Part::Expired);
            let bounds = self.reversed_debt.entry(unit.clone()).or_default();
            let clawed_back = sum(Part::Consumed, Part::Revoked) + sum(Part::Consumed, Part::PaidOut);
            bounds.0 += (most - clawed_back).max(0);
            bounds.1 += most;
        }
    }

    fn words(&self) -> String {
        let mut words = Vec::new();
        words.extend(self.reserved.map(|entry_ref| format!("Reserved at revision {}", entry_ref.revision)));
        words.extend(
            self.ended.map(|(state, entry_ref)| format!("{state:?} at revision {}", entry_ref.revision)),
        );
        words.extend(
            self.late.map(|(state, entry_ref)| format!("{state:?} late at revision {}", entry_ref.revision)),
        );
        if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
    }
}

impl Movements {
    /// Returns the movements of an account in a unit, and adds an item if there is none.
    pub(super) fn of<'a>(all: &'a mut Vec<Movements>, account: &Account, unit: &UnitId) -> &'a mut Self {
        let known = all.iter().position(|item| item.account == *account && item.unit == *unit);
        let index = known.unwrap_or(all.len());
        if known.is_none() {
            let (account, unit) = (account.clone(), unit.clone());
            all.push(Self { account, unit, held: 0, charged: 0, reversed: 0, to_grant: 0, elsewhere: 0 });
        }
        &mut all[index]
    }
}
