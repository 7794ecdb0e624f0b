//! The entries of all ledgers.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Deserialize)]
#[sea_orm(table_name = "entries")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) bucket: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) wallet_key: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) revision: i64,
    pub(crate) format: i16,
    pub(crate) kind: i16,
    pub(crate) effective_time: i64,
    pub(crate) record_time: i64,
    pub(crate) reservation_id: String,
    pub(crate) request_id: String,
    pub(crate) fingerprint: String,
    pub(crate) actor: String,
    pub(crate) reason: String,
    pub(crate) row_digests: String,
    pub(crate) postings: String,
    pub(crate) balances: String,
    #[serde(deserialize_with = "crate::store::packed::bytes")]
    pub(crate) hash: Vec<u8>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
