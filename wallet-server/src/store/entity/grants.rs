//! Lots of credits and their parts.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

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
    pub(crate) purchase: String,
    pub(crate) details: String,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
