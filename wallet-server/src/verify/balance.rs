//! The balance of one unit, folded from its postings and compared with the stored one.

use wallet_core::UnitId;
use wallet_core::entry::{Entry, EntryBalance};
use wallet_core::posting::{Part, Posting};
use wallet_core::wallet::Balance;

use crate::verify::faults::Faults;

/// The balance of one unit so far. Amounts are in minor units.
#[derive(Debug, Default)]
pub(super) struct UnitFold {
    /// The available, held and owed sums.
    sums: [i128; 3],
    /// The difference between the balances in the last entry and `sums`. A wrong posting is reported once, and not
    /// again with each later entry.
    drift: [i128; 3],
    /// The debt limit according to the entries.
    pub(super) debt_limit: i64,
    /// The part of the debt that comes from chargebacks, to which no limit applies.
    unbounded: i128,
    /// The sum of the allocations of open reservations.
    holds: i128,
    /// Set once the stored balance has been compared.
    seen: bool,
}

impl UnitFold {
    /// Returns the available sum of the postings so far.
    pub(super) const fn available(&self) -> i128 {
        self.sums[0]
    }

    /// Adds a posting. Checks I3: no more is repaid than was owed.
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

    /// Checks I4 for the balance in an entry: it equals the sums of the postings.
    pub(super) fn recorded(&mut self, balance: &EntryBalance, revision: i64, faults: &mut Faults) {
        let recorded = [balance.available, balance.held, balance.debt].map(i128::from);
        let drift: [i128; 3] = std::array::from_fn(|i| recorded[i] - self.sums[i]);
        faults.unless(drift == [0; 3] || drift == self.drift, revision, || {
            format!(
                "I4: states {} {}, but according to the postings {}",
                shown(recorded),
                balance.unit,
                shown(self.sums)
            )
        });
        self.drift = drift;
        let EntryBalance { unit, available, debt, .. } = balance;
        faults.unless(*available <= 0 || *debt <= 0, revision, || {
            format!("I3: states that {available} {unit} are available and {debt} owed")
        });
    }

    /// Checks I3 for an entry that adds `owed` to the debt. No limit applies to its part `unbounded`, which counts as
    /// such until the debt is repaid. The limit includes that part: only the remainder is available for other debt.
    pub(super) fn owe(&mut self, owed: i128, unbounded: i128, entry: &Entry, faults: &mut Faults) {
        let after = self.sums[2];
        let may_be = i128::from(self.debt_limit).max(after - owed + unbounded);
        faults.unless(owed == 0 || after <= may_be, entry.revision, || {
            format!("I3: {after} are owed after {owed} were charged to the debt, but at most {may_be} may be")
        });
        self.unbounded = if after <= 0 { 0 } else { self.unbounded + unbounded };
    }

    /// Checks I4 and I3 for the stored balance: it equals the sums, and the debt apart from chargebacks is within
    /// the limit.
    pub(super) fn check(&mut self, unit: &UnitId, stored: &Balance, revision: i64, faults: &mut Faults) {
        self.seen = true;
        let Balance { available, held, debt, debt_limit } = *stored;
        let stored = [available, held, debt].map(i128::from);
        faults.unless(stored == self.sums, revision, || {
            format!(
                "I4: the balance is {} {unit}, but according to the postings {}",
                shown(stored),
                shown(self.sums)
            )
        });
        let limit = self.debt_limit;
        faults.unless(debt_limit == limit, revision, || {
            format!("I16: the debt limit is {debt_limit} {unit}, but {limit} according to the entries")
        });
        let may_be = i128::from(debt_limit) + self.unbounded;
        faults.unless(i128::from(debt) <= may_be, revision, || {
            format!("I3: {debt} {unit} are owed, but at most {may_be} may be")
        });
    }

    /// Adds an allocation of an open reservation.
    pub(super) fn hold(&mut self, amount: i64) {
        self.holds += i128::from(amount);
    }

    /// Checks I4 and I5 after the last row: the balance has a row, and held credits equal the allocations of open
    /// reservations.
    pub(super) fn close(&self, unit: &UnitId, revision: i64, faults: &mut Faults) {
        faults.unless(self.seen, revision, || {
            format!("I4: {} {unit} according to the postings have no stored balance", shown(self.sums))
        });
        let (held, holds) = (self.sums[1], self.holds);
        faults.unless(held == holds, revision, || {
            format!("I5: {held} {unit} are held according to the postings, but {holds} according to open reservations")
        });
    }
}

fn shown([available, held, debt]: [i128; 3]) -> String {
    format!("{available} available, {held} held, {debt} owed")
}
