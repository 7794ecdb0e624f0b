//! The audit of tenants, API keys, catalogs and endpoints of webhooks. Rows are inserted by the transaction that makes
//! the change.

use sea_orm::entity::prelude::*;
use wallet_core::feed::ItemType;

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
    /// The name of the tenant, the id of the key or endpoint, or the version of the catalog.
    pub(crate) subject: String,
    pub(crate) details: String,
    /// The change is an item of the feed.
    pub(crate) in_feed: bool,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Returns the type that the change has in the feed, if it is recorded there. `None`: it never is. The first
    /// catalog of a tenant replaces none, so it never is either.
    pub(crate) fn item_type(&self) -> Option<ItemType> {
        match (self.action.as_str(), self.subject.as_str()) {
            ("catalog.publish", version) if version != "1" => Some(ItemType::CatalogPublished),
            ("webhook.disable", _) => Some(ItemType::WebhookDisabled),
            _ => None,
        }
    }
}
