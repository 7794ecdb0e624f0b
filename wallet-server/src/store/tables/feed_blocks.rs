//! The tenants' feeds, in blocks of items with consecutive positions.

use sea_orm::entity::prelude::*;
use wallet_core::WalletKey;
use wallet_core::feed::ItemType;

use crate::store::StoreError;
use crate::store::tables::decode;
use crate::store::tables::feed_outbox::WalletItems;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_blocks")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) last_position: i64,
    pub(crate) first_position: i64,
    /// The time at which the positions were given, in microseconds since 1970.
    pub(crate) create_time: i64,
    /// [`WalletItems`] in their binary form, in the order of the positions.
    pub(crate) items: Vec<u8>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// An item at its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlacedItem {
    pub(crate) position: i64,
    /// The wallet, or the id of the event in the audit for a change of the tenant.
    pub(crate) wallet_key: Uuid,
    /// The revision of the entry, or the time of a change of the tenant.
    pub(crate) revision: i64,
    /// 0 for the entry, and 1, 2, 3... for its notifications.
    pub(crate) n: u32,
    /// The number of the type.
    pub(crate) number: u8,
}

impl PlacedItem {
    /// Returns the type. `None`: it is one of a later version.
    pub(crate) fn item_type(&self) -> Option<ItemType> {
        ItemType::numbered(self.number)
    }

    /// Returns true if the item is a change of the tenant, which has no wallet.
    pub(crate) fn is_change(&self) -> bool {
        is_change(self.number)
    }

    pub(crate) fn wallet(&self) -> WalletKey {
        WalletKey::from_uuid(self.wallet_key)
    }

    /// Returns the index of the notification within its entry. `None`: the item is the entry.
    pub(crate) fn event_index(&self) -> Option<i32> {
        i32::try_from(self.n.checked_sub(1)?).ok()
    }
}

/// Returns true if the items whose type has this number are changes of a tenant, which have no wallet.
pub(crate) fn is_change(number: u8) -> bool {
    ItemType::numbered(number).is_some_and(|item_type| !item_type.is_of_a_wallet())
}

/// Decodes the items of a block, in order.
pub(crate) fn read(row: &Model) -> Result<Vec<PlacedItem>, StoreError> {
    let wallets: Vec<WalletItems> = decode::bytes("items", &row.items)?;
    let items = wallets.iter().flat_map(|of| of.items.iter().map(|item| (of.wallet, *item)));
    let placed = (row.first_position..).zip(items).map(|(position, (wallet_key, (revision, n, number)))| {
        PlacedItem { position, wallet_key, revision, n, number }
    });
    let placed: Vec<PlacedItem> = placed.collect();
    match placed.last() {
        Some(last) if last.position == row.last_position => Ok(placed),
        _ => Err(StoreError::unreadable(format!(
            "a block of the feed has {} items for the positions {} to {}",
            placed.len(),
            row.first_position,
            row.last_position
        ))),
    }
}
