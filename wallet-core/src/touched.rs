//! Which rows a run of decisions changes, so that each is written once at the end of a batch.

use std::collections::BTreeSet;

use crate::decision::Decision;
use crate::grant::GrantKey;
use crate::ids::{ReservationId, UnitId};
use crate::posting::Account;

/// The identities of what decisions have changed in one wallet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// Grants made or changed.
    pub grants: BTreeSet<GrantKey>,
    /// Reservations made or changed.
    pub reservations: BTreeSet<ReservationId>,
    /// Units whose balance changed.
    pub units: BTreeSet<UnitId>,
    /// Whether the wallet's own properties changed.
    pub profile: bool,
    /// Whether anything changed at all.
    pub any: bool,
}

impl Touched {
    /// Adds what a decision changes.
    pub fn note(&mut self, decision: &Decision) {
        self.any = true;
        for posting in &decision.postings {
            self.units.insert(posting.unit.clone());
            if let Account::Grant(key) = &posting.account {
                self.grants.insert(key.clone());
            }
        }
        self.grants.extend(decision.issued.iter().map(|grant| grant.key.clone()));
        self.grants.extend(decision.taken_back.iter().map(|(key, _)| key.clone()));
        self.grants.extend(decision.expiring.iter().cloned());
        self.grants.extend(decision.events.iter().filter_map(|event| event.grant.clone()));
        self.reservations.extend(decision.reservation.as_ref().map(|reservation| reservation.id.clone()));
        if let Some(change) = &decision.change {
            self.profile = true;
            self.units.extend(change.debt_limits.units().cloned());
        }
    }

    /// Adds what other decisions change.
    pub fn add(&mut self, mut other: Self) {
        self.grants.append(&mut other.grants);
        self.reservations.append(&mut other.reservations);
        self.units.append(&mut other.units);
        self.profile |= other.profile;
        self.any |= other.any;
    }
}
