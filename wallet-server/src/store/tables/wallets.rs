//! The wallet's own row: the lock of the wallet, the head of its ledger, and its balances.

use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;
use serde::Deserialize;
use wallet_core::UnitId;
use wallet_core::binary::{self, Unreadable};
use wallet_core::wallet::{Balance, WalletStatus};

use crate::store::StoreError;
use crate::store::batch::WalletWrite;
use crate::store::sql::{RowWrite, WriteKind, row_write};
use crate::store::tables::decode;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Deserialize)]
#[sea_orm(table_name = "wallets")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) bucket: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) wallet_key: Uuid,
    pub(crate) status: i16,
    pub(crate) frozen: bool,
    pub(crate) version: i64,
    pub(crate) revision: i64,
    #[serde(deserialize_with = "crate::store::packed::bytes")]
    pub(crate) head: Vec<u8>,
    pub(crate) last_time: i64,
    pub(crate) open_reservations: i64,
    /// The balances of all units, in their binary form.
    #[serde(deserialize_with = "crate::store::packed::bytes")]
    pub(crate) balances: Vec<u8>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Returns the write of these wallets.
pub(in crate::store) fn write(kind: WriteKind, wallets: &[&WalletWrite<'_>]) -> RowWrite {
    row_write!("wallets", kind, wallets, {
        Key bucket: SmallInt = |w| w.key().bucket(),
        Key wallet_key: Uuid = |w| w.key().uuid(),
        Changes status: SmallInt = |w| w.wallet().status as i16,
        Changes frozen: Bool = |w| w.wallet().frozen,
        Changes version: BigInt = |w| w.wallet().version,
        Changes revision: BigInt = |w| w.wallet().revision,
        Changes head: Bytes = |w| w.wallet().head.to_vec(),
        Changes last_time: BigInt = |w| w.wallet().last_time.as_micros(),
        Changes open_reservations: BigInt = |w| w.wallet().open_reservations,
        Changes balances: Bytes = |w| binary::encode(&w.wallet().balances),
    })
}

/// Decodes the balances of a wallet.
pub(crate) fn balances(row: &Model) -> Result<BTreeMap<UnitId, Balance>, Unreadable> {
    binary::decode(&row.balances)
}

/// Decodes the status of a wallet.
pub(in crate::store) fn status(row: &Model) -> Result<WalletStatus, StoreError> {
    decode::numbered("wallet status", WalletStatus::ALL, row.status, |status| status as i16)
}
