//! A grant folded from its postings, and its row compared with that.

use std::collections::HashMap;

use wallet_core::entry::{Entry, EntryKind};
use wallet_core::event::Event;
use wallet_core::fact::Digest;
use wallet_core::grant::{GrantDetails, GrantKey, Origin, TakenBack};
use wallet_core::posting::{Part, Posting};
use wallet_core::{OriginId, Source, Timestamp, UnitId};

use crate::store::entity::grants;
use crate::store::rows;
use crate::verify::faults::Faults;
use crate::verify::{moves, taking};

/// The parts of a grant, with what the entries tell of its life.
#[derive(Debug)]
pub(super) struct GrantFold {
    pub(super) unit: UnitId,
    /// The purchase it belongs to, once its row has come.
    pub(super) purchase: Option<OriginId>,
    /// Where it came from, once its row has come.
    pub(super) source: Option<Source>,
    /// By the number of the part; `Issued` is the amount, below zero.
    parts: [i128; Part::Owed as usize + 1],
    /// The revision and instant of its issue, and whether it was pending then.
    issue: Option<(i64, Timestamp, bool)>,
    /// What its row says for good, as the last entry told that said so.
    pub(super) words: Option<Digest>,
    effective: Option<Timestamp>,
    expired: Option<Timestamp>,
    /// When people are told that it will lapse, unless they were, or that is over.
    warn: Timestamp,
    warned: bool,
    /// What open reservations hold of it.
    holds: i128,
    seen: bool,
}

impl GrantFold {
    /// A grant of which nothing has been told.
    pub(super) fn new(unit: &UnitId) -> Self {
        let parts = [0; Part::Owed as usize + 1];
        Self {
            unit: unit.clone(),
            purchase: None,
            source: None,
            parts,
            issue: None,
            words: None,
            effective: None,
            expired: None,
            warn: Timestamp::NEVER,
            warned: false,
            holds: 0,
            seen: false,
        }
    }

    pub(super) const fn part(&self, part: Part) -> i128 {
        self.parts[part as usize]
    }

    /// The revision that issued it; 0 if none did.
    pub(super) fn revision(&self) -> i64 {
        self.issue.map_or(0, |(revision, ..)| revision)
    }

    /// What its row says for good is this from now on. Told again, its life is over, and nobody is warned.
    pub(super) fn tell(&mut self, words: Digest, revision: i64) {
        self.words = Some(words);
        if revision != self.revision() {
            self.warn = Timestamp::NEVER;
        }
    }

    /// An open reservation says that it holds this much.
    pub(super) fn hold(&mut self, amount: i64) {
        self.holds += i128::from(amount);
    }

    /// Moves its credits. I2: issued once, by what its key names. I3: no part below zero. I6: in its unit.
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
            // A subscription takes what it included along, and their calendar with it.
            EntryKind::SubscriptionEnded
            | EntryKind::SubscriptionCancelled
            | EntryKind::SubscriptionRefunded
                if posting.to == Part::Expired =>
            {
                self.expired = Some(entry.effective_time);
            }
            _ => {}
        }
        if posting.from == Part::Issued {
            faults.unless(self.issue.is_none(), at, || {
                format!("I2: grant {key} is issued again, after revision {}", self.revision())
            });
            faults.unless(issues(entry, key), at, || {
                format!("I2: grant {key} is issued by an entry {:?} of another origin", entry.kind)
            });
            self.issue = Some((at, entry.effective_time, posting.to == Part::Pending));
            self.warn = entry.facts.warnings.get(key).copied().unwrap_or(Timestamp::NEVER);
        }
        if [Part::Pending, Part::Available, Part::Held].iter().all(|part| self.part(*part) == 0) {
            self.warn = Timestamp::NEVER;
        }
    }

    /// People are told that it will lapse: once, and while there is something left of it.
    pub(super) fn warn(&mut self, key: &GrantKey, entry: &Entry, event: &Event, faults: &mut Faults) {
        let at = entry.revision;
        let available = self.part(Part::Available);
        faults.unless(available == i128::from(event.available), at, || {
            format!("tells that {} of grant {key} are available, {available} are", event.available)
        });
        faults.unless(available + self.part(Part::Held) > 0, at, || {
            format!("tells that grant {key} will lapse, and nothing is left of it")
        });
        faults.unless(!self.warned, at, || format!("tells again that grant {key} will lapse"));
        (self.warn, self.warned) = (Timestamp::NEVER, true);
    }

    /// Compares the row. I2: its parts are those of the fold and add up to its amount, which was issued.
    pub(super) fn check(
        &mut self,
        key: &GrantKey,
        row: &grants::Model,
        taken_back: &HashMap<String, TakenBack>,
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
                format!("I2: grant {key} has {stored} {part:?}, {folded} by the postings")
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
            format!("I6: grant {key} has unit {}, its postings {}", row.unit, self.unit)
        });
        let open = row.pending > 0 || row.available > 0 || row.held > 0;
        faults.unless(row.open == open, at, || format!("I2: grant {key} has open = {}", row.open));
        self.check_times(key, row, last_time, faults);
        self.check_words(key, row, faults);
        let read = rows::grant(row.clone()).ok();
        self.source = read.as_ref().map(|grant| grant.source);
        let words = read.map(|grant| Digest::of_grant(&grant, &row.details));
        faults.unless(words.is_some() && words == self.words, at, || {
            let grants::Model { source, priority, effective_time, expire_time, details, .. } = row;
            format!("I16: grant {key} is not what its entries say: source {source}, priority {priority}, effective {effective_time}, expires {expire_time}, {details}")
        });
        self.check_taken_back(key, row, taken_back, faults);
    }

    /// I2: taken back if an entry names it or its purchase, and only then revoked or paid out.
    fn check_taken_back(
        &self,
        key: &GrantKey,
        row: &grants::Model,
        taken_back: &HashMap<String, TakenBack>,
        faults: &mut Faults,
    ) {
        let purchase = self.purchase.as_ref().map(taking::name_of_purchase);
        let names = [Some(taking::name_of_grant(key)), purchase];
        // Most wallets have nothing to look up.
        let names = names.into_iter().flatten().filter(|_| !taken_back.is_empty());
        let told = names.filter_map(|name| taken_back.get(&name)).max().map_or(0, |why| *why as i16);
        let untouched = (row.revoked, row.paid_out) == (0, 0);
        faults.unless(row.taken_back == told && (told != 0 || untouched), self.revision(), || {
            let grants::Model { taken_back, revoked, paid_out, .. } = row;
            format!("I2: grant {key} has taken_back = {taken_back}, {told} by its entries; {revoked} Revoked, {paid_out} PaidOut")
        });
    }

    /// I2 at the end: what was issued has a row. I5: what is held is held by open reservations.
    pub(super) fn close(&self, key: &GrantKey, faults: &mut Faults) {
        let (at, held, holds) = (self.revision(), self.part(Part::Held), self.holds);
        faults.unless(self.seen, at, || format!("I2: grant {key} has no row"));
        faults.unless(held == holds, at, || {
            format!("I5: {held} of grant {key} are held by the postings, {holds} by open reservations")
        });
    }

    /// What is not a figure reads back. I11: payment and purchase, by which it is found, are those in the details.
    fn check_words(&mut self, key: &GrantKey, row: &grants::Model, faults: &mut Faults) {
        let at = self.revision();
        let sources =
            usize::try_from(row.source).is_ok_and(|number| (1..=Source::ALL.len()).contains(&number));
        faults.unless(sources, at, || format!("grant {key} has source {}, which is not known", row.source));
        let details: GrantDetails = match serde_json::from_str(&row.details) {
            Ok(details) => details,
            Err(error) => {
                return faults.add(at, &format!("grant {key} has details that do not read back: {error}"));
            }
        };
        let payment = details.external_ref.map(|payment| payment.to_string()).unwrap_or_default();
        faults.unless(payment == row.payment, at, || {
            format!("I11: grant {key} is found by payment {:?}, was paid with {payment:?}", row.payment)
        });
        let first = details.stems_from.as_ref().unwrap_or(key);
        self.purchase = (first.origin == Origin::TopUp).then(|| first.id.clone());
        let stems = self.purchase.as_ref().filter(|_| key.origin == Origin::Grace);
        let stems = stems.map(ToString::to_string).unwrap_or_default();
        faults.unless(stems == row.purchase, at, || {
            format!("I11: grant {key} is found by purchase {:?}, stems from {stems:?}", row.purchase)
        });
    }

    /// The row's calendar is the one by which it was issued, came into effect and expired. I9: the sweeper finds
    /// it by that, unless the wallet is past it.
    fn check_times(&self, key: &GrantKey, row: &grants::Model, last_time: i64, faults: &mut Faults) {
        let [effective, expire, create] =
            [row.effective_time, row.expire_time, row.create_time].map(Timestamp::from_micros);
        let events = [
            ("create", create, self.issue.map(|(_, time, _)| time)),
            ("effective", effective, self.effective),
            ("expire", expire, self.expired),
        ];
        for (what, stored, told) in events {
            faults.unless(told.is_none_or(|told| told == stored), self.revision(), || {
                format!("I2: grant {key} has {what}_time {stored}, by its entries {}", told.unwrap_or(stored))
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
        let told = if row.taken_back == 0 { self.warn } else { Timestamp::NEVER };
        let fits = warn == Timestamp::NEVER || (effective < warn && warn < expire);
        faults.unless(fits && warn == told, self.revision(), || {
            format!("I9: grant {key} has warn_time {warn}, {told} by its entries")
        });
        let next = if row.pending > 0 { row.effective_time } else { row.expire_time.min(row.warn_time) };
        // What is held lapses with its hold, and not by itself.
        let is_all_held = (row.pending, row.available) == (0, 0) && warn == Timestamp::NEVER;
        let past = (next <= last_time || is_all_held) && row.next_time == Timestamp::NEVER.as_micros();
        faults.unless(past || row.next_time == next, self.revision(), || {
            format!("I9: grant {key} has next_time {}, due is {next}", row.next_time)
        });
    }
}

/// The key in a row.
pub(super) fn key(row: &grants::Model) -> Result<GrantKey, String> {
    let origin = Origin::ALL.into_iter().find(|origin| *origin as i16 == row.origin);
    let origin = origin.ok_or_else(|| format!("a grant has origin {}, which is not known", row.origin))?;
    let id = OriginId::parse(&row.origin_id).map_err(|error| format!("a grant's origin_id {error}"))?;
    let n = u16::try_from(row.n).map_err(|_| format!("a grant has n = {}", row.n))?;
    Ok(GrantKey::new(origin, id, n))
}

/// Whether an entry is what a grant of this key is issued by.
fn issues(entry: &Entry, key: &GrantKey) -> bool {
    match (key.origin, entry.kind) {
        (Origin::TopUp, kind) => kind == EntryKind::ToppedUp,
        (Origin::Grant, kind) => kind == EntryKind::Granted,
        (
            Origin::Grace,
            EntryKind::Failed | EntryKind::Cancelled | EntryKind::HoldExpired | EntryKind::ChargeReversed,
        ) => entry.reservation.as_ref().is_some_and(|id| id.as_str() == key.id.as_str()),
        (Origin::Grace, _) => false,
        (Origin::Period, kind) => moves::gives_allowances(kind),
    }
}
