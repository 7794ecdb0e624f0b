//! The wallet's own row: the lock of the wallet, and the head of its ledger.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Deserialize)]
#[sea_orm(table_name = "wallets")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) bucket: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) wallet_key: Uuid,
    pub(crate) status: i16,
    pub(crate) frozen: bool,
    pub(crate) version: i64,
    pub(crate) revision: i64,
    #[serde(deserialize_with = "crate::store::packed::bytes")]
    pub(crate) head: Vec<u8>,
    pub(crate) last_time: i64,
    pub(crate) open_reservations: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
