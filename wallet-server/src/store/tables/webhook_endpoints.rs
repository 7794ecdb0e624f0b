//! The endpoints of webhooks.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_endpoints")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) endpoint_id: String,
    pub(crate) url: String,
    /// The names of the types, separated by spaces. Empty: all types.
    pub(crate) types: String,
    /// An item is delivered only after the one before.
    pub(crate) ordered: bool,
    pub(crate) state: i16,
    pub(crate) secret_version: i64,
    /// The time at which the secret got its present version, in microseconds since 1970.
    pub(crate) rotate_time: i64,
    /// The last position of the feed that was delivered, or has a row among the deliveries.
    pub(crate) last_position: i64,
    /// The time of the first failure after the last success, in microseconds since 1970; the largest number if there is
    /// none.
    pub(crate) failing_since: i64,
    pub(crate) create_time: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
