//! The balances of a wallet, per unit.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Deserialize)]
#[sea_orm(table_name = "wallet_balances")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) bucket: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) wallet_key: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) unit: String,
    pub(crate) available: i64,
    pub(crate) held: i64,
    pub(crate) debt: i64,
    pub(crate) debt_limit: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
