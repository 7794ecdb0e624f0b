//! The notifications that entries contain.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use wallet_core::entry::Entry;
use wallet_core::event::{AutoTopUpEvent, Event, EventKind};
use wallet_core::grant::GrantKey;
use wallet_core::{Timestamp, WalletKey};

use crate::store::StoreError;
use crate::store::sql::{RowWrite, WriteKind, json, row_write};
use crate::store::tables::decode;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Deserialize)]
#[sea_orm(table_name = "events")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) bucket: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) wallet_key: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) revision: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) n: i32,
    pub(crate) kind: i16,
    pub(crate) unit: String,
    pub(crate) available: i64,
    pub(crate) threshold: i64,
    pub(crate) event_time: i64,
    pub(crate) details: String,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) auto_top_up: Option<Box<AutoTopUpEvent>>,
}

const fn never() -> Timestamp {
    Timestamp::NEVER
}

fn is_never(time: &Timestamp) -> bool {
    *time == Timestamp::NEVER
}

impl EventDetails {
    pub(crate) fn of(event: &Event) -> Self {
        let Event { grant, expire_time, auto_top_up, .. } = event;
        Self { grant: grant.clone(), expire_time: *expire_time, auto_top_up: auto_top_up.clone() }
    }
}

/// Returns the insertion of these notifications, each with its wallet, its entry and its index in the entry.
pub(in crate::store) fn write(events: &[(WalletKey, &Entry, i32, &Event)]) -> RowWrite {
    row_write!("events", WriteKind::Insert, events, {
        Key bucket: SmallInt = |(wallet, ..)| wallet.bucket(),
        Key wallet_key: Uuid = |(wallet, ..)| wallet.uuid(),
        Key revision: BigInt = |(_, entry, ..)| entry.revision,
        Key n: Int = |(.., n, _)| *n,
        Fixed kind: SmallInt = |(.., event)| event.kind as i16,
        Fixed unit: Text = |(.., event)| event.unit.to_string(),
        Fixed available: BigInt = |(.., event)| event.available,
        Fixed threshold: BigInt = |(.., event)| event.threshold,
        Fixed event_time: BigInt = |(_, entry, ..)| entry.effective_time.as_micros(),
        Fixed details: Text = |(.., event)| json(&EventDetails::of(event)),
    })
}

/// Decodes a notification.
pub(in crate::store) fn read(row: Model) -> Result<RecordedEvent, StoreError> {
    let kind = decode::numbered("notification kind", EventKind::ALL, row.kind, |kind| kind as i16)?;
    let EventDetails { grant, expire_time, auto_top_up } = decode::json(&row.details)?;
    let (available, threshold) = (row.available, row.threshold);
    Ok(RecordedEvent {
        revision: row.revision,
        n: row.n,
        event_time: Timestamp::from_micros(row.event_time),
        event: Event {
            kind,
            unit: decode::id(&row.unit)?,
            available,
            threshold,
            grant,
            expire_time,
            auto_top_up,
        },
    })
}
