//! Reads: one snapshot of the database, never a lock, never a write.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, ExprTrait as _, QueryFilter,
    QueryOrder, QueryResult, QuerySelect, QueryTrait, Statement, Value,
};
use uuid::Uuid;
use wallet_core::entry::Entry;
use wallet_core::grant::Grant;
use wallet_core::reservation::Reservation;
use wallet_core::wallet::Horizon;
use wallet_core::wallet::decision_time;
use wallet_core::{TenantId, Timestamp, Wallet, WalletId, WalletKey};

use crate::store::entity::{entries, events, grants, reservations, wallet_profiles, wallets};
use crate::store::tx::{self, LoadPlan, Locked};
use crate::store::watched::Watched;
use crate::store::{Backend, RecordedEvent, Store, StoreError, packed, rows};

/// A page of wallets: their ids, to be read one by one.
pub(crate) type ListedKeys = Vec<(WalletId, WalletKey)>;

/// What a read has to know of a wallet before anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) frozen: bool,
    pub(crate) last_time: Timestamp,
}

/// Where a reservation stands in the list: `reserve_time` and id.
pub(crate) type Place = (i64, String);

/// A part of a wallet's reservations.
#[derive(Debug)]
pub(crate) struct Reservations {
    pub(crate) admitted: Vec<Reservation>,
    /// Where it ends, unless that is the end of the list.
    pub(crate) rest: Option<Place>,
}

/// A snapshot: what it shows belongs together.
#[derive(Debug)]
pub(crate) struct ReadTx {
    transaction: Watched<DatabaseTransaction>,
    backend: Backend,
}

impl Store {
    /// Takes a snapshot. Call it in a task of its own: a `begin` that is cancelled half-way spoils a connection.
    pub(crate) async fn snapshot(&self) -> Result<ReadTx, StoreError> {
        let transaction = Watched::begin_reading(self.readers(), self.patience()).await?;
        Ok(ReadTx { transaction, backend: self.backend() })
    }

    /// A snapshot for a read that looks at many rows, on connections that no other read waits for.
    pub(crate) async fn costly_snapshot(&self) -> Result<ReadTx, StoreError> {
        let transaction = Watched::begin_reading(self.searchers(), self.patience()).await?;
        Ok(ReadTx { transaction, backend: self.backend() })
    }
}

impl ReadTx {
    pub(super) const fn backend(&self) -> Backend {
        self.backend
    }

    /// The rows of a query one by one, for a reader that also wants those that do not read back.
    pub(super) async fn each_row(
        &self,
        sql: &str,
        values: Vec<Value>,
        each: impl FnMut(QueryResult) + Send,
    ) -> Result<(), StoreError> {
        let statement = Statement::from_sql_and_values(self.backend.db(), sql, values);
        Ok(self.transaction.each_row(statement, each).await?)
    }

    /// The rows of a query, each packed into a line, as one text. Nothing where rows are not packed, and if one of them
    /// cannot be.
    pub(super) async fn packed(&self, lines: &str, values: Vec<Value>) -> Option<String> {
        if self.backend != Backend::Sqlite {
            return None;
        }
        let statement = Statement::from_sql_and_values(self.backend.db(), packed::page(lines), values);
        let page = self.transaction.query_one_raw(statement).await.ok()??;
        page.try_get_by_index(0).ok()
    }

    /// Whether a wallet is frozen, and when it was last written.
    pub(crate) async fn standing(&self, key: WalletKey) -> Result<Option<Standing>, StoreError> {
        let row = wallets::Entity::find_by_id((key.bucket(), key.uuid())).one(&self.transaction).await?;
        let standing = |row: wallets::Model| Standing {
            frozen: row.frozen,
            last_time: Timestamp::from_micros(row.last_time),
        };
        Ok(row.map(standing))
    }

    /// The next reservations of a wallet after a place that may be due at `now`, and the place of the last if there are
    /// more than `most` of them.
    pub(crate) async fn next_due(
        &self,
        key: WalletKey,
        now: Timestamp,
        after: Horizon,
        most: usize,
    ) -> Result<(Vec<Reservation>, Option<Horizon>), StoreError> {
        tx::next_due(&self.transaction, self.backend, (key, now, Some(after)), most).await
    }

    /// A wallet with its open grants, reservations due at `now`, and what `plan` adds.
    pub(crate) async fn wallet(
        &self,
        key: WalletKey,
        now: Timestamp,
        mut plan: LoadPlan,
    ) -> Result<Option<Wallet>, StoreError> {
        let row = wallets::Entity::find_by_id((key.bucket(), key.uuid())).one(&self.transaction).await?;
        let Some(row) = row else { return Ok(None) };
        plan.wallets.push((key, decision_time(now, Timestamp::from_micros(row.last_time))));
        let mut locked = Locked::default();
        locked.wallets.insert(key, row);
        let mut loaded = tx::load_wallets(&self.transaction, self.backend, &locked, &plan).await?;
        Ok(loaded.remove(&key).map(|loaded| loaded.wallet))
    }

    /// A wallet's grants behind a key in the order of the primary key.
    pub(crate) async fn grants(&self, wallet: WalletKey) -> Result<Vec<Grant>, StoreError> {
        let query = grants::Entity::find()
            .filter(grants::Column::Bucket.eq(wallet.bucket()))
            .filter(grants::Column::WalletKey.eq(wallet.uuid()));
        query.all(&self.transaction).await?.into_iter().map(rows::grant).collect()
    }

    /// The next rows of a wallet's reservations, the newest first, after a place in that order. Only the rows that are
    /// admitted are read in full.
    pub(crate) async fn reservations(
        &self,
        wallet: WalletKey,
        filter: Condition,
        before: Option<Place>,
        limit: u64,
        admits: impl Fn(&reservations::Model) -> bool,
    ) -> Result<Reservations, StoreError> {
        use reservations::Column::{Bucket, ReservationId, ReserveTime};
        let mut query = reservations::Entity::find()
            .filter(Bucket.eq(wallet.bucket()))
            // As the index of this list is keyed.
            .filter(Expr::cust("CASE WHEN reserve_revision > 0 THEN wallet_key END").eq(wallet.uuid()))
            .filter(Expr::cust("reserve_revision > 0"))
            .filter(filter);
        if let Some((time, id)) = before {
            let same_instant = Condition::all().add(ReserveTime.eq(time)).add(ReservationId.lt(id));
            // Said once more without an OR, so that the index is entered at the page and not at its end.
            query = query
                .filter(ReserveTime.lte(time))
                .filter(Condition::any().add(ReserveTime.lt(time)).add(same_instant));
        }
        let query = query.order_by_desc(ReserveTime).order_by_desc(ReservationId).limit(limit);
        let rows = query.all(&self.transaction).await?;
        let full = rows.len() as u64 == limit;
        let rest = rows.last().filter(|_| full).map(|row| (row.reserve_time, row.reservation_id.clone()));
        let admitted = rows.into_iter().filter(admits).map(rows::reservation);
        Ok(Reservations { admitted: admitted.collect::<Result<_, _>>()?, rest })
    }

    /// A wallet's entries above a revision.
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
        query.all(&self.transaction).await?.into_iter().map(rows::entry).collect()
    }

    /// What people were told of a wallet, behind a revision and number.
    pub(crate) async fn events(
        &self,
        wallet: WalletKey,
        (revision, n): (i64, i32),
        filter: Condition,
        limit: u64,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        use events::Column::{Bucket, N, Revision, WalletKey};
        let same_entry = Condition::all().add(Revision.eq(revision)).add(N.gt(n));
        let query = events::Entity::find()
            .filter(Bucket.eq(wallet.bucket()))
            .filter(WalletKey.eq(wallet.uuid()))
            .filter(Revision.gte(revision))
            .filter(Condition::any().add(Revision.gt(revision)).add(same_entry))
            .filter(filter);
        let query = query.order_by_asc(Revision).order_by_asc(N).limit(limit);
        query.all(&self.transaction).await?.into_iter().map(rows::event).collect()
    }

    /// A tenant's wallets behind an id.
    pub(crate) async fn wallet_keys(
        &self,
        tenant: TenantId,
        after: &str,
        limit: u64,
    ) -> Result<ListedKeys, StoreError> {
        // A row without an id is no wallet that could be listed.
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
            // A page that is not full is the last one, whatever was left out of it.
            let last = found.last().and_then(|row| row.try_get::<String>("", "wallet_id").ok());
            match last {
                Some(last) if found.len() as u64 == wanted && (keys.len() as u64) < limit => after = last,
                _ => return Ok(keys),
            }
        }
    }
}
