//! What a wallet has of one unit, folded from its postings.

use wallet_core::UnitId;
use wallet_core::entry::{Entry, EntryBalance};
use wallet_core::posting::{Part, Posting};

use crate::store::entity::wallet_balances;
use crate::verify::faults::Faults;

/// The sums of one unit.
#[derive(Debug, Default)]
pub(super) struct UnitFold {
    /// Available, held, owed.
    sums: [i128; 3],
    /// By how much the last entry that told them was off, so that one wrong posting is not told with every entry
    /// that follows.
    drift: [i128; 3],
    /// How much may be owed, by the entries.
    pub(super) debt_limit: i64,
    /// What of the debt no limit bounds.
    unbounded: i128,
    /// What open reservations hold.
    holds: i128,
    /// Whether a row has been compared.
    seen: bool,
}

impl UnitFold {
    /// What can be reserved by the postings so far.
    pub(super) const fn available(&self) -> i128 {
        self.sums[0]
    }

    /// Moves credits. I3: no more is repaid than was owed.
    pub(super) fn post(&mut self, posting: &Posting, revision: i64, faults: &mut Faults) {
        let amount = i128::from(posting.amount);
        for (part, change) in [(posting.from, -amount), (posting.to, amount)] {
            match part {
                Part::Available => self.sums[0] += change,
                Part::Held => self.sums[1] += change,
                Part::Owed => self.sums[2] += change,
                _ => {}
            }
        }
        let owed = self.sums[2];
        faults.unless(owed >= 0 || posting.from != Part::Owed, revision, || {
            format!("I3: {owed} {} are owed after {amount} were repaid", posting.unit)
        });
    }

    /// I4 of an entry: the balance it tells is that of the fold.
    pub(super) fn told(&mut self, balance: &EntryBalance, revision: i64, faults: &mut Faults) {
        let told = [balance.available, balance.held, balance.debt].map(i128::from);
        let drift: [i128; 3] = std::array::from_fn(|i| told[i] - self.sums[i]);
        faults.unless(drift == [0; 3] || drift == self.drift, revision, || {
            format!("I4: tells {} {}, by the postings {}", words(told), balance.unit, words(self.sums))
        });
        self.drift = drift;
        let EntryBalance { unit, available, debt, .. } = balance;
        faults.unless(*available <= 0 || *debt <= 0, revision, || {
            format!("I3: tells that {available} {unit} are available and {debt} owed")
        });
    }

    /// I3 of an entry that makes `owed` of it, `unbounded` of which no limit bounds until nothing is owed. The limit
    /// counts that part too: only what it leaves can be owed for anything else.
    pub(super) fn owe(&mut self, owed: i128, unbounded: i128, entry: &Entry, faults: &mut Faults) {
        let after = self.sums[2];
        let may_be = i128::from(self.debt_limit).max(after - owed + unbounded);
        faults.unless(owed == 0 || after <= may_be, entry.revision, || {
            format!("I3: {after} are owed after {owed} were charged to the debt, {may_be} may be")
        });
        self.unbounded = if after <= 0 { 0 } else { self.unbounded + unbounded };
    }

    /// I4 of the stored balance. I3: debt only within its limit, but for chargebacks.
    pub(super) fn check(&mut self, row: &wallet_balances::Model, revision: i64, faults: &mut Faults) {
        self.seen = true;
        let stored = [row.available, row.held, row.debt].map(i128::from);
        faults.unless(stored == self.sums, revision, || {
            format!("I4: the balance is {} {}, by the postings {}", words(stored), row.unit, words(self.sums))
        });
        let limit = self.debt_limit;
        faults.unless(row.debt_limit == limit, revision, || {
            format!("I16: {} {} may be owed, {limit} by the entries", row.debt_limit, row.unit)
        });
        let may_be = i128::from(row.debt_limit) + self.unbounded;
        faults.unless(i128::from(row.debt) <= may_be, revision, || {
            format!("I3: {} {} are owed, {may_be} may be", row.debt, row.unit)
        });
    }

    /// An open reservation says that it holds this much.
    pub(super) fn hold(&mut self, amount: i64) {
        self.holds += i128::from(amount);
    }

    /// I4 at the end: what moved has a row. I5: what is held is held by open reservations.
    pub(super) fn close(&self, unit: &UnitId, revision: i64, faults: &mut Faults) {
        faults.unless(self.seen, revision, || {
            format!("I4: {} {unit} by the postings have no stored balance", words(self.sums))
        });
        let (held, holds) = (self.sums[1], self.holds);
        faults.unless(held == holds, revision, || {
            format!("I5: {held} {unit} are held by the postings, {holds} by open reservations")
        });
    }
}

fn words([available, held, debt]: [i128; 3]) -> String {
    format!("{available} available, {held} held, {debt} owed")
}
