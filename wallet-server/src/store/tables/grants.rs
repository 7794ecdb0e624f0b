//! Lots of credits and their parts.

use sea_orm::entity::prelude::*;
use serde::Deserialize;
use wallet_core::grant::{Clawback, Grant, GrantKey, Origin, Parts};
use wallet_core::ids::OriginId;
use wallet_core::{PaymentSubject, Source, Timestamp, WalletKey};

use crate::store::StoreError;
use crate::store::sql::{RowWrite, WriteKind, json, row_write};
use crate::store::tables::decode;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Deserialize)]
#[sea_orm(table_name = "grants")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) bucket: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) wallet_key: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) origin: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) origin_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) n: i32,
    pub(crate) unit: String,
    pub(crate) source: i16,
    pub(crate) priority: i32,
    pub(crate) effective_time: i64,
    pub(crate) expire_time: i64,
    pub(crate) warn_time: i64,
    pub(crate) create_time: i64,
    pub(crate) amount: i64,
    pub(crate) pending: i64,
    pub(crate) available: i64,
    pub(crate) held: i64,
    pub(crate) consumed: i64,
    pub(crate) expired: i64,
    pub(crate) revoked: i64,
    pub(crate) paid_out: i64,
    pub(crate) clawback: i16,
    pub(crate) open: bool,
    pub(crate) next_time: i64,
    pub(crate) payment: String,
    pub(crate) line: String,
    pub(crate) purchase: String,
    pub(crate) details: String,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Returns the write of these grants, each with its wallet and the instant of the change.
pub(in crate::store) fn write(kind: WriteKind, grants: &[(WalletKey, &Grant, Timestamp)]) -> RowWrite {
    row_write!("grants", kind, grants, {
        Key bucket: SmallInt = |(wallet, ..)| wallet.bucket(),
        Key wallet_key: Uuid = |(wallet, ..)| wallet.uuid(),
        Key origin: SmallInt = |(_, grant, _)| grant.key.origin as i16,
        Key origin_id: Text = |(_, grant, _)| grant.key.id.to_string(),
        Key n: Int = |(_, grant, _)| i32::from(grant.key.n),
        Fixed unit: Text = |(_, grant, _)| grant.unit.to_string(),
        Fixed source: SmallInt = |(_, grant, _)| source_number(grant.source),
        Fixed priority: Int = |(_, grant, _)| grant.priority,
        Fixed effective_time: BigInt = |(_, grant, _)| grant.effective_time.as_micros(),
        Changes expire_time: BigInt = |(_, grant, _)| grant.expire_time.as_micros(),
        Changes warn_time: BigInt = |(_, grant, _)| grant.warn_time.as_micros(),
        Fixed create_time: BigInt = |(_, grant, _)| grant.create_time.as_micros(),
        Fixed amount: BigInt = |(_, grant, _)| grant.amount,
        Changes pending: BigInt = |(_, grant, _)| grant.parts.pending,
        Changes available: BigInt = |(_, grant, _)| grant.parts.available,
        Changes held: BigInt = |(_, grant, _)| grant.parts.held,
        Changes consumed: BigInt = |(_, grant, _)| grant.parts.consumed,
        Changes expired: BigInt = |(_, grant, _)| grant.parts.expired,
        Changes revoked: BigInt = |(_, grant, _)| grant.parts.revoked,
        Changes paid_out: BigInt = |(_, grant, _)| grant.parts.paid_out,
        Changes clawback: SmallInt = |(_, grant, _)| grant.clawback.map_or(0, |why| why as i16),
        Changes open: Bool = |(_, grant, _)| grant.is_open(),
        Changes next_time: BigInt = |(_, grant, now)| grant.next_time(*now).as_micros(),
        Fixed payment: Text = |(_, grant, _)| payment(grant),
        Fixed line: Text = |(_, grant, _)| grant.details.line.as_ref().map(ToString::to_string).unwrap_or_default(),
        Fixed purchase: Text = |(_, grant, _)| purchase(grant),
        Fixed details: Text = |(_, grant, _)| json(&grant.details),
    })
}

/// Decodes a grant.
pub(in crate::store) fn read(row: Model) -> Result<Grant, StoreError> {
    let origin = decode::numbered("grant origin", Origin::ALL, row.origin, |origin| origin as i16)?;
    let n = u16::try_from(row.n).map_err(StoreError::unreadable)?;
    Ok(Grant {
        key: GrantKey::new(origin, OriginId::parse(&row.origin_id).map_err(StoreError::unreadable)?, n),
        unit: decode::id(&row.unit)?,
        source: decode::numbered("source", Source::ALL, row.source, source_number)?,
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
        details: decode::json(&row.details)?,
    })
}

/// Decodes the clawback of a grant; 0 means none.
fn clawback(number: i16) -> Result<Option<Clawback>, StoreError> {
    match number {
        0 => Ok(None),
        number => decode::numbered("clawback", Clawback::ALL, number, |why| why as i16).map(Some),
    }
}

fn payment(grant: &Grant) -> String {
    grant.details.external_ref.as_ref().map(ToString::to_string).unwrap_or_default()
}

/// Returns the text by which the grants of a purchase or a period are found. Credits that returned have the purchase
/// that they come from; the purchase's own grants have none, because they are found by their key.
fn purchase(grant: &Grant) -> String {
    match (grant.key.origin, grant.paid_with()) {
        (Origin::Grace | Origin::Correction, Some(PaymentSubject::Purchase(id))) => id.to_string(),
        (_, Some(PaymentSubject::Period(period))) => name_of_period(period.start),
        _ => String::new(),
    }
}

/// Returns the text by which the grants of a period are found, with those of other subscriptions' periods of the same
/// start. No `top_up_id` contains its first character.
pub(in crate::store) fn name_of_period(start: Timestamp) -> String {
    format!("#{}", start.as_micros())
}

/// Returns the stored number of a source: its place in the default order, from 1.
const fn source_number(source: Source) -> i16 {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_reads_back_from_its_number() {
        let read = |number| decode::numbered("source", Source::ALL, number, source_number);
        for known in Source::ALL {
            assert_eq!(read(source_number(known)).unwrap(), known);
        }
        assert!(read(0).is_err());
        assert!(read(8).is_err());
    }
}
