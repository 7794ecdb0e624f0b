//! Reservations: the columns that change, then the terms, which never change.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Deserialize)]
#[sea_orm(table_name = "reservations")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) bucket: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) wallet_key: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) reservation_id: String,
    pub(crate) state: i16,
    pub(crate) open: bool,
    pub(crate) deadline: i64,
    pub(crate) sweep_at: i64,
    pub(crate) attempt: i32,
    pub(crate) worker: String,
    pub(crate) lease: i64,
    pub(crate) start_time: i64,
    pub(crate) allocations: String,
    pub(crate) finish_time: i64,
    pub(crate) finish_revision: i64,
    pub(crate) finalizer: String,
    pub(crate) bill: String,
    pub(crate) reserve_time: i64,
    pub(crate) reserve_revision: i64,
    pub(crate) fingerprint: String,
    pub(crate) kind: String,
    pub(crate) actor: String,
    pub(crate) terms: String,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
