//! The items of the feed that have no position yet: a row per batch and bucket, and a row per change of a tenant.

use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use wallet_core::{WalletKey, binary, feed};

use crate::store::batch::WalletWrite;
use crate::store::sql::{RowWrite, WriteKind, row_write};
use crate::store::tables::audit_events;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Deserialize)]
#[sea_orm(table_name = "feed_outbox")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) bucket: i16,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) batch_id: Uuid,
    /// [`NewItems`] of each wallet, in their binary form.
    #[serde(deserialize_with = "crate::store::packed::bytes")]
    pub(crate) items: Vec<u8>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The items that a batch adds to the feed of a wallet's tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NewItems {
    pub(crate) tenant: Uuid,
    pub(crate) items: WalletItems,
}

/// Items of one wallet, in order, or a change of the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WalletItems {
    /// The id of the event in the audit for a change of the tenant.
    pub(crate) wallet: Uuid,
    /// The revision of each item's entry, its number within the entry, and the number of its type. A change of the
    /// tenant has its time in place of the revision, in microseconds since 1970.
    pub(crate) items: Vec<(i64, u32, u8)>,
}

/// Returns the row for a change of a tenant. All changes of a tenant are in one bucket: the sequencer takes them out
/// together, and orders them by their ids, which begin with the time. `None`: the change is no item of the feed.
pub(in crate::store) fn of_change(row: &audit_events::Model) -> Option<Model> {
    let item_type = row.item_type().filter(|_| row.in_feed)?;
    let item = (row.event_time, 0, item_type as u8);
    let items = WalletItems { wallet: row.event_id, items: vec![item] };
    Some(Model {
        bucket: bucket_of_changes(row.tenant),
        batch_id: row.event_id,
        items: binary::encode(&vec![NewItems { tenant: row.tenant, items }]),
    })
}

/// Returns the bucket of the changes of a tenant.
pub(crate) fn bucket_of_changes(tenant: Uuid) -> i16 {
    WalletKey::from_uuid(tenant).bucket()
}

/// Returns the insertion of the items of a batch.
pub(in crate::store) fn write(batch: &[WalletWrite<'_>]) -> RowWrite {
    let mut by_bucket: BTreeMap<i16, Vec<NewItems>> = BTreeMap::new();
    for wallet in batch {
        let entries = wallet.finished.entries.iter();
        let items: Vec<(i64, u32, u8)> = entries
            .flat_map(|entry| feed::items(entry).map(|item| (entry.revision, item.n, item.item_type as u8)))
            .collect();
        if !items.is_empty() {
            let (tenant, key) = (wallet.loaded.tenant.0, wallet.key());
            let items = WalletItems { wallet: key.uuid(), items };
            by_bucket.entry(key.bucket()).or_default().push(NewItems { tenant, items });
        }
    }
    let rows: Vec<(i16, Vec<NewItems>)> = by_bucket.into_iter().collect();
    row_write!("feed_outbox", WriteKind::Insert, rows, {
        Key bucket: SmallInt = |(bucket, _)| *bucket,
        Key batch_id: Uuid = |_| Uuid::now_v7(),
        Fixed items: Bytes = |(_, items)| binary::encode(items),
    })
}
