//! A grant folded from its postings, and its comparison with the stored row.

use wallet_core::catalog::RefundRule;
use wallet_core::entry::{Entry, EntryKind};
use wallet_core::event::Event;
use wallet_core::grant::{Clawback, Grant, GrantDetails, GrantKey, Origin, Parts};
use wallet_core::posting::{Account, Part, Posting};
use wallet_core::row_digests::Digest;
use wallet_core::{OriginId, PaymentSubject, Source, Timestamp, UnitId};

use crate::store::tables::grants;
use crate::verify::faults::Faults;
use crate::verify::moves;
use crate::verify::taking::Clawbacks;

/// The parts and the times of a grant according to the entries. Amounts are in minor units.
#[derive(Debug)]
pub(super) struct GrantFold {
    pub(super) unit: UnitId,
    /// The purchase of the grant. Known after its row has been read.
    pub(super) purchase: Option<OriginId>,
    /// The start of the period that was paid for it. Known after its row has been read.
    period: Option<Timestamp>,
    /// The rule by which its purchase is refunded. Known after its row has been read.
    pub(super) refund: RefundRule,
    /// The source of the grant. Known after its row has been read.
    pub(super) source: Option<Source>,
    /// The sums by part. `Issued` is the negated amount of the grant.
    parts: [i128; Part::Owed as usize + 1],
    /// The revision and time of the issue, and whether the grant was pending then.
    issue: Option<(i64, Timestamp, bool)>,
    /// The digest of the grant's row in the last entry that has one.
    pub(super) row_digest: Option<Digest>,
    effective: Option<Timestamp>,
    expired: Option<Timestamp>,
    /// The time of the expiry warning; `NEVER` once it was given or cannot be given any more.
    warn: Timestamp,
    warned: bool,
    /// True if a recorded refund has taken credits of the grant.
    paid_back: bool,
    /// The sum of the allocations of open reservations.
    holds: i128,
    /// Set if an entry that may revoke unpaid credits has ended the grant.
    unpaid: Option<Unpaid>,
    seen: bool,
}

/// The early end of a plan's grant by an entry that may end a plan because it was not paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unpaid {
    /// Its available credits were revoked, so the plan was not paid.
    Revoked,
    /// It had no available credits, so the entry does not show whether the plan was paid.
    AllHeld,
}

impl GrantFold {
    /// Returns a grant before its first posting.
    pub(super) fn new(unit: &UnitId) -> Self {
        let parts = [0; Part::Owed as usize + 1];
        Self {
            unit: unit.clone(),
            purchase: None,
            period: None,
            refund: RefundRule::PACK,
            source: None,
            parts,
            issue: None,
            row_digest: None,
            effective: None,
            expired: None,
            warn: Timestamp::NEVER,
            warned: false,
            paid_back: false,
            holds: 0,
            unpaid: None,
            seen: false,
        }
    }

    pub(super) const fn part(&self, part: Part) -> i128 {
        self.parts[part as usize]
    }

    /// Returns the revision of the issue; 0 if there is none.
    pub(super) fn revision(&self) -> i64 {
        self.issue.map_or(0, |(revision, ..)| revision)
    }

    /// Sets the digest of the row. A digest after the issue means that the grant's lifetime has ended, so there is no
    /// warning any more. Credits of a provisional period that was not paid are then revoked, and the others expire.
    pub(super) fn record(&mut self, key: &GrantKey, row_digest: Digest, entry: &Entry) {
        self.row_digest = Some(row_digest);
        if entry.revision == self.revision() {
            return;
        }
        self.warn = Timestamp::NEVER;
        let moves = |to: Part| {
            let account = Account::Grant(key.clone());
            entry.postings.iter().any(|posting| posting.account == account && posting.to == to)
        };
        if moves::ends_unpaid(entry.kind) && moves(Part::Revoked) {
            self.unpaid = Some(Unpaid::Revoked);
        } else if moves::ends_unpaid(entry.kind) && !moves(Part::Expired) {
            self.unpaid = self.unpaid.or(Some(Unpaid::AllHeld));
        }
    }

    /// Adds an allocation of an open reservation.
    pub(super) fn hold(&mut self, amount: i64) {
        self.holds += i128::from(amount);
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
        self.paid_back |= posting.to == Part::PaidOut && entry.kind != EntryKind::TopUpRefunded;
        if posting.from == Part::Issued {
            faults.unless(self.issue.is_none(), at, || {
                format!("I2: grant {key} is issued again, after revision {}", self.revision())
            });
            faults.unless(issues(entry, key), at, || {
                format!("I2: grant {key} is issued by an entry {:?} of another origin", entry.kind)
            });
            self.issue = Some((at, entry.effective_time, posting.to == Part::Pending));
            self.warn = entry.row_digests.warnings.get(key).copied().unwrap_or(Timestamp::NEVER);
        }
        if [Part::Pending, Part::Available, Part::Held].iter().all(|part| self.part(*part) == 0) {
            self.warn = Timestamp::NEVER;
        }
    }

    /// Checks an expiry notification: there is one per grant, and only while credits are left.
    pub(super) fn warn(&mut self, key: &GrantKey, entry: &Entry, event: &Event, faults: &mut Faults) {
        let at = entry.revision;
        let available = self.part(Part::Available);
        faults.unless(available == i128::from(event.available), at, || {
            format!("notifies that {} of grant {key} are available, but {available} are", event.available)
        });
        faults.unless(available + self.part(Part::Held) > 0, at, || {
            format!("notifies that grant {key} will expire, but none of it is left")
        });
        faults.unless(!self.warned, at, || format!("notifies again that grant {key} will expire"));
        (self.warn, self.warned) = (Timestamp::NEVER, true);
    }

    /// Compares the row with the fold. Checks I2: the parts are equal and add up to the amount that was issued.
    pub(super) fn check(
        &mut self,
        key: &GrantKey,
        row: &grants::Model,
        clawback: &Clawbacks,
        last_time: i64,
        faults: &mut Faults,
    ) {
        self.seen = true;
        let at = self.revision();
        let parts = [
            (Part::Pending, row.pending),
            (Part::Available, row.available),
            (Part::Held, row.held),
            (Part::Consumed, row.consumed),
            (Part::Expired, row.expired),
            (Part::Revoked, row.revoked),
            (Part::PaidOut, row.paid_out),
        ];
        for (part, stored) in parts {
            let folded = self.part(part);
            faults.unless(folded == i128::from(stored), at, || {
                format!("I2: grant {key} has {stored} {part:?}, but {folded} according to the postings")
            });
            faults.unless(stored >= 0, at, || format!("I3: grant {key} has {stored} {part:?}"));
        }
        let total: i128 = parts.iter().map(|(_, stored)| i128::from(*stored)).sum();
        for (what, figure) in [("its parts add up to", total), ("issued were", -self.part(Part::Issued))] {
            faults.unless(figure == i128::from(row.amount), at, || {
                format!("I2: grant {key} has amount {}, {what} {figure}", row.amount)
            });
        }
        faults.unless(row.unit == self.unit.as_str(), at, || {
            format!("I6: grant {key} has unit {}, but its postings have {}", row.unit, self.unit)
        });
        let open = row.pending > 0 || row.available > 0 || row.held > 0;
        faults.unless(row.open == open, at, || format!("I2: grant {key} has open = {}", row.open));
        self.check_columns(key, row, faults);
        self.check_times(key, row, clawback, last_time, faults);
        let read = decoded(row);
        self.source = read.as_ref().map(|grant| grant.source);
        let row_digest = read.map(|grant| Digest::of_grant(&grant, &row.details));
        faults.unless(row_digest.is_some() && row_digest == self.row_digest, at, || {
            let grants::Model { source, priority, effective_time, expire_time, details, .. } = row;
            format!("I16: grant {key} does not match its entries: source {source}, priority {priority}, effective {effective_time}, expires {expire_time}, {details}")
        });
        self.check_clawback(key, row, clawback, faults);
    }

    /// Checks I2: a grant has a clawback, and revoked or paid-out credits, only if an entry names it or its purchase.
    fn check_clawback(&self, key: &GrantKey, row: &grants::Model, clawback: &Clawbacks, faults: &mut Faults) {
        let recorded = clawback.of(key, self.purchase.as_ref()).map_or(0, |why| why as i16);
        let revoked = Clawback::Revoked as i16;
        let recorded = if self.unpaid == Some(Unpaid::Revoked) { recorded.max(revoked) } else { recorded };
        let unrecorded = recorded == 0 && row.clawback == revoked && self.unpaid == Some(Unpaid::AllHeld);
        let untouched = row.revoked == 0 && (row.paid_out == 0 || self.paid_back);
        faults.unless(unrecorded || row.clawback == recorded && (recorded != 0 || untouched), self.revision(), || {
            let grants::Model { clawback, revoked, paid_out, .. } = row;
            format!("I2: grant {key} has clawback = {clawback}, but {recorded} according to its entries; {revoked} Revoked, {paid_out} PaidOut")
        });
    }

    /// Returns the subject of the payment that bought it.
    pub(super) fn paid_with(&self) -> Option<PaymentSubject> {
        let purchase = self.purchase.clone().map(PaymentSubject::Purchase);
        purchase.or_else(|| self.period.map(PaymentSubject::Period))
    }

    /// Checks I2 and I5 after the last row: the grant has a row, and held credits equal the allocations of open
    /// reservations.
    pub(super) fn close(&self, key: &GrantKey, faults: &mut Faults) {
        let (at, held, holds) = (self.revision(), self.part(Part::Held), self.holds);
        faults.unless(self.seen, at, || format!("I2: grant {key} has no row"));
        faults.unless(held == holds, at, || {
            format!("I5: {held} of grant {key} are held according to the postings, but {holds} according to open reservations")
        });
    }

    /// Checks that source and details are readable, and I11: the columns for payment and purchase match the details.
    fn check_columns(&mut self, key: &GrantKey, row: &grants::Model, faults: &mut Faults) {
        let at = self.revision();
        let sources =
            usize::try_from(row.source).is_ok_and(|number| (1..=Source::ALL.len()).contains(&number));
        faults.unless(sources, at, || format!("grant {key} has source {}, which is unknown", row.source));
        let details: GrantDetails = match serde_json::from_str(&row.details) {
            Ok(details) => details,
            Err(error) => {
                return faults.add(at, &format!("grant {key} has unreadable details: {error}"));
            }
        };
        let payment = details.external_ref.map(|payment| payment.to_string()).unwrap_or_default();
        faults.unless(payment == row.payment, at, || {
            format!("I11: grant {key} is found by payment {:?}, but was paid with {payment:?}", row.payment)
        });
        let line = details.line.map(|line| line.to_string()).unwrap_or_default();
        faults.unless(line == row.line, at, || {
            format!("I11: grant {key} is found by line {:?} of its payment, but is line {line:?}", row.line)
        });
        self.refund = details.refund.unwrap_or(RefundRule::PACK);
        let first = details.stems_from.as_ref().unwrap_or(key);
        self.purchase = (first.origin == Origin::TopUp).then(|| first.id.clone());
        let returned = matches!(key.origin, Origin::Grace | Origin::Correction);
        let stems = self.purchase.as_ref().filter(|_| returned);
        self.period = details.period;
        let period = details.period.map(|start| format!("#{}", start.as_micros()));
        let purchase = stems.map(ToString::to_string).or(period).unwrap_or_default();
        faults.unless(purchase == row.purchase, at, || {
            format!("I11: grant {key} is found by purchase {:?}, stems from {purchase:?}", row.purchase)
        });
    }

    /// Compares the times of the row with the entries. Checks I9: `next_time` is the next due time, by which the
    /// sweeper finds the grant, or `NEVER` if that time has passed.
    fn check_times(
        &self,
        key: &GrantKey,
        row: &grants::Model,
        clawback: &Clawbacks,
        last_time: i64,
        faults: &mut Faults,
    ) {
        let [effective, expire, create] =
            [row.effective_time, row.expire_time, row.create_time].map(Timestamp::from_micros);
        let events = [
            ("create", create, self.issue.map(|(_, time, _)| time)),
            ("effective", effective, self.effective),
            ("expire", expire, self.expired),
        ];
        for (what, stored, recorded) in events {
            faults.unless(recorded.is_none_or(|recorded| recorded == stored), self.revision(), || {
                format!(
                    "I2: grant {key} has {what}_time {stored}, but {} according to its entries",
                    recorded.unwrap_or(stored)
                )
            });
        }
        if let Some((at, time, pending)) = self.issue {
            faults.unless(pending == (effective > time), at, || {
                format!(
                    "I2: grant {key} has effective_time {effective}, and was issued with pending = {pending}"
                )
            });
        }
        let warn = Timestamp::from_micros(row.warn_time);
        let recorded = if row.clawback == 0 { self.warn } else { Timestamp::NEVER };
        // A clawback ends the warning, and its withdrawal does not bring it back.
        let is_silent = warn == Timestamp::NEVER && clawback.is_withdrawn(self.purchase.as_ref());
        let recorded = if is_silent { Timestamp::NEVER } else { recorded };
        let fits = warn == Timestamp::NEVER || (effective < warn && warn < expire);
        faults.unless(fits && warn == recorded, self.revision(), || {
            format!("I9: grant {key} has warn_time {warn}, but {recorded} according to its entries")
        });
        let next = if row.pending > 0 { row.effective_time } else { row.expire_time.min(row.warn_time) };
        // A grant of which everything is held has no expiry of its own: credits that return from the hold expire then.
        let is_all_held = (row.pending, row.available) == (0, 0) && warn == Timestamp::NEVER;
        let past = (next <= last_time || is_all_held) && row.next_time == Timestamp::NEVER.as_micros();
        faults.unless(past || row.next_time == next, self.revision(), || {
            format!("I9: grant {key} has next_time {}, but is due at {next}", row.next_time)
        });
    }
}

/// Decodes the key of a row.
pub(super) fn key(row: &grants::Model) -> Result<GrantKey, String> {
    let origin = Origin::ALL.into_iter().find(|origin| *origin as i16 == row.origin);
    let origin = origin.ok_or_else(|| format!("a grant has origin {}, which is unknown", row.origin))?;
    let id = OriginId::parse(&row.origin_id).map_err(|error| format!("a grant's origin_id {error}"))?;
    let n = u16::try_from(row.n).map_err(|_| format!("a grant has n = {}", row.n))?;
    Ok(GrantKey::new(origin, id, n))
}

/// Returns whether an entry may issue the grant with this key.
fn issues(entry: &Entry, key: &GrantKey) -> bool {
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

/// Decodes a row; `None` if a column has no meaning.
fn decoded(row: &grants::Model) -> Option<Grant> {
    let origin = Origin::ALL.into_iter().find(|origin| *origin as i16 == row.origin)?;
    let source = Source::ALL.get(usize::try_from(row.source).ok()?.checked_sub(1)?)?;
    let clawback = Clawback::ALL.into_iter().find(|why| *why as i16 == row.clawback);
    Some(Grant {
        key: GrantKey::new(origin, OriginId::parse(&row.origin_id).ok()?, u16::try_from(row.n).ok()?),
        unit: row.unit.parse().ok()?,
        source: *source,
        priority: row.priority,
        effective_time: Timestamp::from_micros(row.effective_time),
        expire_time: Timestamp::from_micros(row.expire_time),
        warn_time: Timestamp::from_micros(row.warn_time),
        create_time: Timestamp::from_micros(row.create_time),
        amount: row.amount,
        parts: Parts {
            pending: row.pending,
            available: row.available,
            held: row.held,
            consumed: row.consumed,
            expired: row.expired,
            revoked: row.revoked,
            paid_out: row.paid_out,
        },
        clawback: if row.clawback == 0 { None } else { Some(clawback?) },
        details: serde_json::from_str(&row.details).ok()?,
    })
}
