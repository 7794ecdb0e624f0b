//! A grant according to the entries, folded from its postings. [`super::grant_row`] compares its row with it.

use wallet_core::catalog::RefundRule;
use wallet_core::entry::{Entry, EntryKind};
use wallet_core::event::Event;
use wallet_core::grant::{GrantKey, Origin};
use wallet_core::posting::{Account, Part, Posting};
use wallet_core::row_digests::Digest;
use wallet_core::{PaymentSubject, Source, Timestamp, UnitId};

use crate::verify::faults::Faults;
use crate::verify::moves;
use crate::verify::returned_payment::{Remainder, Remainders};

/// The parts and the times of a grant according to the entries. Amounts are in minor units.
#[derive(Debug)]
pub(super) struct GrantFold {
    pub(super) unit: UnitId,
    /// The sums by part. `Issued` is the negated amount of the grant.
    parts: [i128; Part::Owed as usize + 1],
    pub(super) issue: Option<Issue>,
    /// The time of the entry that made pending credits available.
    pub(super) effective: Option<Timestamp>,
    /// The time of the entry with which the grant expired.
    pub(super) expired: Option<Timestamp>,
    /// The time of the expiry warning; `NEVER` once it was given or cannot be given any more.
    pub(super) warn_time: Timestamp,
    is_warned: bool,
    /// The digest of the grant's row in the last entry that has one.
    pub(super) row_digest: Option<Digest>,
    /// True if credits were paid out by another entry than a refund of the whole purchase.
    pub(super) is_paid_out_in_part: bool,
    /// Set if an entry that may revoke unpaid credits has ended the grant.
    pub(super) unpaid_end: Option<UnpaidEnd>,
    /// The sum of the allocations of open reservations.
    holds: i128,
    pub(super) remainders: Remainders,
    /// Set once its row has been read.
    pub(super) row: Option<RowFacts>,
}

/// The entry that issued a grant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Issue {
    revision: i64,
    pub(super) time: Timestamp,
    /// True if the credits were pending at first.
    pub(super) is_pending: bool,
}

/// The early end of a plan's grant by an entry that may end a plan because it was not paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnpaidEnd {
    /// Its available credits were revoked, so the plan was not paid.
    Revoked,
    /// It had no available credits, so the entry does not show whether the plan was paid.
    AllHeld,
}

/// The facts about a grant that are not in its postings. A fact is missing if its column is unreadable.
#[derive(Debug)]
pub(super) struct RowFacts {
    pub(super) source: Option<Source>,
    /// The purchase or the period that was paid for the grant.
    pub(super) payment: Option<PaymentSubject>,
    /// The rule by which its purchase is refunded. `None`: the default rule of packs.
    pub(super) refund_rule: Option<RefundRule>,
}

impl GrantFold {
    /// Returns a grant before its first posting, after this many payments of its wallet were returned.
    pub(super) fn new(unit: &UnitId, returned: usize) -> Self {
        Self {
            unit: unit.clone(),
            parts: [0; Part::Owed as usize + 1],
            issue: None,
            effective: None,
            expired: None,
            warn_time: Timestamp::NEVER,
            is_warned: false,
            row_digest: None,
            is_paid_out_in_part: false,
            unpaid_end: None,
            holds: 0,
            remainders: Remainders::new(returned),
            row: None,
        }
    }

    pub(super) const fn part(&self, part: Part) -> i128 {
        self.parts[part as usize]
    }

    /// Returns the parts that a returned payment concerns.
    pub(super) fn remainder(&self) -> Remainder {
        Remainder {
            usable: self.part(Part::Pending) + self.part(Part::Available),
            held: self.part(Part::Held),
            consumed: self.part(Part::Consumed),
        }
    }

    /// Returns the revision of the issue; 0 if there is none.
    pub(super) fn revision(&self) -> i64 {
        self.issue.map_or(0, |issue| issue.revision)
    }

    /// Adds a posting. Checks I2 (issued once, by the origin in its key), I3 (no part is negative) and I6 (one unit).
    pub(super) fn post(&mut self, key: &GrantKey, entry: &Entry, posting: &Posting, faults: &mut Faults) {
        let (at, amount) = (entry.revision, posting.amount);
        self.parts[posting.from as usize] -= i128::from(amount);
        self.parts[posting.to as usize] += i128::from(amount);
        let left = self.part(posting.from);
        faults.unless(left >= 0 || posting.from == Part::Issued, at, || {
            format!("I3: {left} are {:?} in grant {key} after {amount} were moved from there", posting.from)
        });
        faults.unless(posting.unit == self.unit, at, || {
            format!("I6: {amount} {} are moved in grant {key} of {}", posting.unit, self.unit)
        });
        match entry.kind {
            EntryKind::GrantEffective => self.effective = Some(entry.effective_time),
            EntryKind::GrantExpired => self.expired = Some(entry.effective_time),
            // The credits of a subscription expire when it ends, regardless of their own expiry.
            EntryKind::SubscriptionEnded
            | EntryKind::SubscriptionCancelled
            | EntryKind::SubscriptionRefunded
                if posting.to == Part::Expired =>
            {
                self.expired = Some(entry.effective_time);
            }
            _ => {}
        }
        if posting.to == Part::PaidOut && entry.kind != EntryKind::TopUpRefunded {
            self.is_paid_out_in_part = true;
        }
        if posting.from == Part::Issued {
            self.record_issue(key, entry, posting, faults);
        }
        if [Part::Pending, Part::Available, Part::Held].iter().all(|part| self.part(*part) == 0) {
            self.warn_time = Timestamp::NEVER;
        }
    }

    fn record_issue(&mut self, key: &GrantKey, entry: &Entry, posting: &Posting, faults: &mut Faults) {
        let at = entry.revision;
        faults.unless(self.issue.is_none(), at, || {
            format!("I2: grant {key} is issued again, after revision {}", self.revision())
        });
        faults.unless(may_issue(entry, key), at, || {
            format!("I2: grant {key} is issued by an entry {:?} of another origin", entry.kind)
        });
        let is_pending = posting.to == Part::Pending;
        self.issue = Some(Issue { revision: at, time: entry.effective_time, is_pending });
        self.warn_time = entry.row_digests.warnings.get(key).copied().unwrap_or(Timestamp::NEVER);
    }

    /// Records the digest of the row. A digest after the issue means that the grant's lifetime has ended, so there is
    /// no warning any more. Credits of a provisional period that was not paid are then revoked, and the others expire.
    pub(super) fn record_digest(&mut self, key: &GrantKey, row_digest: Digest, entry: &Entry) {
        self.row_digest = Some(row_digest);
        if entry.revision == self.revision() {
            return;
        }
        self.warn_time = Timestamp::NEVER;
        if !moves::ends_unpaid(entry.kind) {
            return;
        }
        let account = Account::Grant(key.clone());
        let has_moved_to = |part: Part| {
            entry.postings.iter().any(|posting| posting.account == account && posting.to == part)
        };
        if has_moved_to(Part::Revoked) {
            self.unpaid_end = Some(UnpaidEnd::Revoked);
        } else if !has_moved_to(Part::Expired) {
            self.unpaid_end = self.unpaid_end.or(Some(UnpaidEnd::AllHeld));
        }
    }

    /// Checks an expiry notification: there is one per grant, and only while credits are left.
    pub(super) fn check_warning(
        &mut self,
        key: &GrantKey,
        entry: &Entry,
        event: &Event,
        faults: &mut Faults,
    ) {
        let at = entry.revision;
        let available = self.part(Part::Available);
        faults.unless(available == i128::from(event.available), at, || {
            format!("notifies that {} of grant {key} are available, but {available} are", event.available)
        });
        faults.unless(available + self.part(Part::Held) > 0, at, || {
            format!("notifies that grant {key} will expire, but none of it is left")
        });
        faults.unless(!self.is_warned, at, || format!("notifies again that grant {key} will expire"));
        (self.warn_time, self.is_warned) = (Timestamp::NEVER, true);
    }

    /// Adds an allocation of an open reservation.
    pub(super) fn hold(&mut self, amount: i64) {
        self.holds += i128::from(amount);
    }

    /// Checks I2 and I5 after the last row: the grant has a row, and held credits equal the allocations of open
    /// reservations.
    pub(super) fn close(&self, key: &GrantKey, faults: &mut Faults) {
        let (at, held, holds) = (self.revision(), self.part(Part::Held), self.holds);
        faults.unless(self.row.is_some(), at, || format!("I2: grant {key} has no row"));
        faults.unless(held == holds, at, || {
            format!("I5: {held} of grant {key} are held according to the postings, but {holds} according to open reservations")
        });
    }
}

/// Returns whether an entry may issue the grant with this key.
fn may_issue(entry: &Entry, key: &GrantKey) -> bool {
    match (key.origin, entry.kind) {
        (Origin::TopUp, kind) => kind == EntryKind::ToppedUp,
        (Origin::Grant, kind) => kind == EntryKind::Granted,
        (
            Origin::Grace,
            EntryKind::Settled
            | EntryKind::Failed
            | EntryKind::Cancelled
            | EntryKind::HoldExpired
            | EntryKind::ChargeReversed,
        ) => entry.reservation.as_ref().is_some_and(|id| id.as_str() == key.id.as_str()),
        (Origin::Grace, _) => false,
        (Origin::Correction, kind) => {
            let of_request = entry.request.as_ref().is_some_and(|id| id.as_str() == key.id.as_str());
            matches!(kind, EntryKind::ChargebackReversed | EntryKind::RefundRecorded) && of_request
        }
        (Origin::Rollover | Origin::Period, kind) => moves::gives_allowances(kind),
    }
}
