//! The audit of tenants, API keys and catalogs. Rows are inserted by the transaction that makes the change.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_events")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) event_time: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) event_id: Uuid,
    pub(crate) principal: String,
    /// The request id of the call; empty if its caller sent none.
    pub(crate) call_id: String,
    pub(crate) action: String,
    /// The id of the key, the name of the tenant or the version of the catalog.
    pub(crate) subject: String,
    pub(crate) details: String,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
