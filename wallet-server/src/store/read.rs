//! Reads: each in one snapshot of the database, without locks and without writes.

use std::collections::BTreeMap;

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, ExprTrait as _,
    FromQueryResult, QueryFilter, QueryOrder, QueryResult, QuerySelect, QueryTrait, Statement, Value,
};
use uuid::Uuid;
use wallet_core::entry::Entry;
use wallet_core::grant::Grant;
use wallet_core::reservation::Reservation;
use wallet_core::wallet::Horizon;
use wallet_core::wallet::decision_time;
use wallet_core::{TenantId, Timestamp, Wallet, WalletId, WalletKey};

use crate::store::batch::{self, LoadedWallets, ReadPlan, WalletRows};
use crate::store::tables::{entries, events, grants, reservations, wallet_profiles, wallets};
use crate::store::timed::TimedConnection;
use crate::store::{Backend, RecordedEvent, RowFilter, Store, StoreError, packed};

/// The ids and keys of a page of wallets, to be read one by one.
pub(crate) type ListedKeys = Vec<(WalletId, WalletKey)>;

/// The part of a wallet's state that a read needs before anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) frozen: bool,
    pub(crate) last_time: Timestamp,
}

/// The position of a reservation in the list: `reserve_time` and the revision of its first entry.
pub(crate) type ListPosition = (i64, i64);

/// A page of a wallet's reservations.
#[derive(Debug)]
pub(crate) struct Reservations {
    pub(crate) rows: Vec<Reservation>,
    /// The position of the last row that was read; `None` at the end of the list.
    pub(crate) next: Option<ListPosition>,
}

/// A snapshot: all its reads see the same state.
#[derive(Debug)]
pub(crate) struct ReadTx {
    transaction: TimedConnection<DatabaseTransaction>,
    backend: Backend,
}

impl Store {
    /// Takes a snapshot. Must be called in a task of its own: a BEGIN that is cancelled half-way spoils a
    /// connection.
    pub(crate) async fn snapshot(&self) -> Result<ReadTx, StoreError> {
        let transaction = TimedConnection::begin_reading(self.read_pool(), self.call_timeout()).await?;
        Ok(ReadTx { transaction, backend: self.backend() })
    }

    /// Takes a snapshot for a read of many rows, on connections that other reads do not use.
    pub(crate) async fn costly_snapshot(&self) -> Result<ReadTx, StoreError> {
        let transaction = TimedConnection::begin_reading(self.search_pool(), self.call_timeout()).await?;
        Ok(ReadTx { transaction, backend: self.backend() })
    }
}

impl Store {
    /// Returns the last committed rows of the table `wallets` with these keys. Wallets that do not exist are missing.
    pub(crate) async fn wallet_rows(&self, keys: &[WalletKey]) -> Result<WalletRows, StoreError> {
        let readers = TimedConnection::new(self.read_pool().clone(), self.call_timeout());
        batch::wallet_rows(&readers, self.backend(), keys).await
    }
}

impl ReadTx {
    pub(super) const fn backend(&self) -> Backend {
        self.backend
    }

    pub(super) const fn connection(&self) -> &TimedConnection<DatabaseTransaction> {
        &self.transaction
    }

    /// Passes the rows of a query to `each` one by one, including rows that cannot be decoded.
    pub(super) async fn each_row(
        &self,
        sql: &str,
        values: Vec<Value>,
        each: impl FnMut(QueryResult) + Send,
    ) -> Result<(), StoreError> {
        let statement = Statement::from_sql_and_values(self.backend.db(), sql, values);
        Ok(self.transaction.each_row(statement, each).await?)
    }

    /// Returns the rows of a query as one text, each packed into a line. `None` on PostgreSQL, and if a row cannot
    /// be packed.
    pub(super) async fn packed(&self, lines: &str, values: Vec<Value>) -> Option<String> {
        if self.backend != Backend::Sqlite {
            return None;
        }
        let statement = Statement::from_sql_and_values(self.backend.db(), packed::page(lines), values);
        let page = self.transaction.query_one_raw(statement).await.ok()??;
        page.try_get_by_index(0).ok()
    }

    /// Returns whether a wallet is frozen, and when it was last written. `None` if it does not exist.
    pub(crate) async fn standing(&self, key: WalletKey) -> Result<Option<Standing>, StoreError> {
        let row = wallets::Entity::find_by_id((key.bucket(), key.uuid())).one(&self.transaction).await?;
        let standing = |row: wallets::Model| Standing {
            frozen: row.frozen,
            last_time: Timestamp::from_micros(row.last_time),
        };
        Ok(row.map(standing))
    }

    /// Returns the next reservations of a wallet after a position that may be due at `now`, and the position of the
    /// last one if there are more than `most`.
    pub(crate) async fn next_due(
        &self,
        key: WalletKey,
        now: Timestamp,
        after: Horizon,
        most: usize,
    ) -> Result<(Vec<Reservation>, Option<Horizon>), StoreError> {
        batch::next_due(&self.transaction, self.backend, (key, now, Some(after)), most).await
    }

    /// Returns a wallet with its open grants, the reservations due at `now`, and the rows that `plan` adds.
    pub(crate) async fn wallet(
        &self,
        key: WalletKey,
        now: Timestamp,
        plan: ReadPlan,
    ) -> Result<Option<Wallet>, StoreError> {
        Ok(self.wallets(&[(key, now)], plan).await?.remove(&key).map(|loaded| loaded.wallet))
    }

    /// Returns the wallets with these keys that exist: their open grants, and the reservations due at the time of each,
    /// up to the number in `plan`.
    pub(crate) async fn wallets(
        &self,
        times: &[(WalletKey, Timestamp)],
        mut plan: ReadPlan,
    ) -> Result<LoadedWallets, StoreError> {
        let keys: Vec<WalletKey> = times.iter().map(|(key, _)| *key).collect();
        let found = batch::wallet_rows(&self.transaction, self.backend, &keys).await?;
        for (key, now) in times {
            if let Some(row) = found.get(key) {
                plan.wallets.push((*key, decision_time(*now, Timestamp::from_micros(row.last_time))));
            }
        }
        let mut loaded = BTreeMap::new();
        batch::load_wallets(&self.transaction, self.backend, &found, &plan, &mut loaded).await?;
        Ok(loaded)
    }

    /// Passes all grants of a wallet, open and closed, one by one to `each`, unordered.
    pub(crate) async fn each_grant(
        &self,
        wallet: WalletKey,
        mut each: impl FnMut(Grant) + Send,
    ) -> Result<(), StoreError> {
        let query = grants::Entity::find()
            .filter(grants::Column::Bucket.eq(wallet.bucket()))
            .filter(grants::Column::WalletKey.eq(wallet.uuid()));
        let mut read = Ok(());
        let row = |row: QueryResult| {
            let grant = grants::Model::from_query_result(&row, "").map_err(StoreError::from);
            match grant.and_then(grants::read) {
                Ok(grant) => each(grant),
                Err(error) => read = Err(error),
            }
        };
        self.transaction.each_row(query.build(self.backend.db()), row).await?;
        read
    }

    /// Returns at most `limit` of a wallet's reservations after a position, the newest first.
    pub(crate) async fn reservations(
        &self,
        wallet: WalletKey,
        filter: RowFilter,
        before: Option<ListPosition>,
        limit: u64,
    ) -> Result<Reservations, StoreError> {
        use reservations::Column::{Bucket, ReserveTime, Revision};
        let mut query = reservations::Entity::find()
            .filter(Bucket.eq(wallet.bucket()))
            // Must match the key of this list's index.
            .filter(Expr::cust("CASE WHEN revision > 0 THEN wallet_key END").eq(wallet.uuid()))
            .filter(Expr::cust("revision > 0"))
            .filter(filter.0);
        if let Some((time, revision)) = before {
            let same_instant = Condition::all().add(ReserveTime.eq(time)).add(Revision.lt(revision));
            // Repeats the condition without OR, so that the index scan begins at the page and not at the end of the
            // index.
            query = query
                .filter(ReserveTime.lte(time))
                .filter(Condition::any().add(ReserveTime.lt(time)).add(same_instant));
        }
        let query = query.order_by_desc(ReserveTime).order_by_desc(Revision).limit(limit);
        let rows = query.all(&self.transaction).await?;
        let full = rows.len() as u64 == limit;
        let next = rows.last().filter(|_| full).map(|row| (row.reserve_time, row.revision));
        let rows = rows.into_iter().map(reservations::read).collect::<Result<_, _>>()?;
        Ok(Reservations { rows, next })
    }

    /// Returns a wallet's entries after a revision.
    pub(crate) async fn entries(
        &self,
        wallet: WalletKey,
        after: i64,
        reservation: Option<&str>,
        limit: u64,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut query = entries::Entity::find()
            .filter(entries::Column::Bucket.eq(wallet.bucket()))
            .filter(entries::Column::WalletKey.eq(wallet.uuid()))
            .filter(entries::Column::Revision.gt(after));
        if let Some(id) = reservation {
            query = query.filter(entries::Column::ReservationId.eq(id));
        }
        let query = query.order_by_asc(entries::Column::Revision).limit(limit);
        query.all(&self.transaction).await?.into_iter().map(entries::read).collect()
    }

    /// Returns a wallet's notifications after a revision and number.
    pub(crate) async fn events(
        &self,
        wallet: WalletKey,
        (revision, n): (i64, i32),
        filter: RowFilter,
        limit: u64,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        use events::Column::{Bucket, N, Revision, WalletKey};
        let same_entry = Condition::all().add(Revision.eq(revision)).add(N.gt(n));
        let query = events::Entity::find()
            .filter(Bucket.eq(wallet.bucket()))
            .filter(WalletKey.eq(wallet.uuid()))
            .filter(Revision.gte(revision))
            .filter(Condition::any().add(Revision.gt(revision)).add(same_entry))
            .filter(filter.0);
        let query = query.order_by_asc(Revision).order_by_asc(N).limit(limit);
        query.all(&self.transaction).await?.into_iter().map(events::read).collect()
    }

    /// Returns a tenant's wallets after an id, ordered by id.
    pub(crate) async fn wallet_keys(
        &self,
        tenant: TenantId,
        after: &str,
        limit: u64,
    ) -> Result<ListedKeys, StoreError> {
        // A row without a valid id cannot be listed.
        let readable = |row: &QueryResult| {
            let id: String = row.try_get("", "wallet_id").ok()?;
            let key: Uuid = row.try_get("", "wallet_key").ok()?;
            Some((WalletId::parse(&id).ok()?, WalletKey::from_uuid(key)))
        };
        let (mut keys, mut after) = (Vec::new(), after.to_owned());
        loop {
            let wanted = limit - keys.len() as u64;
            let query = wallet_profiles::Entity::find()
                .select_only()
                .columns([wallet_profiles::Column::WalletId, wallet_profiles::Column::WalletKey])
                .filter(wallet_profiles::Column::Tenant.eq(tenant.0))
                .filter(wallet_profiles::Column::WalletId.gt(after.as_str()))
                .order_by_asc(wallet_profiles::Column::WalletId)
                .limit(wanted);
            let found = self.transaction.query_all_raw(query.build(self.backend.db())).await?;
            keys.extend(found.iter().filter_map(readable));
            // A query that returns fewer rows than wanted has reached the end, even if some rows were skipped.
            let last = found.last().and_then(|row| row.try_get::<String>("", "wallet_id").ok());
            match last {
                Some(last) if found.len() as u64 == wanted && (keys.len() as u64) < limit => after = last,
                _ => return Ok(keys),
            }
        }
    }

    /// Returns the wallets that are stored as frozen, and those whose row or profile is missing or cannot be decoded.
    pub(crate) async fn frozen(&self, mut wallets: ListedKeys) -> Result<ListedKeys, StoreError> {
        let keys: Vec<WalletKey> = wallets.iter().map(|(_, key)| *key).collect();
        let usable = batch::usable(&self.transaction, self.backend, &keys).await?;
        wallets.retain(|(_, key)| !usable.contains(key));
        Ok(wallets)
    }
}
