//! The open reservations of all wallets, by the time at which the sweeper looks at them.

use sea_orm::entity::prelude::*;
use serde::Deserialize;
use wallet_core::ids::ReservationId;
use wallet_core::{Timestamp, WalletKey};

use crate::store::sql::{RowWrite, WriteKind, row_write};

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Deserialize)]
#[sea_orm(table_name = "holds")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) bucket: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) wallet_key: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) sweep_at: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) reservation_id: String,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Returns the insertion or deletion of these holds, each with its wallet.
pub(in crate::store) fn write(kind: WriteKind, holds: &[(WalletKey, &ReservationId, Timestamp)]) -> RowWrite {
    row_write!("holds", kind, holds, {
        Key bucket: SmallInt = |(wallet, ..)| wallet.bucket(),
        Key wallet_key: Uuid = |(wallet, ..)| wallet.uuid(),
        Key sweep_at: BigInt = |(.., sweep_at)| sweep_at.as_micros(),
        Key reservation_id: Text = |(_, id, _)| id.to_string(),
    })
}
