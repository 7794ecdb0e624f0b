//! The part of a wallet that rarely changes.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::store::batch::WalletWrite;
use crate::store::sql::{RowWrite, WriteKind, json, row_write};

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Deserialize)]
#[sea_orm(table_name = "wallet_profiles")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) bucket: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) wallet_key: Uuid,
    pub(crate) tenant: Uuid,
    pub(crate) wallet_id: String,
    pub(crate) create_time: i64,
    pub(crate) profile: String,
    pub(crate) next_time: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Returns the write of the profiles of these wallets.
pub(in crate::store) fn write(kind: WriteKind, wallets: &[&WalletWrite<'_>]) -> RowWrite {
    row_write!("wallet_profiles", kind, wallets, {
        Key bucket: SmallInt = |w| w.key().bucket(),
        Key wallet_key: Uuid = |w| w.key().uuid(),
        Fixed tenant: Uuid = |w| w.loaded.tenant.0,
        Fixed wallet_id: Text = |w| w.wallet().id.to_string(),
        Fixed create_time: BigInt = |w| w.wallet().create_time.as_micros(),
        Changes profile: Text = |w| json(&w.wallet().profile),
        Changes next_time: BigInt = |w| w.wallet().next_profile_time().as_micros(),
    })
}
