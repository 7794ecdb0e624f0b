//! Computes the row digests of an entry, from a decision and the wallet on which it was made.

use crate::decide::decision::Decision;
use crate::ledger::canonical::Canonical;
use crate::ledger::entry::EntryKind;
use crate::ledger::row_digests::{Digest, RowDigests, json};
use crate::value::binary;
use crate::value::grant_key::GrantKey;
use crate::value::time::Timestamp;
use crate::wallet::Wallet;
use crate::wallet::grant::Grant;
use crate::wallet::profile::Profile;
use crate::wallet::reservation::{Reservation, State};

impl Digest {
    /// Returns the digest of the properties of a grant that never change, with its details as they are stored. Postings
    /// cover its parts.
    pub fn of_grant(grant: &Grant, details: &str) -> Self {
        let Grant { unit, source, priority, effective_time, expire_time, create_time, amount, .. } = grant;
        let mut words = Canonical::new("grant");
        words.text(unit.as_str());
        words.text(source.as_str());
        words.int(i64::from(*priority));
        for time in [effective_time, expire_time, create_time] {
            words.int(time.as_micros());
        }
        words.int(*amount);
        words.text(details);
        Self::of(words)
    }
}

impl RowDigests {
    /// Returns the row digests of a decision, made on this wallet before it is carried out.
    pub(crate) fn of(decision: &Decision, wallet: &Wallet) -> Self {
        let mut row_digests = Self::default();
        let Some(entry) = &decision.entry else { return row_digests };
        row_digests.silent = wallet.version - wallet.revision;
        row_digests.grants.extend(decision.issued.iter().map(of_grant));
        let warned = decision.issued.iter().filter(|grant| grant.warn_time < Timestamp::NEVER);
        row_digests.warnings.extend(warned.map(|grant| (grant.key.clone(), grant.warn_time)));
        for grant in decision.expiring.iter().filter_map(|key| wallet.grants.get(key)) {
            let ended = Grant { expire_time: entry.effective_time, ..grant.clone() };
            row_digests.grants.extend([of_grant(&ended)]);
        }
        if let Some(reservation) = &decision.reservation {
            if !wallet.reservations.contains_key(&reservation.id) {
                let fingerprint = binary::encode_sparse(&reservation.fingerprint);
                row_digests.terms =
                    Some(Digest::of_terms(&binary::encode(&*reservation.terms), &fingerprint));
            }
            if matches!(entry.kind, EntryKind::Reserved | EntryKind::Started) {
                row_digests.run = of_run(reservation);
            }
            row_digests.bill = reservation.finish.as_ref().map(|finish| {
                let finalizer = binary::encode_sparse(&finish.fingerprint);
                Digest::of_bill(&binary::encode(&finish.bill), &finalizer, reservation.deadline)
            });
        }
        if let Some(change) = &decision.change {
            row_digests.status = (change.status != wallet.status).then_some(change.status);
            row_digests.debt_limits = change.debt_limits.clone();
            row_digests.profile(&change.profile);
        }
        row_digests
    }

    /// Sets the digest of the new profile.
    pub(crate) fn profile(&mut self, profile: &Profile) {
        self.profile = Some(Digest::of_profile(&json(profile)));
    }
}

/// Returns the digest of the run, if the job has started.
fn of_run(reservation: &Reservation) -> Option<Digest> {
    let Reservation { state, attempt, worker, lease, .. } = reservation;
    let worker = worker.as_ref().map_or("", |worker| worker.as_str());
    #[expect(clippy::expect_used, reason = "the digest must be that of the stored lease")]
    let lease = lease.map_or(0, |lease| i64::try_from(lease.as_micros()).expect("a lease is at most 7 days"));
    (*state == State::Processing).then(|| Digest::of_run(*attempt, worker, lease))
}

fn of_grant(grant: &Grant) -> (GrantKey, Digest) {
    (grant.key.clone(), Digest::of_grant(grant, &json(&grant.details)))
}
