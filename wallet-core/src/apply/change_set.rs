//! The rows of one wallet that a unit of work has changed, so that each is written once.

use std::collections::BTreeSet;

use crate::decide::decision::Decision;
use crate::ledger::posting::Account;
use crate::value::grant_key::GrantKey;
use crate::value::ids::ReservationId;

/// The identities of the rows that changed in one wallet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeSet {
    /// Grants that were issued or changed.
    pub grants: BTreeSet<GrantKey>,
    /// Reservations that were made or changed, their sweep hints included.
    pub reservations: BTreeSet<ReservationId>,
    /// True if the wallet's status or profile changed.
    pub profile: bool,
    /// True if the work raises the version of the wallet. Every change does, except corrected sweep hints.
    pub raises_version: bool,
}

impl ChangeSet {
    /// Adds the rows that a decision changes.
    pub fn record(&mut self, decision: &Decision) {
        self.raises_version = true;
        for posting in &decision.postings {
            if let Account::Grant(key) = &posting.account {
                self.grants.insert(key.clone());
            }
        }
        self.grants.extend(decision.issued.iter().map(|grant| grant.key.clone()));
        self.grants.extend(decision.clawback.iter().map(|(key, _)| key.clone()));
        self.grants.extend(decision.expiring.iter().cloned());
        self.grants.extend(decision.events.iter().filter_map(|event| event.grant.clone()));
        self.grants.extend(decision.withdrawn.iter().map(|(key, _)| key.clone()));
        self.reservations.extend(decision.reservation.as_ref().map(|reservation| reservation.id.clone()));
        self.profile |= decision.change.is_some();
    }

    /// Adds the rows of another change set, which is small: `append` would rebuild the larger one each time.
    pub fn add(&mut self, other: Self) {
        self.grants.extend(other.grants);
        self.reservations.extend(other.reservations);
        self.profile |= other.profile;
        self.raises_version |= other.raises_version;
    }
}
