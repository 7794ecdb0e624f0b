//! The balances of a wallet, per unit.

use sea_orm::entity::prelude::*;
use serde::Deserialize;
use wallet_core::WalletKey;
use wallet_core::ids::UnitId;
use wallet_core::wallet::Balance;

use crate::store::StoreError;
use crate::store::sql::{RowWrite, WriteKind, row_write};
use crate::store::tables::decode;

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

/// Returns the write of these balances.
pub(in crate::store) fn write(kind: WriteKind, balances: &[(WalletKey, &UnitId, Balance)]) -> RowWrite {
    row_write!("wallet_balances", kind, balances, {
        Key bucket: SmallInt = |(wallet, ..)| wallet.bucket(),
        Key wallet_key: Uuid = |(wallet, ..)| wallet.uuid(),
        Key unit: Text = |(_, unit, _)| unit.to_string(),
        Changes available: BigInt = |(.., balance)| balance.available,
        Changes held: BigInt = |(.., balance)| balance.held,
        Changes debt: BigInt = |(.., balance)| balance.debt,
        Changes debt_limit: BigInt = |(.., balance)| balance.debt_limit,
    })
}

/// Decodes a balance and its unit.
pub(in crate::store) fn read(row: &Model) -> Result<(UnitId, Balance), StoreError> {
    let balance =
        Balance { available: row.available, held: row.held, debt: row.debt, debt_limit: row.debt_limit };
    Ok((decode::id(&row.unit)?, balance))
}
