//! Unfreezing a wallet.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter};
use wallet_core::WalletKey;

use crate::store::tables::wallets;
use crate::store::{Store, StoreError};

impl Store {
    /// Unfreezes a wallet, which keeps its status. Returns false if it is not frozen.
    pub(crate) async fn unfreeze(&self, wallet: WalletKey) -> Result<bool, StoreError> {
        let unfrozen = wallets::Entity::update_many()
            .col_expr(wallets::Column::Frozen, Expr::value(false))
            .col_expr(wallets::Column::Version, Expr::col(wallets::Column::Version).add(1))
            .filter(wallets::Column::Bucket.eq(wallet.bucket()))
            .filter(wallets::Column::WalletKey.eq(wallet.uuid()))
            .filter(wallets::Column::Frozen.eq(true));
        Ok(unfrozen.exec(&self.control()).await?.rows_affected > 0)
    }
}
