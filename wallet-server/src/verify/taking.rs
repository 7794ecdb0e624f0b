//! Clawbacks: the credits of a purchase that remain after a refund or a chargeback, and the debt that it makes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use wallet_core::catalog::PartialRefund;
use wallet_core::entry::{Entry, EntryKind};
use wallet_core::fingerprint::Fingerprint;
use wallet_core::grant::{Clawback, GrantKey, Origin};
use wallet_core::posting::{Account, Part};
use wallet_core::{OriginId, PaymentSubject, UnitId};

use crate::verify::faults::Faults;
use crate::verify::grant::GrantFold;
use crate::verify::moves;

/// The clawbacks of grants and purchases according to the entries, by their names.
#[derive(Debug, Default)]
pub(super) struct Clawbacks {
    standing: HashMap<String, BTreeSet<Clawback>>,
    /// The purchases of which a chargeback was withdrawn.
    withdrawn: HashSet<String>,
    /// The purchases of which a refund was recorded.
    recorded: HashSet<String>,
}

impl Clawbacks {
    /// Records the clawbacks of an entry, or the withdrawal of one.
    pub(super) fn record(&mut self, entry: &Entry) {
        if let Some((why, name)) = recorded(entry) {
            self.standing.entry(name).or_default().insert(why);
        }
        match entry.kind {
            EntryKind::ChargebackReversed => {
                let name = named_payment(entry);
                self.standing.entry(name.clone()).or_default().remove(&Clawback::ChargedBack);
                self.withdrawn.insert(name);
            }
            EntryKind::RefundRecorded => {
                self.recorded.insert(named_payment(entry));
            }
            EntryKind::WalletClosed => {
                for posting in &entry.postings {
                    if let Account::Grant(key) = &posting.account {
                        self.standing.entry(name_of_grant(key)).or_default().insert(Clawback::Revoked);
                    }
                }
            }
            _ => {}
        }
    }

    /// Returns the strongest clawback of a grant, which may belong to a purchase.
    pub(super) fn of(&self, key: &GrantKey, purchase: Option<&OriginId>) -> Option<Clawback> {
        // Most wallets have no clawbacks; for them, no name is built.
        if self.standing.is_empty() {
            return None;
        }
        let names = [Some(name_of_grant(key)), purchase.map(name_of_purchase)];
        let recorded =
            names.into_iter().flatten().filter_map(|name| self.standing.get(&name)?.last().copied());
        recorded.max()
    }

    /// Returns whether a refund of the purchase with this name was recorded, which may have made debt of its used credits.
    pub(super) fn is_recorded(&self, name: &str) -> bool {
        self.recorded.contains(name)
    }

    /// Returns whether a chargeback of a purchase was withdrawn.
    pub(super) fn is_withdrawn(&self, purchase: Option<&OriginId>) -> bool {
        !self.withdrawn.is_empty()
            && purchase.is_some_and(|id| self.withdrawn.contains(&name_of_purchase(id)))
    }
}

/// Returns the reason for the clawback of an entry, if it has one, and the field of its fingerprint that names the
/// grants.
pub(super) fn recorded(entry: &Entry) -> Option<(Clawback, String)> {
    match entry.kind {
        EntryKind::GrantRevoked => Some((Clawback::Revoked, named(entry, "grant_id="))),
        EntryKind::TopUpRefunded => Some((Clawback::Refunded, named(entry, "top_up_id="))),
        EntryKind::ChargedBack => Some((Clawback::ChargedBack, named_payment(entry))),
        _ => None,
    }
}

/// Returns the name of the payment that an entry concerns: of its purchase, or of its period.
pub(super) fn named_payment(entry: &Entry) -> String {
    let purchase = named(entry, "top_up_id=");
    if purchase.is_empty() { named(entry, "period_start_time=") } else { purchase }
}

/// Returns a field of the entry's fingerprint with its digest.
fn named(entry: &Entry, field: &str) -> String {
    let named = entry.fingerprint.to_string();
    named.split(';').find(|named| named.starts_with(field)).unwrap_or_default().to_owned()
}

/// Returns the name by which an entry claws back a grant.
pub(super) fn name_of_grant(key: &GrantKey) -> String {
    Fingerprint::default().with("grant_id", Some(key)).to_string()
}

/// Returns the name by which an entry claws back a purchase.
pub(super) fn name_of_purchase(purchase: &OriginId) -> String {
    Fingerprint::default().with("top_up_id", Some(purchase)).to_string()
}

/// Returns the name by which an entry claws back the payment of a grant.
pub(super) fn name_of_payment(payment: &PaymentSubject) -> String {
    match payment {
        PaymentSubject::Purchase(id) => name_of_purchase(id),
        PaymentSubject::Period(start) => {
            Fingerprint::default().with("period_start_time", Some(start)).to_string()
        }
    }
}

/// A refund or a chargeback with all grants of the wallet after it. Their rows, which are read later, show which of
/// them belong to the purchase.
#[derive(Debug)]
pub(super) struct ClawbackFold {
    why: Clawback,
    /// The name of the payment.
    payment: String,
    revision: i64,
    owed: BTreeMap<UnitId, i128>,
    /// True if a refund of the purchase was recorded before.
    recorded: bool,
    left: Vec<Left>,
}

#[derive(Debug)]
struct Left {
    grant: GrantKey,
    unit: UnitId,
    usable: i128,
    held: i128,
    consumed: i128,
}

impl ClawbackFold {
    /// Records the parts of all grants after the entry.
    pub(super) fn new(
        entry: &Entry,
        (why, payment): (Clawback, String),
        recorded: bool,
        grants: &BTreeMap<GrantKey, GrantFold>,
    ) -> Self {
        let left = |(key, grant): (&GrantKey, &GrantFold)| Left {
            grant: key.clone(),
            unit: grant.unit.clone(),
            usable: grant.part(Part::Pending) + grant.part(Part::Available),
            held: grant.part(Part::Held),
            consumed: grant.part(Part::Consumed),
        };
        let units = entry.balances.iter().map(|balance| &balance.unit);
        Self {
            why,
            payment,
            revision: entry.revision,
            owed: units
                .map(|unit| (unit.clone(), moves::sum(entry, unit, Part::Issued, Part::Owed)))
                .collect(),
            recorded,
            left: grants.iter().map(left).collect(),
        }
    }

    /// Checks I2 and I3: no credits of the purchase are left; a purchase that is refunded only while it is unused had no
    /// used or held credits; a chargeback made debt of the used ones.
    pub(super) fn check(&self, grants: &BTreeMap<GrantKey, GrantFold>, faults: &mut Faults) {
        let Self { why, payment, revision, owed, recorded, left } = self;
        let belongs = |left: &&Left| {
            let known = grants.get(&left.grant).and_then(GrantFold::paid_with);
            known.is_some_and(|known| name_of_payment(&known) == *payment)
        };
        // Credits that came back from an expired grant have the rule of that grant, which is another one of the purchase.
        let rules = left.iter().filter(belongs).filter(|left| left.grant.origin == Origin::TopUp);
        let mut rules = rules.filter_map(|left| grants.get(&left.grant)).map(|grant| grant.refund);
        let in_use =
            rules.next().is_some_and(|rule| !rule.only_unused || rule.partial == PartialRefund::Unused);
        let mut used: BTreeMap<&UnitId, i128> = BTreeMap::new();
        for left in left.iter().filter(belongs) {
            let Left { grant, unit, usable, held, consumed } = left;
            faults.unless(*usable == 0, *revision, || {
                format!("I2: {usable} of grant {grant} are left, but it was {why:?}")
            });
            let in_full = *why != Clawback::Refunded || in_use || (*held, *consumed) == (0, 0);
            faults.unless(in_full, *revision, || {
                format!("I2: grant {grant} was Refunded with {held} Held, {consumed} Consumed")
            });
            *used.entry(unit).or_default() += consumed;
        }
        let units = used.keys().copied().chain(owed.keys());
        for unit in units.filter(|_| *why == Clawback::ChargedBack).collect::<std::collections::BTreeSet<_>>()
        {
            let of = |sums: Option<&i128>| sums.copied().unwrap_or(0);
            let (used, owed) = (of(used.get(unit)), of(owed.get(unit)));
            faults.unless(used == owed || (*recorded && owed < used), *revision, || {
                format!("I3: {owed} {unit} are owed for a payment of which {used} were used")
            });
        }
    }
}
