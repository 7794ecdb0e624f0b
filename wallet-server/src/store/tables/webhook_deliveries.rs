//! The deliveries to endpoints of webhooks that failed.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_deliveries")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) endpoint_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) position: i64,
    /// The attempts that failed.
    pub(crate) attempts: i32,
    /// The time of the last attempt, in microseconds since 1970.
    pub(crate) attempt_time: i64,
    /// The time of the next attempt, in microseconds since 1970; the largest number after the last one.
    pub(crate) next_time: i64,
    /// The reason for which the last attempt failed, for people.
    pub(crate) failure: String,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
