//! Payments that were returned in full, by a refund or a chargeback: no usable credits of them remain.

use std::collections::{BTreeMap, BTreeSet};

use wallet_core::UnitId;
use wallet_core::catalog::{PartialRefund, RefundRule};
use wallet_core::entry::Entry;
use wallet_core::grant::{Clawback, GrantKey, Origin};
use wallet_core::posting::Part;

use crate::verify::clawback::{Clawbacks, SubjectDigest, clawback_in};
use crate::verify::faults::Faults;
use crate::verify::grant::{GrantFold, RowFacts};
use crate::verify::moves;

/// A refund or a chargeback, with what remained of every grant of the wallet. The rows of grants, which are read later,
/// show which of them were paid with this payment.
#[derive(Debug)]
pub(super) struct ReturnedPayment {
    reason: Clawback,
    payment: SubjectDigest,
    revision: i64,
    /// The debt that the entry made, in minor units.
    owed: BTreeMap<UnitId, i128>,
    /// True if a refund of the payment was recorded before.
    refund_recorded: bool,
    remainders: Vec<Remainder>,
}

/// The parts of a grant after the entry, in minor units.
#[derive(Debug)]
struct Remainder {
    grant: GrantKey,
    unit: UnitId,
    usable: i128,
    held: i128,
    consumed: i128,
}

impl ReturnedPayment {
    /// Returns the payment that an entry returns, if it does. `grants` are the grants after the entry.
    pub(super) fn of(
        entry: &Entry,
        clawbacks: &Clawbacks,
        grants: &BTreeMap<GrantKey, GrantFold>,
    ) -> Option<Self> {
        let (reason, payment) = clawback_in(entry).filter(|(reason, _)| *reason != Clawback::Revoked)?;
        let units = entry.balances.iter().map(|balance| &balance.unit);
        let owed = units.map(|unit| (unit.clone(), moves::sum(entry, unit, Part::Issued, Part::Owed)));
        let remainders = grants.iter().map(|(key, grant)| Remainder {
            grant: key.clone(),
            unit: grant.unit.clone(),
            usable: grant.part(Part::Pending) + grant.part(Part::Available),
            held: grant.part(Part::Held),
            consumed: grant.part(Part::Consumed),
        });
        Some(Self {
            reason,
            refund_recorded: clawbacks.has_recorded_refund(&payment),
            payment,
            revision: entry.revision,
            owed: owed.collect(),
            remainders: remainders.collect(),
        })
    }

    /// Checks I2 and I3: no usable credits of the payment remained; if it is refunded only while it is unused, none were
    /// held or consumed; and a chargeback made debt of the consumed ones.
    pub(super) fn check(&self, grants: &BTreeMap<GrantKey, GrantFold>, faults: &mut Faults) {
        let paid_with_it = |remainder: &Remainder| {
            let row = grants.get(&remainder.grant)?.row.as_ref()?;
            let payment = SubjectDigest::of_payment(row.payment.as_ref()?);
            (payment == self.payment).then_some(row)
        };
        let remainders = self.remainders.iter();
        let paid: Vec<(&Remainder, &RowFacts)> =
            remainders.filter_map(|remainder| Some((remainder, paid_with_it(remainder)?))).collect();
        // Grants that were issued later for credits of the purchase have the rule of their own source.
        let bought = paid.iter().find(|(remainder, _)| remainder.grant.origin == Origin::TopUp);
        let may_be_used = bought.is_some_and(|(_, row)| {
            let rule = row.refund_rule.unwrap_or(RefundRule::PACK);
            !rule.only_unused || rule.partial == PartialRefund::Unused
        });
        let mut used: BTreeMap<&UnitId, i128> = BTreeMap::new();
        for (Remainder { grant, unit, usable, held, consumed }, _) in paid {
            let reason = self.reason;
            faults.unless(*usable == 0, self.revision, || {
                format!("I2: {usable} of grant {grant} are left, but it was {reason:?}")
            });
            let is_unused = (*held, *consumed) == (0, 0);
            faults.unless(reason != Clawback::Refunded || may_be_used || is_unused, self.revision, || {
                format!("I2: grant {grant} was Refunded with {held} Held, {consumed} Consumed")
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
