//! The comparison of a grant's row with the grant according to the entries.

use wallet_core::fingerprint::Fingerprint;
use wallet_core::grant::{Clawback, Grant, GrantDetails, GrantKey, Origin, Parts};
use wallet_core::posting::Part;
use wallet_core::row_digests::Digest;
use wallet_core::{OriginId, PaymentSubject, Source, Timestamp};

use crate::store::tables::grants;
use crate::verify::clawback::Clawbacks;
use crate::verify::faults::Faults;
use crate::verify::grant::{GrantFold, RowFacts, UnpaidEnd};

/// A row and the grant that it should show.
struct Comparison<'a> {
    key: &'a GrantKey,
    row: &'a grants::Model,
    grant: &'a GrantFold,
    /// The purchase that was paid for the grant.
    purchase: Option<&'a OriginId>,
    context: Context<'a>,
}

/// The facts of the wallet that a row depends on.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) clawbacks: &'a Clawbacks,
    /// True if the credits were given for a period without its payment, before it ended unpaid.
    pub(super) gave_unpaid: bool,
    /// The time of the wallet's last change.
    pub(super) last_time: i64,
    /// The effective time of the last entry. Everything due before has been processed.
    pub(super) effective_time: Timestamp,
}

/// Decodes the key of a row.
pub(super) fn key(row: &grants::Model) -> Result<GrantKey, String> {
    let origin = Origin::ALL.into_iter().find(|origin| *origin as i16 == row.origin);
    let origin = origin.ok_or_else(|| format!("a grant has origin {}, which is unknown", row.origin))?;
    let id = OriginId::parse(&row.origin_id).map_err(|error| format!("a grant's origin_id {error}"))?;
    let n = u16::try_from(row.n).map_err(|_| format!("a grant has n = {}", row.n))?;
    Ok(GrantKey::new(origin, id, n))
}

/// Compares a row, and its decoded form, with the grant. Returns the facts that only the row has.
pub(super) fn check(
    key: &GrantKey,
    row: &grants::Model,
    decoded: Option<Grant>,
    grant: &GrantFold,
    context: Context<'_>,
    faults: &mut Faults,
) -> RowFacts {
    let details = serde_json::from_str::<GrantDetails>(&row.details);
    // A late payment of the period is not for these credits.
    let bought = details.as_ref().ok().filter(|_| !context.gave_unpaid);
    let payment = bought.and_then(|details| payment(key, details));
    let purchase = match &payment {
        Some(PaymentSubject::Purchase(id)) => Some(id),
        Some(PaymentSubject::Period(_)) | None => None,
    };
    let comparison = Comparison { key, row, grant, purchase, context };
    comparison.check_parts(faults);
    comparison.check_source(faults);
    match &details {
        Ok(details) => comparison.check_details(details, faults),
        Err(error) => faults.add(grant.revision(), &format!("grant {key} has unreadable details: {error}")),
    }
    comparison.check_times(faults);
    comparison.check_overdue(faults);
    comparison.check_warn_time(faults);
    comparison.check_next_time(faults);
    comparison.check_digest(decoded.as_ref(), faults);
    comparison.check_clawback(faults);
    RowFacts {
        source: decoded.map(|grant| grant.source),
        payment,
        refund_rule: details.ok().and_then(|details| details.refund),
    }
}

/// Returns the payment for a grant. Grants that stem from a purchase belong to it, the others to their period.
fn payment(key: &GrantKey, details: &GrantDetails) -> Option<PaymentSubject> {
    let first = details.stems_from.as_ref().unwrap_or(key);
    if first.origin == Origin::TopUp {
        return Some(PaymentSubject::Purchase(first.id.clone()));
    }
    details.period.map(PaymentSubject::Period)
}

impl Comparison<'_> {
    fn unless(&self, holds: bool, faults: &mut Faults, fault: impl FnOnce() -> String) {
        faults.unless(holds, self.grant.revision(), fault);
    }

    /// Checks I2, I3 and I6: the parts are equal and add up to the amount that was issued, in the unit of the postings.
    fn check_parts(&self, faults: &mut Faults) {
        let Self { key, row, grant, .. } = self;
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
            let folded = grant.part(part);
            self.unless(folded == i128::from(stored), faults, || {
                format!("I2: grant {key} has {stored} {part:?}, but {folded} according to the postings")
            });
            self.unless(stored >= 0, faults, || format!("I3: grant {key} has {stored} {part:?}"));
        }
        let total: i128 = parts.iter().map(|(_, stored)| i128::from(*stored)).sum();
        for (what, figure) in [("its parts add up to", total), ("issued were", -grant.part(Part::Issued))] {
            self.unless(figure == i128::from(row.amount), faults, || {
                format!("I2: grant {key} has amount {}, {what} {figure}", row.amount)
            });
        }
        self.unless(row.unit == grant.unit.as_str(), faults, || {
            format!("I6: grant {key} has unit {}, but its postings have {}", row.unit, grant.unit)
        });
        let open = row.pending > 0 || row.available > 0 || row.held > 0;
        self.unless(row.open == open, faults, || format!("I2: grant {key} has open = {}", row.open));
    }

    fn check_source(&self, faults: &mut Faults) {
        let Self { key, row, .. } = self;
        let number = usize::try_from(row.source);
        let is_known = number.is_ok_and(|number| (1..=Source::ALL.len()).contains(&number));
        self.unless(is_known, faults, || format!("grant {key} has source {}, which is unknown", row.source));
    }

    /// Checks I11: the columns by which a payment, its line and its purchase are found match the details. Checks I2:
    /// the amount is the one of the command, if the command had one.
    fn check_details(&self, details: &GrantDetails, faults: &mut Faults) {
        let Self { key, row, .. } = self;
        let payment = details.external_ref.as_ref().map(ToString::to_string).unwrap_or_default();
        self.unless(payment == row.payment, faults, || {
            format!("I11: grant {key} is found by payment {:?}, but was paid with {payment:?}", row.payment)
        });
        let line = details.line.as_ref().map(ToString::to_string).unwrap_or_default();
        self.unless(line == row.line, faults, || {
            format!("I11: grant {key} is found by line {:?} of its payment, but is line {line:?}", row.line)
        });
        if matches!(key.origin, Origin::Grant | Origin::TopUp) {
            let command = Fingerprint::parse(&details.fingerprint);
            self.unless(command.agrees("amount", &(&row.unit, row.amount)), faults, || {
                format!("I2: grant {key} has {} {}, but its command asked for others", row.amount, row.unit)
            });
        }
        // The grants of a purchase itself are found by their keys.
        let stems_from = match key.origin {
            Origin::Grace | Origin::Correction => self.purchase.map(ToString::to_string),
            _ => None,
        };
        let period = details.period.map(|period| format!("#{}", period.start.as_micros()));
        let purchase = stems_from.or(period).unwrap_or_default();
        self.unless(purchase == row.purchase, faults, || {
            format!("I11: grant {key} is found by purchase {:?}, stems from {purchase:?}", row.purchase)
        });
    }

    /// Checks I2: the times match the entries that issued the grant, made it effective and let it expire.
    fn check_times(&self, faults: &mut Faults) {
        let Self { key, row, grant, .. } = self;
        let [effective, expire, create] =
            [row.effective_time, row.expire_time, row.create_time].map(Timestamp::from_micros);
        let times = [
            ("create", create, grant.issue.map(|issue| issue.time)),
            ("effective", effective, grant.effective),
            ("expire", expire, grant.expired),
        ];
        for (what, stored, recorded) in times {
            let recorded = recorded.unwrap_or(stored);
            self.unless(recorded == stored, faults, || {
                format!("I2: grant {key} has {what}_time {stored}, but {recorded} according to its entries")
            });
        }
        if let Some(issue) = grant.issue {
            let is_pending = issue.is_pending;
            self.unless(is_pending == (effective > issue.time), faults, || {
                format!(
                    "I2: grant {key} has effective_time {effective}, and was issued with pending = {is_pending}"
                )
            });
        }
    }

    /// Checks I9: no credits are pending that came into effect before the last entry, and none are usable that expired
    /// before it.
    fn check_overdue(&self, faults: &mut Faults) {
        let Self { key, row, .. } = self;
        let now = self.context.effective_time;
        let [effective, expire] = [row.effective_time, row.expire_time].map(Timestamp::from_micros);
        self.unless(row.pending == 0 || effective >= now, faults, || {
            format!(
                "I9: {} of grant {key} are pending at {now}, but came into effect at {effective}",
                row.pending
            )
        });
        let usable = i128::from(row.pending) + i128::from(row.available);
        self.unless(usable == 0 || expire >= now, faults, || {
            format!("I9: {usable} of grant {key} are usable at {now}, but expired at {expire}")
        });
    }

    /// Checks I9: the warning is due at the time in the entry that issued the grant, within its lifetime. A clawback
    /// ends the warning, and its withdrawal does not bring it back.
    fn check_warn_time(&self, faults: &mut Faults) {
        let Self { key, row, grant, .. } = self;
        let [effective, expire, warn] =
            [row.effective_time, row.expire_time, row.warn_time].map(Timestamp::from_micros);
        let is_never = warn == Timestamp::NEVER;
        let was_withdrawn = self.purchase.is_some_and(|id| self.context.clawbacks.is_withdrawn(id));
        let has_none = row.clawback != 0 || (is_never && was_withdrawn);
        let recorded = if has_none { Timestamp::NEVER } else { grant.warn_time };
        let is_in_lifetime = is_never || (effective < warn && warn < expire);
        self.unless(is_in_lifetime && warn == recorded, faults, || {
            format!("I9: grant {key} has warn_time {warn}, but {recorded} according to its entries")
        });
    }

    /// Checks I9: `next_time` is the next due time, by which the sweeper finds the grant, or `NEVER` if that time has
    /// passed.
    fn check_next_time(&self, faults: &mut Faults) {
        let Self { key, row, .. } = self;
        let last_time = self.context.last_time;
        let never = Timestamp::NEVER.as_micros();
        let next = if row.pending > 0 { row.effective_time } else { row.expire_time.min(row.warn_time) };
        // A grant of which everything is held has no expiry of its own: credits that return from the hold expire then.
        let is_all_held = (row.pending, row.available, row.warn_time) == (0, 0, never);
        let may_be_never = next <= last_time || is_all_held;
        self.unless(row.next_time == next || (may_be_never && row.next_time == never), faults, || {
            format!("I9: grant {key} has next_time {}, but is due at {next}", row.next_time)
        });
    }

    /// Checks I16: the columns that no posting determines match the digest in the entries.
    fn check_digest(&self, decoded: Option<&Grant>, faults: &mut Faults) {
        let Self { key, row, grant, .. } = self;
        let row_digest = decoded.map(|decoded| Digest::of_grant(decoded, &row.details));
        self.unless(row_digest.is_some() && row_digest == grant.row_digest, faults, || {
            let grants::Model { source, priority, effective_time, expire_time, details, .. } = row;
            format!("I16: grant {key} does not match its entries: source {source}, priority {priority}, effective {effective_time}, expires {expire_time}, {details}")
        });
    }

    /// Checks I2: a grant has a clawback, and revoked or paid-out credits, only if an entry names it or its purchase,
    /// or ended its period because it was not paid. A charge to a period that had ended unpaid is revoked when it is
    /// reversed, although the grant may have had nothing left to claw back.
    fn check_clawback(&self, faults: &mut Faults) {
        let Self { key, row, grant, .. } = self;
        let unpaid = (grant.unpaid_end == Some(UnpaidEnd::Revoked)).then_some(Clawback::Revoked);
        let recorded =
            self.context.clawbacks.of_grant(key, self.purchase).max(unpaid).map_or(0, |why| why as i16);
        let is_unrevoked = row.revoked == 0 || self.context.gave_unpaid;
        let fits = match recorded {
            0 if row.clawback == Clawback::Revoked as i16 => grant.unpaid_end == Some(UnpaidEnd::AllHeld),
            0 => row.clawback == 0 && is_unrevoked && (row.paid_out == 0 || grant.is_paid_out_in_part),
            _ => row.clawback == recorded,
        };
        self.unless(fits, faults, || {
            let grants::Model { clawback, revoked, paid_out, .. } = row;
            format!("I2: grant {key} has clawback = {clawback}, but {recorded} according to its entries; {revoked} Revoked, {paid_out} PaidOut")
        });
    }
}

/// Decodes a row; `None` if a column has no meaning.
pub(super) fn decode(key: &GrantKey, row: &grants::Model) -> Option<Grant> {
    let source = Source::ALL.get(usize::try_from(row.source).ok()?.checked_sub(1)?)?;
    let clawback = Clawback::ALL.into_iter().find(|why| *why as i16 == row.clawback);
    Some(Grant {
        key: key.clone(),
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
