//! The feed in the database: the outbox that batches fill, and the blocks in which its items have positions.
//!
//! [`Store::sequence`] takes all visible rows of a bucket out of the outbox at once. A wallet's next batch begins after
//! the commit of the one before, so a snapshot that has the items of a revision has those of all earlier ones. The
//! order of the items of a wallet in the feed is therefore that of the ledger. A query with a limit, or one that
//! continues after an id, would break this order.
//!
//! Lock order: rows of the outbox, then heads by tenant.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, FromQueryResult, IntoActiveModel,
    QueryFilter, QueryOrder, QueryResult, QuerySelect, Select, Statement, Value,
};
use uuid::Uuid;
use wallet_core::{TenantId, Timestamp, WalletId, WalletKey, binary};

use crate::store::sql::load;
use crate::store::tables::feed_blocks::{self, PlacedItem};
use crate::store::tables::feed_outbox::{self, NewItems, WalletItems};
use crate::store::tables::{
    audit_events, decode, entries, events, feed_heads, wallet_profiles, webhook_deliveries,
};
use crate::store::timed::TimedConnection;
use crate::store::{AuditRow, Backend, ReadTx, RecordedEvent, Store, StoreError};

/// The most items of a block.
const BLOCK: usize = 1_000;
/// The most old blocks of a feed that are deleted together.
const TRIMMED: u64 = 1_000;

/// The ends of a tenant's feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FeedEnds {
    /// The position of the first item that is kept; one more than `last` if none is.
    pub(crate) first: i64,
    /// The position of the last item; 0 before the first one.
    pub(crate) last: i64,
}

impl FeedEnds {
    pub(crate) const EMPTY: Self = Self { first: 1, last: 0 };
}

impl From<feed_heads::Model> for FeedEnds {
    fn from(row: feed_heads::Model) -> Self {
        Self { first: row.first_position, last: row.last_position }
    }
}

/// The rows that a page of the feed shows. A row that cannot be decoded is missing.
#[derive(Debug, Default)]
pub(crate) struct FeedRows {
    pub(crate) wallets: BTreeMap<Uuid, WalletId>,
    pub(crate) entries: BTreeMap<(Uuid, i64), wallet_core::entry::Entry>,
    /// By wallet, revision and index within the entry.
    pub(crate) events: BTreeMap<(Uuid, i64, i32), RecordedEvent>,
    /// The changes of the tenant by their ids in the audit.
    pub(crate) changes: BTreeMap<Uuid, AuditRow>,
}

impl Store {
    /// Returns the buckets that have rows in the outbox, each with the bytes of their items.
    pub(crate) async fn outbox(&self) -> Result<Vec<(i16, i64)>, StoreError> {
        let sql =
            "SELECT bucket, sum(length(items)) AS bytes FROM feed_outbox GROUP BY bucket ORDER BY bucket";
        let rows = self.feed().query_all_raw(Statement::from_string(self.backend().db(), sql)).await?;
        rows.iter().map(|row| Ok((row.try_get("", "bucket")?, row.try_get("", "bytes")?))).collect()
    }

    /// Gives positions to all items in the outbox of these buckets. Returns the number of items.
    pub(crate) async fn sequence(&self, buckets: &[i16], now: Timestamp) -> Result<usize, StoreError> {
        let transaction = TimedConnection::begin_writing(self.feed_pool(), self.call_timeout()).await?;
        let taken = transaction.query_all_raw(take(self.backend(), buckets)).await?;
        let mut by_tenant: BTreeMap<Uuid, Vec<WalletItems>> = BTreeMap::new();
        for row in taken {
            let row = feed_outbox::Model::from_query_result(&row, "")?;
            let new: Vec<NewItems> = decode::bytes("items", &row.items)?;
            for NewItems { tenant, items } in new {
                by_tenant.entry(tenant).or_default().push(items);
            }
        }
        let mut count = 0;
        for (tenant, items) in by_tenant {
            let blocks = blocks(items);
            let added = blocks.iter().map(|(items, _)| items).sum();
            let mut first = next_position(&transaction, self.backend(), tenant, added).await?;
            for (items, bytes) in blocks {
                let block = feed_blocks::Model {
                    tenant,
                    last_position: first + items - 1,
                    first_position: first,
                    create_time: now.as_micros(),
                    items: bytes,
                };
                first += items;
                let block = block.into_active_model();
                feed_blocks::Entity::insert(block).exec_without_returning(&transaction).await?;
            }
            count += usize::try_from(added).unwrap_or_default();
        }
        transaction.commit().await.map_err(StoreError::of_commit)?;
        Ok(count)
    }

    /// Deletes the blocks whose items all got their positions before a time, from the beginning of each feed, and the
    /// failed deliveries of these items. Deletes at most [`TRIMMED`] blocks of a feed; returns true if more are left.
    pub(crate) async fn trim_feed(&self, before: Timestamp) -> Result<bool, StoreError> {
        let mut is_more = false;
        for head in feed_heads::Entity::find().all(&self.feed()).await? {
            let oldest = feed_blocks::Entity::find()
                .select_only()
                .columns([feed_blocks::Column::LastPosition, feed_blocks::Column::CreateTime])
                .filter(feed_blocks::Column::Tenant.eq(head.tenant))
                .order_by_asc(feed_blocks::Column::LastPosition)
                .limit(TRIMMED)
                .into_tuple::<(i64, i64)>()
                .all(&self.feed())
                .await?;
            let old = oldest.iter().take_while(|(_, created)| *created < before.as_micros());
            let Some((last, _)) = old.clone().last() else { continue };
            is_more |= old.count() as u64 == TRIMMED;
            self.delete_feed(head.tenant, last + 1).await?;
        }
        Ok(is_more)
    }

    /// Deletes the items of a tenant's feed before a position, and their failed deliveries.
    async fn delete_feed(&self, tenant: Uuid, first: i64) -> Result<(), StoreError> {
        let transaction = TimedConnection::begin_writing(self.feed_pool(), self.call_timeout()).await?;
        let old = feed_blocks::Entity::delete_many()
            .filter(feed_blocks::Column::Tenant.eq(tenant))
            .filter(feed_blocks::Column::LastPosition.lt(first));
        old.exec(&transaction).await?;
        let moved = feed_heads::Entity::update_many()
            .col_expr(feed_heads::Column::FirstPosition, first.into())
            .filter(feed_heads::Column::Tenant.eq(tenant))
            .filter(feed_heads::Column::FirstPosition.lt(first));
        moved.exec(&transaction).await?;
        let undelivered = webhook_deliveries::Entity::delete_many()
            .filter(webhook_deliveries::Column::Tenant.eq(tenant))
            .filter(webhook_deliveries::Column::Position.lt(first));
        undelivered.exec(&transaction).await?;
        transaction.commit().await.map_err(StoreError::of_commit)
    }

    /// Returns the ends of each tenant's feed.
    pub(crate) async fn feed_ends(&self) -> Result<BTreeMap<TenantId, FeedEnds>, StoreError> {
        let heads = feed_heads::Entity::find().all(&self.feed()).await?;
        Ok(heads.into_iter().map(|head| (TenantId(head.tenant), head.into())).collect())
    }
}

impl ReadTx {
    /// Returns the ends of a tenant's feed.
    pub(crate) async fn feed_ends(&self, tenant: TenantId) -> Result<FeedEnds, StoreError> {
        let head = feed_heads::Entity::find_by_id(tenant.0).one(self.connection()).await?;
        Ok(head.map_or(FeedEnds::EMPTY, Into::into))
    }

    /// Returns the items of the next blocks after a position, at most `blocks`, without the items up to the position.
    pub(crate) async fn feed_items(
        &self,
        tenant: TenantId,
        after: i64,
        blocks: u64,
    ) -> Result<Vec<PlacedItem>, StoreError> {
        let found = next_blocks(tenant, after, blocks).all(self.connection()).await?;
        let mut items = Vec::new();
        for block in &found {
            items.extend(feed_blocks::read(block)?.into_iter().filter(|item| item.position > after));
        }
        Ok(items)
    }

    /// Returns the next blocks of all tenants after a tenant and a last position, at most `limit`, and the place of the
    /// last one if there may be more. A row that cannot be decoded is an error text.
    pub(crate) async fn feed_blocks_after(
        &self,
        (tenant, position): (Uuid, i64),
        limit: u64,
    ) -> Result<(Vec<Result<feed_blocks::Model, String>>, Option<(Uuid, i64)>), StoreError> {
        let sql = format!(
            "SELECT * FROM feed_blocks WHERE (tenant, last_position) > ($1, $2)
             ORDER BY tenant, last_position LIMIT {limit}"
        );
        let values: [Value; 2] = [tenant.into(), position.into()];
        let found = self.rows(Statement::from_sql_and_values(self.backend().db(), sql, values)).await?;
        let last = found.last().filter(|_| found.len() as u64 == limit);
        let last = last
            .map(|row| Ok::<_, StoreError>((row.try_get("", "tenant")?, row.try_get("", "last_position")?)));
        let rows = found.iter().map(|row| feed_blocks::Model::from_query_result(row, ""));
        Ok((rows.map(|row| row.map_err(|error| error.to_string())).collect(), last.transpose()?))
    }

    /// Returns the rows that these items of a tenant's feed are about.
    pub(crate) async fn feed_rows(
        &self,
        tenant: TenantId,
        items: &[PlacedItem],
    ) -> Result<FeedRows, StoreError> {
        let mut rows = FeedRows::default();
        let (changes, items): (Vec<PlacedItem>, Vec<PlacedItem>) =
            items.iter().partition(|item| item.is_change());
        if !changes.is_empty() {
            let found = audit_events::Entity::find()
                .filter(audit_events::Column::Tenant.eq(tenant.0))
                .filter(audit_events::Column::EventTime.is_in(changes.iter().map(|change| change.revision)))
                .filter(audit_events::Column::EventId.is_in(changes.iter().map(|change| change.wallet_key)))
                .all(self.connection())
                .await?;
            rows.changes.extend(found.into_iter().map(|row| (row.event_id, row)));
        }
        if items.is_empty() {
            return Ok(rows);
        }
        let mut wallets: Vec<WalletKey> = items.iter().map(PlacedItem::wallet).collect();
        wallets.sort_unstable();
        wallets.dedup();
        for row in self.rows(load::profiles(self.backend(), &wallets)).await? {
            if let Ok(row) = wallet_profiles::Model::from_query_result(&row, "")
                && let Ok(id) = decode::id(&row.wallet_id)
            {
                rows.wallets.insert(row.wallet_key, id);
            }
        }
        for row in self.rows(load::entries_of_items(self.backend(), &items)).await? {
            if let Ok(row) = entries::Model::from_query_result(&row, "") {
                let key = (row.wallet_key, row.revision);
                rows.entries.extend(entries::read(row).ok().map(|entry| (key, entry)));
            }
        }
        for row in self.rows(load::events_of_items(self.backend(), &items)).await? {
            if let Ok(row) = events::Model::from_query_result(&row, "") {
                let key = (row.wallet_key, row.revision, row.n);
                rows.events.extend(events::read(row).ok().map(|event| (key, event)));
            }
        }
        Ok(rows)
    }

    async fn rows(&self, statement: Statement) -> Result<Vec<QueryResult>, StoreError> {
        Ok(self.connection().query_all_raw(statement).await?)
    }
}

/// Selects the next blocks of a tenant's feed after a position, at most `limit`.
pub(super) fn next_blocks(tenant: TenantId, after: i64, limit: u64) -> Select<feed_blocks::Entity> {
    feed_blocks::Entity::find()
        .filter(feed_blocks::Column::Tenant.eq(tenant.0))
        .filter(feed_blocks::Column::LastPosition.gt(after))
        .order_by_asc(feed_blocks::Column::LastPosition)
        .limit(limit)
}

/// Takes all rows of these buckets out of the outbox.
pub(super) fn take(backend: Backend, buckets: &[i16]) -> Statement {
    let (listed, values): (_, Value) = match backend {
        Backend::Postgres => ("ANY ($1)", buckets.to_vec().into()),
        Backend::Sqlite => {
            ("(SELECT value FROM json_each($1))", serde_json::json!(buckets).to_string().into())
        }
    };
    let is_in = if backend == Backend::Postgres { "=" } else { "IN" };
    let sql =
        format!("DELETE FROM feed_outbox WHERE bucket {is_in} {listed} RETURNING bucket, batch_id, items");
    Statement::from_sql_and_values(backend.db(), sql, [values])
}

/// Locks the head of a tenant's feed, and moves it by a number of positions. Returns the first of them.
async fn next_position(
    transaction: &TimedConnection<DatabaseTransaction>,
    backend: Backend,
    tenant: Uuid,
    added: i64,
) -> Result<i64, StoreError> {
    let sql = "INSERT INTO feed_heads (tenant, first_position, last_position) VALUES ($1, 1, $2)
               ON CONFLICT (tenant) DO UPDATE SET last_position = feed_heads.last_position + excluded.last_position
               RETURNING last_position";
    let statement = Statement::from_sql_and_values(backend.db(), sql, [tenant.into(), added.into()]);
    let row = transaction.query_one_raw(statement).await?;
    let row = row.ok_or_else(|| StoreError::corrupt("the head of a feed was not written"))?;
    Ok(row.try_get::<i64>("", "last_position")? - added + 1)
}

/// Puts the items of a tenant in order, by wallet and revision, and divides them into blocks: the number of items and
/// their binary form.
fn blocks(mut items: Vec<WalletItems>) -> Vec<(i64, Vec<u8>)> {
    items.sort_unstable_by_key(|of| (of.wallet, of.items.first().copied()));
    let all = items.into_iter().flat_map(|of| of.items.into_iter().map(move |item| (of.wallet, item)));
    let all: Vec<(Uuid, (i64, u32, u8))> = all.collect();
    let packed = all.chunks(BLOCK).map(|items| {
        let mut wallets: Vec<WalletItems> = Vec::new();
        for (wallet, item) in items {
            match wallets.last_mut().filter(|last| last.wallet == *wallet) {
                Some(last) => last.items.push(*item),
                None => wallets.push(WalletItems { wallet: *wallet, items: vec![*item] }),
            }
        }
        (i64::try_from(items.len()).unwrap_or_default(), binary::encode(&wallets))
    });
    packed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn old_blocks_are_deleted_in_bounded_steps() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite://{}/wallet.db", folder.path().display())).await.unwrap();
        store.migrate().await.unwrap();
        let blocks = format!(
            "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n <= {TRIMMED} + 5)
             INSERT INTO feed_blocks (tenant, first_position, last_position, create_time, items)
             SELECT zeroblob(16), n, n, n, x'' FROM s"
        );
        let (most, end) = (TRIMMED as i64, TRIMMED as i64 + 6);
        let head = format!(
            "INSERT INTO feed_heads (tenant, first_position, last_position) VALUES (zeroblob(16), 1, {end})"
        );
        for sql in [blocks, head] {
            store.feed().execute_unprepared(&sql).await.unwrap();
        }
        let first = async || store.feed_ends().await.unwrap()[&TenantId(Uuid::nil())].first;
        let old = Timestamp::from_micros(most + 3);
        assert!(store.trim_feed(old).await.unwrap(), "more blocks are old");
        assert_eq!(first().await, most + 1);
        assert!(!store.trim_feed(old).await.unwrap());
        assert_eq!(first().await, most + 3, "the first block that is not old");
        assert!(!store.trim_feed(Timestamp::NEVER).await.unwrap());
        assert_eq!(first().await, end + 1);
    }

    #[test]
    fn items_are_ordered_by_wallet_and_revision_and_blocks_are_bounded() {
        let (ann, bob) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let of = |wallet, revisions: std::ops::Range<i64>| WalletItems {
            wallet,
            items: revisions.map(|revision| (revision, 0, 30)).collect(),
        };
        let blocks = blocks(vec![of(bob, 1..2), of(ann, 600..1_200), of(ann, 1..600)]);
        assert_eq!(blocks.iter().map(|(items, _)| *items).collect::<Vec<_>>(), [1_000, 200]);
        let first: Vec<WalletItems> = binary::decode(&blocks[0].1).unwrap();
        assert_eq!(first, [of(ann, 1..1_001)]);
        let second: Vec<WalletItems> = binary::decode(&blocks[1].1).unwrap();
        assert_eq!(second, [of(ann, 1_001..1_200), of(bob, 1..2)]);
    }
}
