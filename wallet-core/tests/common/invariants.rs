//! The invariants of `docs/invariants.md` that can be checked with one wallet and its entries. Folds the entries,
//! and shares no code with the core's own bookkeeping.

use std::collections::BTreeMap;

use wallet_core::entry::{Entry, EntryKind, genesis};
use wallet_core::posting::{Account, Part};
use wallet_core::reservation::{Reservation, State};
use wallet_core::{ReservationId, UnitId, Wallet};

use super::ledger::Ledger;

/// Credits according to the entries: by account and part, and the sums over all accounts.
#[derive(Default)]
struct Fold {
    parts: BTreeMap<(UnitId, Account, Part), i64>,
    sums: BTreeMap<(UnitId, Part), i64>,
    /// The part of the debt that is above any limit: charges to purchases that were charged back.
    unbounded: BTreeMap<UnitId, i64>,
}

impl Fold {
    fn add(&mut self, unit: &UnitId, account: &Account, part: Part, amount: i64) {
        *self.parts.entry((unit.clone(), account.clone(), part)).or_default() += amount;
        *self.sums.entry((unit.clone(), part)).or_default() += amount;
    }

    fn part(&self, unit: &UnitId, account: &Account, part: Part) -> i64 {
        self.parts.get(&(unit.clone(), account.clone(), part)).copied().unwrap_or(0)
    }

    /// Adds the debt that a chargeback makes of spent credits, and the debt that a job makes when it spends them
    /// later.
    fn note_unbounded(&mut self, entry: &Entry) {
        for balance in &entry.balances {
            let sum = |from, to| -> i64 {
                let moves = entry.postings.iter().filter(|p| p.unit == balance.unit);
                moves.filter(|p| (p.from, p.to) == (from, to)).map(|p| p.amount).sum()
            };
            let owed = sum(Part::Issued, Part::Owed);
            let gone = match entry.kind {
                EntryKind::ChargedBack | EntryKind::RefundRecorded => owed,
                _ => sum(Part::Held, Part::Revoked) + sum(Part::Held, Part::PaidOut),
            };
            let unbounded = self.unbounded.entry(balance.unit.clone()).or_default();
            *unbounded = if balance.debt == 0 { 0 } else { *unbounded + owed.min(gone) };
        }
    }

    /// Returns the available, held and owed amounts.
    fn balances(&self, unit: &UnitId) -> (i64, i64, i64) {
        let sum = |part| self.sums.get(&(unit.clone(), part)).copied().unwrap_or(0);
        (sum(Part::Available), sum(Part::Held), sum(Part::Owed))
    }
}

/// Checks I1-I5, I8, I16 and I18 over the whole history.
pub(crate) fn check(ledger: &Ledger) {
    let mut fold = Fold::default();
    let mut previous: Option<&Entry> = None;
    let mut head = genesis(ledger.wallet.key);
    for entry in &ledger.entries {
        check_chain(entry, previous, &head);
        for posting in &entry.postings {
            assert!(posting.amount > 0 && posting.from != posting.to, "I1: {posting:?} moves nothing");
            fold.add(&posting.unit, &posting.account, posting.from, -posting.amount);
            fold.add(&posting.unit, &posting.account, posting.to, posting.amount);
        }
        check_entry(entry, &fold);
        fold.note_unbounded(entry);
        head = entry.hash;
        previous = Some(entry);
    }
    let wallet = &ledger.wallet;
    assert_eq!((wallet.head, wallet.revision), (head, ledger.entries.len() as i64), "I16");
    check_grants(wallet, &fold);
    check_balances(wallet, &fold);
    check_holds(wallet);
}

/// I16: revisions have no gaps and hashes form a chain. I18: no entry is earlier than the previous one.
fn check_chain(entry: &Entry, previous: Option<&Entry>, head: &[u8; 32]) {
    assert_eq!(entry.revision, previous.map_or(1, |before| before.revision + 1), "I16: gap-free");
    assert_eq!(entry.hash, entry.hash_after(head), "I16: chained");
    assert!(entry.effective_time <= entry.record_time, "I18: no entry is recorded before its effective time");
    if let Some(before) = previous {
        assert!(entry.effective_time >= before.effective_time, "I18: {entry:?} is before {before:?}");
        assert!(entry.record_time >= before.record_time, "I18: {entry:?} is before {before:?}");
    }
}

/// I2 and I3: no part that a posting changes is negative. I4: the entry has every balance that it changes,
/// correctly.
fn check_entry(entry: &Entry, fold: &Fold) {
    for posting in &entry.postings {
        for part in [posting.from, posting.to] {
            let left = fold.part(&posting.unit, &posting.account, part);
            assert!(part == Part::Issued || left >= 0, "I2, I3: {left} are {part:?} after {posting:?}");
        }
        let has_balance = entry.balances.iter().any(|balance| balance.unit == posting.unit);
        assert!(has_balance, "I4: {posting:?} has no balance");
    }
    for balance in &entry.balances {
        let figures = (balance.available, balance.held, balance.debt);
        assert_eq!(figures, fold.balances(&balance.unit), "I4: {entry:?}");
        assert!(balance.available == 0 || balance.debt == 0, "I3: owed and available: {entry:?}");
    }
}

/// I2: the parts of a grant equal those of the fold and add up to its amount.
fn check_grants(wallet: &Wallet, fold: &Fold) {
    for (key, grant) in &wallet.grants {
        let account = Account::Grant(key.clone());
        let parts = grant.parts;
        for (part, amount) in [
            (Part::Pending, parts.pending),
            (Part::Available, parts.available),
            (Part::Held, parts.held),
            (Part::Consumed, parts.consumed),
            (Part::Expired, parts.expired),
            (Part::Revoked, parts.revoked),
            (Part::PaidOut, parts.paid_out),
            (Part::Issued, -grant.amount),
        ] {
            assert_eq!(amount, fold.part(&grant.unit, &account, part), "I2, I4: {part:?} of {key}");
        }
        assert_eq!(parts.total(), Some(grant.amount), "I2: parts of {key}");
    }
}

/// I4: the stored balances equal those of the fold. I3: debt stays within its limit, except for chargebacks.
fn check_balances(wallet: &Wallet, fold: &Fold) {
    for (unit, balance) in &wallet.balances {
        assert_eq!((balance.available, balance.held, balance.debt), fold.balances(unit), "I4: {unit}");
        let unbounded = fold.unbounded.get(unit).copied().unwrap_or(0);
        assert!(balance.debt <= balance.debt_limit + unbounded, "I3: debt of {unit}");
    }
}

/// I5: grants hold what open reservations hold, and open reservations are counted. I8: an ended hold is fully
/// accounted for.
fn check_holds(wallet: &Wallet) {
    let (open, ended): (Vec<&Reservation>, Vec<&Reservation>) =
        wallet.reservations.values().partition(|reservation| reservation.state.is_open());
    assert_eq!(wallet.open_reservations, open.len() as i64, "I5: the number of open reservations");
    let mut held: BTreeMap<&Account, i64> = BTreeMap::new();
    for allocation in open.iter().flat_map(|reservation| &reservation.allocations) {
        *held.entry(&allocation.account).or_default() += allocation.held;
    }
    for (key, grant) in &wallet.grants {
        let account = Account::Grant(key.clone());
        assert_eq!(grant.parts.held, held.get(&account).copied().unwrap_or(0), "I5: {key}");
    }
    for reservation in ended {
        let finish = reservation.finish.as_ref().unwrap();
        for a in reservation.allocations.iter().filter(|a| a.held > 0) {
            assert_eq!(a.charged + a.returned + a.forfeited, a.held, "I8: {} {a:?}", reservation.id);
        }
        for a in &reservation.allocations {
            assert!((0..=a.charged).contains(&a.reversed), "I8: {} {a:?}", reservation.id);
        }
        for unit in reservation.terms.amounts.units() {
            let bill = &finish.bill;
            let most = reservation.terms.most(unit.as_str());
            assert!(bill.charged.get(unit.as_str()) <= most, "I8, I31: {} {bill:?}", reservation.id);
        }
    }
}

/// I7: a terminal state never changes, except that an expired hold may still be ended.
pub(crate) fn check_states(known: &mut BTreeMap<ReservationId, State>, wallet: &Wallet) {
    for (id, reservation) in &wallet.reservations {
        let before = known.insert(id.clone(), reservation.state);
        let after = reservation.state;
        let legal = match before {
            None | Some(State::Held) => true,
            Some(State::Processing) => after != State::Held,
            Some(State::Expired) => !after.is_open(),
            Some(terminal) => after == terminal,
        };
        assert!(legal, "I7: {id} was {before:?} and is {after:?}");
        assert_eq!(reservation.finish.is_some(), !after.is_open(), "I7: {id} has ended");
    }
}
