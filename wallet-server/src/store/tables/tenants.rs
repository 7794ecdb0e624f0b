//! Platforms, each with its own wallets and catalogs.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tenants")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant: Uuid,
    pub(crate) name: String,
    /// 0: live, 1: test.
    pub(crate) mode: i16,
    /// 0: active, 1: suspended.
    pub(crate) status: i16,
    pub(crate) create_time: i64,
    /// The microseconds by which the clock of a test tenant is ahead of the server's; 0 for a live tenant.
    pub(crate) clock_ahead: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
