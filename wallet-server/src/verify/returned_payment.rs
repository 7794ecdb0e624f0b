//! Payments that were returned in full, by a refund or a chargeback: no usable credits of them remain.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use wallet_core::UnitId;
use wallet_core::catalog::{PartialRefund, RefundRule};
use wallet_core::entry::Entry;
use wallet_core::grant::{Clawback, GrantKey, Origin};
use wallet_core::posting::Part;

use crate::verify::clawback::{Clawbacks, SubjectDigest, clawback_in};
use crate::verify::faults::Faults;
use crate::verify::grant::{GrantFold, RowFacts};
use crate::verify::moves;

/// A refund or a chargeback. The rows of grants, which are read later, show which of them were paid with this payment.
#[derive(Debug)]
pub(super) struct ReturnedPayment {
    reason: Clawback,
    payment: SubjectDigest,
    revision: i64,
    /// The debt that the entry made, in minor units.
    owed: BTreeMap<UnitId, i128>,
    /// True if a refund of the payment was recorded before.
    refund_recorded: bool,
}

/// The parts of a grant that a returned payment concerns, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Remainder {
    pub(super) usable: i128,
    pub(super) held: i128,
    pub(super) consumed: i128,
}

/// The remainders of a grant after each returned payment of its wallet. One is kept only when the grant changes after
/// such a payment, so that all grants of a wallet together keep fewer of them than the wallet has postings. Payments
/// have the numbers 0, 1, 2...
#[derive(Debug)]
pub(super) struct Remainders {
    /// The number of payments returned before the grant was issued.
    first: usize,
    /// Remainders, each with the number of the first payment for which it does not hold any more.
    kept: Vec<(usize, Remainder)>,
}

impl Remainders {
    /// Begins with a grant that is issued after this many payments were returned.
    pub(super) const fn new(returned: usize) -> Self {
        Self { first: returned, kept: Vec::new() }
    }

    /// Keeps the remainder of a grant that is about to change, after this many payments were returned.
    pub(super) fn keep(&mut self, returned: usize, remainder: Remainder) {
        let known = self.kept.last().map_or(self.first, |(until, _)| *until);
        if known < returned {
            self.kept.push((returned, remainder));
        }
    }

    /// Returns the remainder after the payment with this number; `last` is the one at the end. `None` if the grant was
    /// issued later.
    fn after(&self, payment: usize, last: Remainder) -> Option<Remainder> {
        let place = self.kept.partition_point(|(until, _)| *until <= payment);
        let remainder = self.kept.get(place).map_or(last, |(_, remainder)| *remainder);
        (payment >= self.first).then_some(remainder)
    }
}

/// A grant, with the facts of its row.
type GrantWithRow<'a> = (&'a GrantKey, &'a GrantFold, &'a RowFacts);

/// Checks the returned payments of a wallet after its last row.
pub(super) fn check(
    payments: &[ReturnedPayment],
    grants: &BTreeMap<GrantKey, GrantFold>,
    faults: &mut Faults,
) {
    // Most wallets have no returned payments; for them, no digest is computed.
    if payments.is_empty() {
        return;
    }
    let mut paid_with: HashMap<SubjectDigest, Vec<GrantWithRow<'_>>> = HashMap::new();
    for (key, grant) in grants {
        let Some(row) = &grant.row else { continue };
        if let Some(payment) = &row.payment {
            paid_with.entry(SubjectDigest::of_payment(payment)).or_default().push((key, grant, row));
        }
    }
    for (number, payment) in payments.iter().enumerate() {
        payment.check(number, paid_with.get(&payment.payment).map_or(&[], Vec::as_slice), faults);
    }
}

impl ReturnedPayment {
    /// Returns the payment that an entry returns, if it does.
    pub(super) fn of(entry: &Entry, clawbacks: &Clawbacks) -> Option<Self> {
        let (reason, payment) = clawback_in(entry).filter(|(reason, _)| *reason != Clawback::Revoked)?;
        let units = entry.balances.iter().map(|balance| &balance.unit);
        let owed = units.map(|unit| (unit.clone(), moves::sum(entry, unit, Part::Issued, Part::Owed)));
        Some(Self {
            reason,
            refund_recorded: clawbacks.has_recorded_refund(&payment),
            payment,
            revision: entry.revision,
            owed: owed.collect(),
        })
    }

    /// Checks I2 and I3: no usable credits of the payment remained; if it is refunded only while it is unused, none
    /// were held or consumed; and a chargeback made debt of the consumed ones. `paid` are the grants that were paid
    /// with it, `number` is its place among the returned payments.
    fn check(&self, number: usize, paid: &[GrantWithRow<'_>], faults: &mut Faults) {
        let paid: Vec<(&GrantKey, &UnitId, Remainder, &RowFacts)> = paid
            .iter()
            .filter_map(|(key, grant, row)| {
                let remainder = grant.remainders.after(number, grant.remainder())?;
                Some((*key, &grant.unit, remainder, *row))
            })
            .collect();
        // Grants that were issued later for credits of the purchase have the rule of their own source.
        let bought = paid.iter().find(|(key, ..)| key.origin == Origin::TopUp);
        let may_be_used = bought.is_some_and(|(.., row)| {
            let rule = row.refund_rule.unwrap_or(RefundRule::PACK);
            !rule.only_unused || rule.partial == PartialRefund::Unused
        });
        let mut used: BTreeMap<&UnitId, i128> = BTreeMap::new();
        for (key, unit, Remainder { usable, held, consumed }, _) in paid {
            let reason = self.reason;
            faults.unless(usable == 0, self.revision, || {
                format!("I2: {usable} of grant {key} are left, but it was {reason:?}")
            });
            let is_unused = (held, consumed) == (0, 0);
            faults.unless(reason != Clawback::Refunded || may_be_used || is_unused, self.revision, || {
                format!("I2: grant {key} was Refunded with {held} Held, {consumed} Consumed")
            });
            *used.entry(unit).or_default() += consumed;
        }
        if self.reason == Clawback::ChargedBack {
            self.check_debt(&used, faults);
        }
    }

    /// Checks I3: the debt of the chargeback is the used credits, less the debt of a refund that was recorded before.
    fn check_debt(&self, used: &BTreeMap<&UnitId, i128>, faults: &mut Faults) {
        let units: BTreeSet<&UnitId> = used.keys().copied().chain(self.owed.keys()).collect();
        for unit in units {
            let used = used.get(unit).copied().unwrap_or(0);
            let owed = self.owed.get(unit).copied().unwrap_or(0);
            faults.unless(used == owed || (self.refund_recorded && owed < used), self.revision, || {
                format!("I3: {owed} {unit} are owed for a payment of which {used} were used")
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remainder_is_kept_only_when_the_grant_changes_after_a_payment() {
        let with = |usable| Remainder { usable, held: 0, consumed: 0 };
        // The grant is issued with 9 after two payments, and has 8 before the third, 7 after the fifth.
        let mut remainders = Remainders::new(2);
        remainders.keep(2, with(9));
        remainders.keep(3, with(8));
        remainders.keep(3, with(0));
        remainders.keep(5, with(7));
        let after = |payment| remainders.after(payment, with(6)).map(|remainder| remainder.usable);
        assert_eq!(
            [0, 1, 2, 3, 4, 5, 6].map(after),
            [None, None, Some(8), Some(7), Some(7), Some(6), Some(6)]
        );
        assert_eq!(remainders.kept.len(), 2);
    }
}
