//! The clawbacks in the entries: which grants and payments they name, and for which reasons.

use std::collections::{BTreeSet, HashMap, HashSet};

use wallet_core::entry::{Entry, EntryKind};
use wallet_core::fingerprint::Fingerprint;
use wallet_core::grant::{Clawback, GrantKey};
use wallet_core::posting::Account;
use wallet_core::{OriginId, PaymentSubject};

/// The field of a fingerprint by which an entry names a grant, a purchase or a period, with its digest.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct SubjectDigest(String);

/// The clawbacks of a wallet so far.
#[derive(Debug, Default)]
pub(super) struct Clawbacks {
    /// The reasons for which each subject is clawed back. A withdrawn chargeback is none.
    reasons: HashMap<SubjectDigest, BTreeSet<Clawback>>,
    /// The payments of which a chargeback was withdrawn.
    withdrawn: HashSet<SubjectDigest>,
    /// The payments of which a refund was recorded.
    refund_recorded: HashSet<SubjectDigest>,
}

impl Clawbacks {
    /// Records the clawbacks of an entry, or the withdrawal of one.
    pub(super) fn record(&mut self, entry: &Entry) {
        if let Some((reason, subject)) = clawback_in(entry) {
            self.reasons.entry(subject).or_default().insert(reason);
        }
        match entry.kind {
            EntryKind::ChargebackReversed => {
                let payment = SubjectDigest::payment_in(entry);
                self.reasons.entry(payment.clone()).or_default().remove(&Clawback::ChargedBack);
                self.withdrawn.insert(payment);
            }
            EntryKind::RefundRecorded => {
                self.refund_recorded.insert(SubjectDigest::payment_in(entry));
            }
            EntryKind::WalletClosed => {
                for posting in &entry.postings {
                    if let Account::Grant(key) = &posting.account {
                        let grant = SubjectDigest::of_grant(key);
                        self.reasons.entry(grant).or_default().insert(Clawback::Revoked);
                    }
                }
            }
            _ => {}
        }
    }

    /// Returns the strongest reason for which a grant is clawed back, by its own key or by its purchase.
    pub(super) fn of_grant(&self, key: &GrantKey, purchase: Option<&OriginId>) -> Option<Clawback> {
        // Most wallets have no clawbacks; for them, no digest is computed.
        if self.reasons.is_empty() {
            return None;
        }
        let strongest = |subject: &SubjectDigest| self.reasons.get(subject)?.last().copied();
        let by_key = strongest(&SubjectDigest::of_grant(key));
        let by_purchase = purchase.and_then(|id| strongest(&SubjectDigest::of_purchase(id)));
        by_key.max(by_purchase)
    }

    /// Returns whether a refund of a payment was recorded, which may have made debt of its used credits.
    pub(super) fn has_recorded_refund(&self, payment: &SubjectDigest) -> bool {
        self.refund_recorded.contains(payment)
    }

    /// Returns whether a chargeback of a purchase was withdrawn.
    pub(super) fn is_withdrawn(&self, purchase: &OriginId) -> bool {
        !self.withdrawn.is_empty() && self.withdrawn.contains(&SubjectDigest::of_purchase(purchase))
    }
}

/// Returns the reason and the subject of the clawback in an entry, if it has one.
pub(super) fn clawback_in(entry: &Entry) -> Option<(Clawback, SubjectDigest)> {
    match entry.kind {
        EntryKind::GrantRevoked => Some((Clawback::Revoked, SubjectDigest::field_in(entry, "grant_id"))),
        EntryKind::TopUpRefunded => Some((Clawback::Refunded, SubjectDigest::field_in(entry, "top_up_id"))),
        EntryKind::ChargedBack => Some((Clawback::ChargedBack, SubjectDigest::payment_in(entry))),
        _ => None,
    }
}

impl SubjectDigest {
    fn of_grant(key: &GrantKey) -> Self {
        Self(Fingerprint::default().with("grant_id", Some(key)).to_string())
    }

    fn of_purchase(id: &OriginId) -> Self {
        Self(Fingerprint::default().with("top_up_id", Some(id)).to_string())
    }

    pub(super) fn of_payment(payment: &PaymentSubject) -> Self {
        match payment {
            PaymentSubject::Purchase(id) => Self::of_purchase(id),
            PaymentSubject::Period(period) => {
                Self(Fingerprint::default().with("period_start_time", Some(period)).to_string())
            }
        }
    }

    /// Returns the payment that an entry names: a purchase, or else a period.
    pub(super) fn payment_in(entry: &Entry) -> Self {
        let purchase = Self::field_in(entry, "top_up_id");
        if purchase.0.is_empty() { Self::field_in(entry, "period_start_time") } else { purchase }
    }

    /// Returns a field of an entry's fingerprint. Empty, and equal to no subject, if the entry does not have it.
    fn field_in(entry: &Entry, name: &str) -> Self {
        let fingerprint = entry.fingerprint.to_string();
        let has_name = |field: &&str| field.split_once('=').is_some_and(|(of_field, _)| of_field == name);
        Self(fingerprint.split(';').find(has_name).unwrap_or_default().to_owned())
    }
}
