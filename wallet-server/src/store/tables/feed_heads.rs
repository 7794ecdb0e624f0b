//! The ends of the tenants' feeds.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_heads")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant: Uuid,
    /// The position of the first item that is kept; one more than the last position if none is.
    pub(crate) first_position: i64,
    /// The position of the last item; 0 before the first one.
    pub(crate) last_position: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
