//! Pages of the feed: the items after a position, with the entries, notifications and changes that they are about.

use std::collections::BTreeSet;

use wallet_core::entry::Entry;
use wallet_core::feed::ItemType;
use wallet_core::{TenantId, WalletId, WalletKey};

use crate::query::queries::uncancelled;
use crate::query::{Queries, ReadError, RecordedEvent};
use crate::store::tables::feed_blocks::PlacedItem;
use crate::store::{AuditRow, FeedEnds, FeedRows, ReadTx, StoreError};

/// The blocks of 1,000 items that are read at a time.
const BLOCKS: u64 = 4;
/// The most items that one page looks at.
const LOOKED_AT: usize = 20_000;

/// The filter of the feed. Empty conditions accept everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FeedFilter {
    pub(crate) types: BTreeSet<ItemType>,
    pub(crate) wallets: BTreeSet<WalletId>,
}

/// A page of the feed.
#[derive(Debug, Clone)]
pub(crate) struct FeedPage {
    pub(crate) items: Vec<FeedItem>,
    /// The last position that was looked at. The next page follows after it.
    pub(crate) looked_at: i64,
    pub(crate) ends: FeedEnds,
}

/// An item of the feed.
#[derive(Debug, Clone)]
pub(crate) struct FeedItem {
    pub(crate) position: i64,
    pub(crate) item_type: ItemType,
    /// `None`: the item is a change of the tenant.
    pub(crate) wallet: Option<WalletId>,
    /// The revision of the entry that the item is, or belongs to; 0 for a change of the tenant.
    pub(crate) revision: i64,
    /// `None`: the row cannot be read.
    pub(crate) content: Option<FeedContent>,
}

/// The entry, the notification or the change of the tenant that an item is.
#[derive(Debug, Clone)]
pub(crate) enum FeedContent {
    Entry(Box<Entry>),
    Event(RecordedEvent),
    Change(AuditRow),
}

impl Queries {
    /// Returns at most `size` items of a tenant's feed after a position. A page of a filtered feed may be empty and be
    /// followed by others: the feed ends where `looked_at` is the last position.
    pub(crate) async fn feed(
        &self,
        tenant: TenantId,
        filter: &FeedFilter,
        after: i64,
        size: usize,
    ) -> Result<FeedPage, ReadError> {
        let (store, types) = (self.store.clone(), filter.types.clone());
        let wallets: BTreeSet<WalletKey> =
            filter.wallets.iter().map(|wallet| WalletKey::new(tenant, wallet)).collect();
        let accepts = move |item: &PlacedItem| {
            (types.is_empty() || item.item_type().is_some_and(|item_type| types.contains(&item_type)))
                && (wallets.is_empty() || (!item.is_change() && wallets.contains(&item.wallet())))
        };
        uncancelled(async move {
            let snapshot = store.snapshot().await?;
            let ends = snapshot.feed_ends(tenant).await?;
            if after < ends.first - 1 || after > ends.last {
                return Err(ReadError::FeedPosition(ends));
            }
            let (found, looked_at) = search(&snapshot, tenant, &accepts, after, size).await?;
            let rows = snapshot.feed_rows(tenant, &found).await?;
            let items = found.into_iter().filter_map(|item| shown(&item, &rows)).collect();
            Ok(FeedPage { items, looked_at, ends })
        })
        .await
    }
}

/// Returns the next items after a position that are accepted, at most `size`, and the last position that was looked at.
async fn search(
    snapshot: &ReadTx,
    tenant: TenantId,
    accepts: &(impl Fn(&PlacedItem) -> bool + Sync),
    after: i64,
    size: usize,
) -> Result<(Vec<PlacedItem>, i64), StoreError> {
    let (mut found, mut looked_at, mut seen) = (Vec::new(), after, 0);
    while seen < LOOKED_AT {
        let items = snapshot.feed_items(tenant, looked_at, BLOCKS).await?;
        if items.is_empty() {
            break;
        }
        seen += items.len();
        for item in items {
            looked_at = item.position;
            if accepts(&item) {
                found.push(item);
                if found.len() >= size {
                    return Ok((found, looked_at));
                }
            }
        }
    }
    Ok((found, looked_at))
}

/// Returns an item with its content. `None`: it has a type of a later version, or its wallet is gone.
fn shown(item: &PlacedItem, rows: &FeedRows) -> Option<FeedItem> {
    let item_type = item.item_type()?;
    if item.is_change() {
        let content = rows.changes.get(&item.wallet_key).cloned().map(FeedContent::Change);
        if content.is_none() {
            tracing::error!(
                event_id = %item.wallet_key,
                "an item of the feed cannot be read; run `wallet-server verify`"
            );
        }
        return Some(FeedItem { position: item.position, item_type, wallet: None, revision: 0, content });
    }
    let content = match item.event_index() {
        None => {
            let entry = rows.entries.get(&(item.wallet_key, item.revision));
            entry.map(|entry| FeedContent::Entry(Box::new(entry.clone())))
        }
        Some(n) => {
            let event = rows.events.get(&(item.wallet_key, item.revision, n));
            event.map(|event| FeedContent::Event(event.clone()))
        }
    };
    if content.is_none() {
        tracing::error!(
            wallet_key = %item.wallet_key,
            revision = item.revision,
            "an item of the feed cannot be read; run `wallet-server verify`"
        );
    }
    Some(FeedItem {
        position: item.position,
        item_type,
        wallet: Some(rows.wallets.get(&item.wallet_key)?.clone()),
        revision: item.revision,
        content,
    })
}
