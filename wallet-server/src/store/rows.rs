//! Converts rows to core types, one function per type. The other direction is in [`super::sql::append`], as
//! columns.
//!
//! A row that cannot be decoded is an error of its wallet; nothing is guessed.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wallet_core::entry::{Entry, EntryKind};
use wallet_core::event::{Event, EventKind};
use wallet_core::fingerprint::Fingerprint;
use wallet_core::grant::{Clawback, Grant, GrantKey, Origin, Parts};
use wallet_core::reservation::{Finish, Reservation, State};
use wallet_core::row_digests::RowDigests;
use wallet_core::wallet::Horizon;
use wallet_core::wallet::{Balance, WalletStatus};
use wallet_core::{OriginId, Source, Timestamp, UnitId};

use crate::store::StoreError;
use crate::store::entity::{entries, events, grants, reservations, wallet_balances};

pub(crate) fn status(number: i16) -> Result<WalletStatus, StoreError> {
    WalletStatus::ALL
        .into_iter()
        .find(|status| *status as i16 == number)
        .ok_or_else(|| StoreError::unreadable(format!("unknown wallet status {number}")))
}

pub(crate) fn balance(row: &wallet_balances::Model) -> Result<(UnitId, Balance), StoreError> {
    let balance =
        Balance { available: row.available, held: row.held, debt: row.debt, debt_limit: row.debt_limit };
    Ok((id(&row.unit)?, balance))
}

pub(crate) fn grant(row: grants::Model) -> Result<Grant, StoreError> {
    let origin = Origin::ALL
        .into_iter()
        .find(|origin| *origin as i16 == row.origin)
        .ok_or_else(|| StoreError::unreadable(format!("unknown grant origin {}", row.origin)))?;
    let n = u16::try_from(row.n).map_err(StoreError::unreadable)?;
    Ok(Grant {
        key: GrantKey::new(origin, OriginId::parse(&row.origin_id).map_err(StoreError::unreadable)?, n),
        unit: id(&row.unit)?,
        source: source(row.source)?,
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
        clawback: clawback(row.clawback)?,
        details: json(&row.details)?,
    })
}

/// Decodes the clawback of a grant; 0 means none.
pub(crate) fn clawback(number: i16) -> Result<Option<Clawback>, StoreError> {
    match Clawback::ALL.into_iter().find(|why| *why as i16 == number) {
        None if number != 0 => Err(StoreError::unreadable(format!("unknown clawback {number}"))),
        why => Ok(why),
    }
}

/// Returns the place of a reservation in the order of `sweep_at`, which is never later than its deadline.
pub(crate) fn horizon(row: &reservations::Model) -> Result<Horizon, StoreError> {
    Ok(Horizon { sweep_at: Timestamp::from_micros(row.sweep_at), id: id(&row.reservation_id)? })
}

pub(crate) fn reservation(row: reservations::Model) -> Result<Reservation, StoreError> {
    let state = State::ALL
        .into_iter()
        .find(|state| *state as i16 == row.state)
        .ok_or_else(|| StoreError::unreadable(format!("unknown reservation state {}", row.state)))?;
    let finish = match row.finish_revision {
        0 => None,
        revision => Some(Finish {
            time: Timestamp::from_micros(row.finish_time),
            revision,
            fingerprint: Fingerprint::parse(&row.finalizer),
            bill: json(&row.bill)?,
        }),
    };
    Ok(Reservation {
        id: id(&row.reservation_id)?,
        state,
        terms: Arc::new(json(&row.terms)?),
        fingerprint: Fingerprint::parse(&row.fingerprint),
        reserve_time: Timestamp::from_micros(row.reserve_time),
        reserve_revision: row.reserve_revision,
        start_time: (row.start_time != 0).then(|| Timestamp::from_micros(row.start_time)),
        deadline: Timestamp::from_micros(row.deadline),
        sweep_at: Timestamp::from_micros(row.sweep_at),
        attempt: row.attempt,
        worker: optional(&row.worker)?,
        lease: u64::try_from(row.lease).ok().filter(|lease| *lease > 0).map(Duration::from_micros),
        allocations: json(&row.allocations)?,
        finish,
    })
}

/// Decodes an entry without its notifications, which are read separately.
pub(crate) fn entry(row: entries::Model) -> Result<Entry, StoreError> {
    Ok(Entry {
        revision: row.revision,
        kind: entry_kind(row.kind)?,
        effective_time: Timestamp::from_micros(row.effective_time),
        record_time: Timestamp::from_micros(row.record_time),
        reservation: optional(&row.reservation_id)?,
        request: optional(&row.request_id)?,
        fingerprint: Fingerprint::parse(&row.fingerprint),
        actor: optional(&row.actor)?,
        reason: row.reason,
        row_digests: RowDigests::parse(&row.row_digests).map_err(StoreError::unreadable)?,
        postings: json(&row.postings)?,
        balances: json(&row.balances)?,
        events: Vec::new(),
        hash: hash(&row.hash)?,
    })
}

/// A notification, with the entry that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordedEvent {
    pub(crate) revision: i64,
    /// The index within the entry, from 0.
    pub(crate) n: i32,
    /// The effective time of the entry.
    pub(crate) event_time: Timestamp,
    pub(crate) event: Event,
}

/// The fields that only some kinds of notifications have.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EventDetails {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) grant: Option<GrantKey>,
    #[serde(default = "never", skip_serializing_if = "is_never")]
    pub(crate) expire_time: Timestamp,
}

const fn never() -> Timestamp {
    Timestamp::NEVER
}

fn is_never(time: &Timestamp) -> bool {
    *time == Timestamp::NEVER
}

impl EventDetails {
    pub(crate) fn of(event: &Event) -> Self {
        Self { grant: event.grant.clone(), expire_time: event.expire_time }
    }
}

pub(crate) fn event(row: events::Model) -> Result<RecordedEvent, StoreError> {
    let kind = EventKind::ALL
        .into_iter()
        .find(|kind| *kind as i16 == row.kind)
        .ok_or_else(|| StoreError::unreadable(format!("unknown notification kind {}", row.kind)))?;
    let EventDetails { grant, expire_time } = json(&row.details)?;
    let (available, threshold) = (row.available, row.threshold);
    Ok(RecordedEvent {
        revision: row.revision,
        n: row.n,
        event_time: Timestamp::from_micros(row.event_time),
        event: Event { kind, unit: id(&row.unit)?, available, threshold, grant, expire_time },
    })
}

pub(crate) fn entry_kind(number: i16) -> Result<EntryKind, StoreError> {
    EntryKind::ALL
        .into_iter()
        .find(|kind| *kind as i16 == number)
        .ok_or_else(|| StoreError::unreadable(format!("unknown entry kind {number}")))
}

pub(crate) fn hash(bytes: &[u8]) -> Result<[u8; 32], StoreError> {
    bytes.try_into().map_err(|_| StoreError::unreadable("a stored hash does not have 32 bytes"))
}

fn source(number: i16) -> Result<Source, StoreError> {
    usize::try_from(number - 1)
        .ok()
        .and_then(|index| Source::ALL.get(index).copied())
        .ok_or_else(|| StoreError::unreadable(format!("unknown source {number}")))
}

/// Returns the stored number of a source: its place in the default order, from 1.
pub(crate) fn source_number(source: Source) -> i16 {
    match source {
        Source::Grace => 1,
        Source::Subscription => 2,
        Source::Free => 3,
        Source::Adjustment => 4,
        Source::Purchased => 5,
        Source::Promotional => 6,
        Source::Referral => 7,
    }
}

pub(crate) fn id<T: std::str::FromStr<Err = wallet_core::InvalidId>>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|error| StoreError::unreadable(format!("id {text:?} {error}")))
}

fn optional<T: std::str::FromStr<Err = wallet_core::InvalidId>>(text: &str) -> Result<Option<T>, StoreError> {
    if text.is_empty() { Ok(None) } else { id(text).map(Some) }
}

pub(crate) fn json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(StoreError::unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_reads_back_from_its_number() {
        for known in Source::ALL {
            assert_eq!(source(source_number(known)).unwrap(), known);
        }
        assert!(source(0).is_err());
        assert!(source(8).is_err());
    }
}
