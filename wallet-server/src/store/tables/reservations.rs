//! Reservations: the columns that change, then the terms, which never change.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::entity::prelude::*;
use serde::Deserialize;
use wallet_core::reservation::{Finish, Reservation, State};
use wallet_core::wallet::Horizon;
use wallet_core::{Timestamp, WalletKey, binary};

use crate::store::StoreError;
use crate::store::sql::{RowWrite, WriteKind, row_write, text};
use crate::store::tables::decode;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Deserialize)]
#[sea_orm(table_name = "reservations")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) bucket: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) wallet_key: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) reservation_id: String,
    /// The revision of the entry that made the row.
    pub(crate) revision: i64,
    pub(crate) reserve_time: i64,
    pub(crate) state: i16,
    pub(crate) deadline: i64,
    pub(crate) sweep_at: i64,
    pub(crate) attempt: i32,
    pub(crate) worker: String,
    pub(crate) lease: i64,
    pub(crate) start_time: i64,
    #[serde(deserialize_with = "crate::store::packed::bytes")]
    pub(crate) allocations: Vec<u8>,
    pub(crate) finish_time: i64,
    pub(crate) finish_revision: i64,
    #[serde(deserialize_with = "crate::store::packed::bytes")]
    pub(crate) finalizer: Vec<u8>,
    #[serde(deserialize_with = "crate::store::packed::bytes")]
    pub(crate) bill: Vec<u8>,
    #[serde(deserialize_with = "crate::store::packed::bytes")]
    pub(crate) fingerprint: Vec<u8>,
    #[serde(deserialize_with = "crate::store::packed::bytes")]
    pub(crate) terms: Vec<u8>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Returns the write of these reservations, each with its wallet.
pub(in crate::store) fn write(kind: WriteKind, reservations: &[(WalletKey, &Reservation)]) -> RowWrite {
    row_write!("reservations", kind, reservations, {
        Key bucket: SmallInt = |(wallet, _)| wallet.bucket(),
        Key wallet_key: Uuid = |(wallet, _)| wallet.uuid(),
        Key reservation_id: Text = |(_, r)| r.id.to_string(),
        Fixed revision: BigInt = |(_, r)| r.first_revision(),
        Fixed reserve_time: BigInt = |(_, r)| r.reserve_time.as_micros(),
        Changes state: SmallInt = |(_, r)| r.state as i16,
        Changes deadline: BigInt = |(_, r)| r.deadline.as_micros(),
        Changes sweep_at: BigInt = |(_, r)| r.sweep_at.as_micros(),
        Changes attempt: Int = |(_, r)| r.attempt,
        Changes worker: Text = |(_, r)| text(r.worker.as_ref()),
        Changes lease: BigInt = |(_, r)| r.lease.map_or(0, lease_micros),
        Changes start_time: BigInt = |(_, r)| micros(r.start_time),
        Changes allocations: Bytes = |(_, r)| binary::encode_sparse(&r.allocations),
        Changes finish_time: BigInt = |(_, r)| micros(r.finish.as_ref().map(|finish| finish.time)),
        Changes finish_revision: BigInt = |(_, r)| r.finish.as_ref().map_or(0, |finish| finish.revision),
        Changes finalizer: Bytes = |(_, r)| of_finish(r, |finish| binary::encode_sparse(&finish.fingerprint)),
        Changes bill: Bytes = |(_, r)| of_finish(r, |finish| binary::encode(&finish.bill)),
        Fixed fingerprint: Bytes = |(_, r)| binary::encode_sparse(&r.fingerprint),
        Fixed terms: Bytes = |(_, r)| binary::encode(&*r.terms),
    })
}

/// Decodes a reservation.
pub(in crate::store) fn read(row: Model) -> Result<Reservation, StoreError> {
    let finish = match row.finish_revision {
        0 => None,
        revision => Some(Finish {
            time: Timestamp::from_micros(row.finish_time),
            revision,
            fingerprint: decode::sparse("finalizer", &row.finalizer)?,
            bill: decode::bytes("bill", &row.bill)?,
        }),
    };
    Ok(Reservation {
        id: decode::id(&row.reservation_id)?,
        state: decode::numbered("reservation state", State::ALL, row.state, |state| state as i16)?,
        terms: Arc::new(decode::bytes("terms", &row.terms)?),
        fingerprint: decode::sparse("fingerprint", &row.fingerprint)?,
        reserve_time: Timestamp::from_micros(row.reserve_time),
        // A tombstone was never reserved: its first entry is its last.
        reserve_revision: if row.revision == row.finish_revision { 0 } else { row.revision },
        start_time: (row.start_time != 0).then(|| Timestamp::from_micros(row.start_time)),
        deadline: Timestamp::from_micros(row.deadline),
        sweep_at: Timestamp::from_micros(row.sweep_at),
        attempt: row.attempt,
        worker: decode::optional(&row.worker)?,
        lease: u64::try_from(row.lease).ok().filter(|lease| *lease > 0).map(Duration::from_micros),
        allocations: decode::sparse("allocations", &row.allocations)?,
        finish,
    })
}

/// Returns the place of a reservation in the order of `sweep_at`, which is never later than its deadline.
pub(in crate::store) fn horizon(row: &Model) -> Result<Horizon, StoreError> {
    Ok(Horizon { sweep_at: Timestamp::from_micros(row.sweep_at), id: decode::id(&row.reservation_id)? })
}

/// Returns a column of the end; no bytes before it.
fn of_finish(reservation: &Reservation, bytes: impl FnOnce(&Finish) -> Vec<u8>) -> Vec<u8> {
    reservation.finish.as_ref().map(bytes).unwrap_or_default()
}

fn micros(time: Option<Timestamp>) -> i64 {
    time.map_or(0, Timestamp::as_micros)
}

#[expect(clippy::expect_used, reason = "the lease must be the one of which the entry has a digest")]
fn lease_micros(lease: Duration) -> i64 {
    i64::try_from(lease.as_micros()).expect("a lease is at most 7 days")
}
