//! API keys. The secret of a key is not stored, only its MAC under the pepper.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) key_id: String,
    pub(crate) tenant: Uuid,
    pub(crate) name: String,
    /// The names of the scopes, separated by spaces.
    pub(crate) scopes: String,
    pub(crate) mac: Vec<u8>,
    pub(crate) create_time: i64,
    /// The largest integer: never.
    pub(crate) expire_time: i64,
    /// The largest integer: not revoked.
    pub(crate) revoke_time: i64,
    /// 0: the rate that the server allows to every key.
    pub(crate) calls_per_second: i64,
    /// 0 without a rate of its own.
    pub(crate) calls_burst: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
