//! The check of the feed (I33): its positions have no gap, and it has exactly the items of the ledgers, those of a
//! wallet in the order of its ledger, and the changes of the tenants that are items.
//!
//! The feed is read first. Of each wallet only the number of its items, the first and the last one and a hash of all
//! are kept, and compared with those of its entries when these have been read. Items that are still in the outbox
//! follow those of the feed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use uuid::Uuid;
use wallet_core::entry::Entry;
use wallet_core::feed;

use crate::store::tables::feed_blocks::{self, PlacedItem};
use crate::store::tables::feed_heads;
use crate::store::tables::feed_outbox::{self, NewItems, bucket_of_changes};
use crate::store::{ReadTx, StoreError};
use crate::verify::control::ControlPlane;
use crate::verify::faults::Faults;
use crate::verify::strict;

/// The blocks that are read at a time.
const PAGE: u64 = 200;
/// The most by which the clocks of two servers differ, in microseconds.
const SKEW: i64 = 60_000_000;

/// The revision of an item's entry, and its number within the entry.
type ItemKey = (i64, u32);

/// The feed as it was read.
#[derive(Debug, Default)]
pub(super) struct Feed {
    wallets: HashMap<Uuid, Sequence>,
    /// The changes of tenants: tenant, time, id in the audit, and number of the type.
    changes: BTreeSet<(Uuid, i64, Uuid, u8)>,
    /// The tenants whose feeds do not begin with the first item: it was deleted after the time for which items are
    /// kept. Each with the time at which the first block that is kept was written, in microseconds since 1970.
    trimmed: BTreeMap<Uuid, i64>,
    /// The last position of each tenant.
    pub(super) last: BTreeMap<Uuid, i64>,
}

/// The items that the feed and the outbox have of a wallet.
#[derive(Debug)]
struct Sequence {
    tenant: Uuid,
    first: ItemKey,
    last: ItemKey,
    items: Items,
}

/// A number of items, and a hash of all of them.
#[derive(Debug, Default)]
struct Items {
    count: u64,
    hash: DefaultHasher,
}

/// The items of a wallet according to its entries.
#[derive(Debug, Default)]
pub(super) struct ItemFold {
    /// The first item that the feed has of the wallet.
    first: Option<ItemKey>,
    /// The number of items before that.
    before: u64,
    items: Items,
}

impl Items {
    fn add(&mut self, (revision, n): ItemKey, number: u8) {
        self.count += 1;
        (revision, n, number).hash(&mut self.hash);
    }
}

impl ItemFold {
    /// Adds the items of the next entry.
    pub(super) fn add(&mut self, entry: &Entry, faults: &mut Faults) {
        faults.unless(feed::fits(entry), entry.revision, || {
            format!(
                "I33: has items {:#b} in the feed, some of which it does not have",
                entry.in_feed.number()
            )
        });
        for item in feed::items(entry) {
            let key = (entry.revision, item.n);
            match self.first.is_some_and(|first| key >= first) {
                true => self.items.add(key, item.item_type as u8),
                false => self.before += 1,
            }
        }
    }
}

impl Feed {
    /// Reads the feed and the outbox, and checks the positions.
    pub(super) async fn read(
        snapshot: &ReadTx,
        control_plane: &ControlPlane,
        faults: &mut Faults,
    ) -> Result<Self, StoreError> {
        let mut feed = Self::default();
        faults.about_the_database();
        let mut heads = BTreeMap::new();
        snapshot
            .each_of::<feed_heads::Entity>(|row| match row {
                Ok(row) => _ = heads.insert(row.tenant, row),
                Err(error) => faults.add(0, &format!("a row of feed_heads is unreadable: {error}")),
            })
            .await?;
        let trimmed = heads.values().filter(|head| head.first_position > 1);
        feed.trimmed.extend(trimmed.map(|head| (head.tenant, i64::MAX)));
        feed.last.extend(heads.values().map(|head| (head.tenant, head.last_position)));
        feed.blocks(snapshot, &heads, faults).await?;
        feed.outbox(snapshot, faults).await?;
        feed.compare_changes(control_plane, faults);
        for tenant in heads.keys().filter(|tenant| !control_plane.has_tenant(**tenant)) {
            faults.add(0, &format!("the feed has tenant {tenant}, which does not exist"));
        }
        Ok(feed)
    }

    /// Reads the blocks, each of which begins after the end of the one before.
    async fn blocks(
        &mut self,
        snapshot: &ReadTx,
        heads: &BTreeMap<Uuid, feed_heads::Model>,
        faults: &mut Faults,
    ) -> Result<(), StoreError> {
        let mut next: BTreeMap<Uuid, i64> =
            heads.values().map(|head| (head.tenant, head.first_position)).collect();
        let mut after = (Uuid::nil(), i64::MIN);
        loop {
            let (rows, last) = snapshot.feed_blocks_after(after, PAGE).await?;
            for row in rows {
                match row.and_then(|row| Ok((feed_blocks::read(&row).map_err(|e| e.to_string())?, row))) {
                    Ok((items, row)) => {
                        let begins = next.insert(row.tenant, row.last_position + 1);
                        faults.unless(begins == Some(row.first_position), 0, || {
                            let begins = begins.unwrap_or_default();
                            format!("I33: a block of the feed begins at {}, not {begins}", row.first_position)
                        });
                        if let Some(kept_since) = self.trimmed.get_mut(&row.tenant) {
                            *kept_since = (*kept_since).min(row.create_time);
                        }
                        items.iter().for_each(|item| self.add(row.tenant, item, faults));
                    }
                    Err(error) => faults.add(0, &format!("a row of feed_blocks is unreadable: {error}")),
                }
            }
            match last {
                Some(last) => after = last,
                None => break,
            }
        }
        for head in heads.values() {
            let last = next.get(&head.tenant).map_or(0, |next| next - 1);
            faults.unless(last == head.last_position, 0, || {
                let tenant = head.tenant;
                format!(
                    "I33: the feed of tenant {tenant} ends at {last}, but its head at {}",
                    head.last_position
                )
            });
        }
        Ok(())
    }

    /// Reads the outbox. Batches of one wallet are ordered by their revisions.
    async fn outbox(&mut self, snapshot: &ReadTx, faults: &mut Faults) -> Result<(), StoreError> {
        let mut waiting: BTreeMap<(Uuid, ItemKey), (Uuid, u8)> = BTreeMap::new();
        snapshot
            .each_of::<feed_outbox::Entity>(|row| {
                let read = row.and_then(|row| {
                    let new: Vec<NewItems> = strict::binary("items", &row.items)?;
                    Ok((row.bucket, new))
                });
                match read {
                    Ok((bucket, new)) => new.into_iter().for_each(|NewItems { tenant, items }| {
                        let is_change =
                            items.items.iter().any(|(_, _, number)| feed_blocks::is_change(*number));
                        let belongs = match is_change {
                            true => bucket_of_changes(tenant),
                            false => wallet_core::WalletKey::from_uuid(items.wallet).bucket(),
                        };
                        faults.unless(belongs == bucket, 0, || {
                            let of = if is_change { "the change" } else { "wallet" };
                            format!("I33: the outbox has {of} {} in bucket {bucket}", items.wallet)
                        });
                        for (revision, n, number) in items.items {
                            let before = waiting.insert((items.wallet, (revision, n)), (tenant, number));
                            faults.unless(before.is_none(), 0, || {
                                format!(
                                    "I33: the outbox has item ({revision}, {n}) of {} twice",
                                    items.wallet
                                )
                            });
                        }
                    }),
                    Err(error) => faults.add(0, &format!("a row of feed_outbox is unreadable: {error}")),
                }
            })
            .await?;
        for ((wallet_key, (revision, n)), (tenant, number)) in waiting {
            self.add(tenant, &PlacedItem { position: 0, wallet_key, revision, n, number }, faults);
        }
        Ok(())
    }

    fn add(&mut self, tenant: Uuid, item: &PlacedItem, faults: &mut Faults) {
        if item.is_change() {
            let change = (tenant, item.revision, item.wallet_key, item.number);
            faults.unless(self.changes.insert(change), 0, || {
                format!("I33: the feed has the change {} twice", item.wallet_key)
            });
            return;
        }
        let key = (item.revision, item.n);
        match self.wallets.get_mut(&item.wallet_key) {
            Some(sequence) => {
                let follows = key > sequence.last && sequence.tenant == tenant;
                faults.unless(follows, 0, || {
                    format!(
                        "I33: the feed has {key:?} of wallet {} after {:?}",
                        item.wallet_key, sequence.last
                    )
                });
                sequence.last = key;
                sequence.items.add(key, item.number);
            }
            None => {
                let mut items = Items::default();
                items.add(key, item.number);
                let sequence = Sequence { tenant, first: key, last: key, items };
                self.wallets.insert(item.wallet_key, sequence);
            }
        }
    }

    /// Compares the changes of tenants with the audit. Of a trimmed feed those from before its first block are missing:
    /// a block is written after its items, by servers whose clocks may differ by [`SKEW`].
    fn compare_changes(&self, control_plane: &ControlPlane, faults: &mut Faults) {
        for (_, _, id, _) in self.changes.difference(&control_plane.changes) {
            faults.add(0, &format!("I33: the feed has the change {id}, which the audit does not have"));
        }
        for (tenant, time, id, _) in control_plane.changes.difference(&self.changes) {
            let kept_since = self.trimmed.get(tenant);
            let is_deleted = kept_since.is_some_and(|since| *time < since.saturating_add(SKEW));
            faults.unless(is_deleted, 0, || format!("I33: the feed lacks the change {id} of the audit"));
        }
    }

    /// Returns the fold of the items of a wallet before its first entry.
    pub(super) fn fold(&self, wallet: Uuid) -> ItemFold {
        let first = self.wallets.get(&wallet).map(|sequence| sequence.first);
        ItemFold { first, ..ItemFold::default() }
    }

    /// Compares the items of a wallet with those of its entries.
    pub(super) fn close(&mut self, wallet: Uuid, tenant: Option<Uuid>, fold: ItemFold, faults: &mut Faults) {
        let is_trimmed = tenant.is_some_and(|tenant| self.trimmed.contains_key(&tenant));
        faults.unless(fold.before == 0 || is_trimmed, 0, || {
            format!("I33: the feed lacks the first {} items of the ledger", fold.before)
        });
        let Some(sequence) = self.wallets.remove(&wallet) else { return };
        faults.unless(tenant.is_none_or(|tenant| tenant == sequence.tenant), 0, || {
            format!("I33: its items are in the feed of tenant {}", sequence.tenant)
        });
        let (feed, ledger) = (sequence.items, fold.items);
        let is_same = feed.count == ledger.count && feed.hash.finish() == ledger.hash.finish();
        faults.unless(is_same, 0, || {
            let (revision, _) = sequence.first;
            format!(
                "I33: from revision {revision} on, the feed has {} items, which are not the {} of the ledger",
                feed.count, ledger.count
            )
        });
    }

    /// Reports the items of wallets that do not exist.
    pub(super) fn end(&mut self, faults: &mut Faults) {
        faults.about_the_database();
        for wallet in std::mem::take(&mut self.wallets).into_keys() {
            faults.add(0, &format!("I33: the feed has items of wallet {wallet}, which does not exist"));
        }
    }
}
