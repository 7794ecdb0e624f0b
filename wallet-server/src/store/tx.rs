//! The transaction of a batch: begin, lock, load, append, commit. Dropping it before the commit rolls it back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, FromQueryResult, Statement};
use wallet_core::decide::PurchaseName;
use wallet_core::decide::ReadSet;
use wallet_core::fingerprint::Fingerprint;
use wallet_core::grant::{ExternalRef, GrantKey, Origin};
use wallet_core::ids::{OriginId, RequestId, ReservationId, UnitId};
use wallet_core::posting::Account;
use wallet_core::reservation::Reservation;
use wallet_core::wallet::Horizon;
use wallet_core::wallet::RequestRecord;
use wallet_core::{Finished, TenantId, Timestamp, Wallet, WalletId, WalletKey};

use crate::store::entity::{entries, grants, reservations, wallet_balances, wallet_profiles, wallets};
use crate::store::sql::{append, load};
use crate::store::timed::TimedConnection;
use crate::store::{Backend, StoreError, publishing, rows};

/// A transaction that locks wallets and writes the decisions about them.
#[derive(Debug)]
pub(crate) struct Tx {
    transaction: TimedConnection<DatabaseTransaction>,
    backend: Backend,
}

/// The result of locking a batch's wallets.
#[derive(Debug, Default)]
pub(crate) struct Locked {
    /// The wallets that exist and are locked by this transaction.
    pub(crate) wallets: BTreeMap<WalletKey, wallets::Model>,
    /// The wallets that another transaction has locked. Empty unless `skip_locked` was set.
    pub(crate) taken: BTreeSet<WalletKey>,
}

/// The rows to read of the locked wallets.
#[derive(Debug)]
pub(crate) struct ReadPlan {
    /// The most reservations to read per wallet because they may be due. A wallet with more of them gets a horizon.
    due: usize,
    /// Every wallet of the batch with the time of its decisions.
    pub(crate) wallets: Vec<(WalletKey, Timestamp)>,
    grants: Vec<(WalletKey, GrantKey)>,
    payments: Vec<(WalletKey, ExternalRef)>,
    purchases: Vec<(WalletKey, OriginId)>,
    /// The payments whose whole purchase is needed.
    paid: Vec<(WalletKey, ExternalRef)>,
    reservations: Vec<(WalletKey, ReservationId)>,
    /// The reservations that are needed together with the grants of their allocations.
    receipts: Vec<(WalletKey, ReservationId)>,
    /// The wallets whose grants of the current subscription period are needed.
    periods: Vec<WalletKey>,
    requests: Vec<(WalletKey, RequestId)>,
}

impl ReadPlan {
    /// Returns an empty plan that reads at most `due` reservations per wallet because they may be due.
    pub(crate) const fn new(due: usize) -> Self {
        Self {
            due,
            wallets: Vec::new(),
            grants: Vec::new(),
            payments: Vec::new(),
            purchases: Vec::new(),
            paid: Vec::new(),
            reservations: Vec::new(),
            receipts: Vec::new(),
            periods: Vec::new(),
            requests: Vec::new(),
        }
    }

    /// Adds the rows that a command refers to.
    pub(crate) fn add(&mut self, wallet: WalletKey, addressed: ReadSet) {
        self.grants.extend(addressed.grants.map(|key| (wallet, key)));
        self.payments.extend(addressed.payment.map(|payment| (wallet, payment)));
        match addressed.purchase {
            Some(PurchaseName::TopUp(id)) => {
                self.grants.push((wallet, GrantKey::new(Origin::TopUp, id.clone(), 0)));
                self.purchases.push((wallet, id));
            }
            Some(PurchaseName::Payment(payment)) => {
                self.payments.push((wallet, payment.clone()));
                self.paid.push((wallet, payment));
            }
            None => {}
        }
        self.periods.extend(addressed.period.then_some(wallet));
        if addressed.receipt {
            self.receipts.extend(addressed.reservation.clone().map(|id| (wallet, id)));
        }
        self.reservations.extend(addressed.reservation.map(|id| (wallet, id)));
        self.requests.extend(addressed.request.map(|id| (wallet, id)));
    }
}

/// A wallet in memory, and which of its rows were in the database when it was read.
#[derive(Debug)]
pub(crate) struct LoadedWallet {
    pub(crate) tenant: TenantId,
    pub(crate) wallet: Wallet,
    pub(crate) was: StoredRows,
}

/// The rows that a wallet had in the database when it was read.
#[derive(Debug, Default)]
pub(crate) struct StoredRows {
    /// 0 if the wallet did not exist.
    pub(crate) version: i64,
    pub(crate) grants: BTreeSet<GrantKey>,
    pub(crate) reservations: BTreeSet<ReservationId>,
    pub(crate) units: BTreeSet<UnitId>,
}

impl LoadedWallet {
    /// Returns a wallet that is not in the database yet.
    pub(crate) fn missing(tenant: TenantId, key: WalletKey, id: WalletId) -> Self {
        Self { tenant, wallet: Wallet::blank(key, id), was: StoredRows::default() }
    }
}

/// The changes that a batch made to one wallet.
#[derive(Debug)]
pub(crate) struct WalletWrite<'a> {
    pub(crate) loaded: &'a LoadedWallet,
    pub(crate) finished: &'a Finished,
}

impl WalletWrite<'_> {
    pub(crate) const fn wallet(&self) -> &Wallet {
        &self.loaded.wallet
    }

    pub(crate) const fn key(&self) -> WalletKey {
        self.loaded.wallet.key
    }
}

impl Tx {
    /// Begins a transaction that writes. Each call to the database fails as unavailable after `call_timeout`.
    pub(crate) async fn begin(
        connection: &DatabaseConnection,
        backend: Backend,
        call_timeout: Duration,
    ) -> Result<Self, StoreError> {
        Ok(Self { transaction: TimedConnection::begin(connection, call_timeout).await?, backend })
    }

    /// Excludes publications of these tenants' catalogs until the end of the transaction, and returns the newest
    /// version of each. Must precede the locks of wallets.
    pub(crate) async fn hold_catalogs(
        &self,
        tenants: &BTreeSet<TenantId>,
    ) -> Result<Vec<(TenantId, i64)>, StoreError> {
        let mut newest = Vec::new();
        for tenant in tenants {
            if self.backend == Backend::Postgres {
                self.transaction
                    .execute_raw(publishing::lock("pg_advisory_xact_lock_shared", *tenant))
                    .await?;
            }
            // A separate statement after the wait, so that it sees what was published meanwhile.
            let sql = "SELECT coalesce(max(version), 0) AS version FROM catalogs WHERE tenant = $1";
            let statement = Statement::from_sql_and_values(self.backend.db(), sql, [tenant.0.into()]);
            let row = self.transaction.query_one_raw(statement).await?;
            let version = row.map(|row| row.try_get("", "version")).transpose()?.unwrap_or_default();
            newest.push((*tenant, version));
        }
        Ok(newest)
    }

    /// Locks the wallets, which must be sorted by key.
    pub(crate) async fn lock(&self, keys: &[WalletKey], skip_locked: bool) -> Result<Locked, StoreError> {
        debug_assert!(keys.is_sorted(), "locks are taken in the order of the keys");
        // Read before locking: a wallet that is created between the two statements must not count as taken.
        let existing: Vec<wallets::Model> = match skip_locked {
            true => self.all(load::existing(self.backend, keys)).await?,
            false => Vec::new(),
        };
        let found: Vec<wallets::Model> = self.all(load::lock(self.backend, keys, skip_locked)).await?;
        let keyed = |row: wallets::Model| (WalletKey::from_uuid(row.wallet_key), row);
        let wallets: BTreeMap<_, _> = found.into_iter().map(keyed).collect();
        let existing = existing.into_iter().map(|row| WalletKey::from_uuid(row.wallet_key));
        let taken = existing.filter(|key| !wallets.contains_key(key)).collect();
        Ok(Locked { wallets, taken })
    }

    /// Reads the rows of the locked wallets that the batch needs.
    pub(crate) async fn load(
        &self,
        locked: &Locked,
        plan: &ReadPlan,
    ) -> Result<BTreeMap<WalletKey, LoadedWallet>, StoreError> {
        load_wallets(&self.transaction, self.backend, locked, plan).await
    }

    /// Writes the decisions of the batch. Fails if the database reports another number of rows than expected.
    pub(crate) async fn append(&self, batch: &[WalletWrite<'_>]) -> Result<(), StoreError> {
        for write in append::write(self.backend, batch)? {
            let written = match self.backend {
                Backend::Postgres => self.counts(write.statement, write.rows.len()).await?,
                Backend::Sqlite => {
                    let result = self.transaction.execute_raw(write.statement).await?;
                    #[expect(clippy::expect_used, reason = "compared with the number of rows of the batch")]
                    let rows = i64::try_from(result.rows_affected()).expect("SQLite counts rows as i64");
                    vec![rows]
                }
            };
            if written != write.rows {
                let text = format!("{:?} rows were written instead of {:?}", written, write.rows);
                return Err(StoreError::corrupt(text));
            }
        }
        Ok(())
    }

    /// Commits. Unless the database refuses, an error leaves the outcome unknown.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.transaction.commit().await.map_err(StoreError::of_commit)
    }

    async fn all<T: FromQueryResult>(&self, statement: Statement) -> Result<Vec<T>, StoreError> {
        all(&self.transaction, statement).await
    }

    async fn counts(&self, statement: Statement, columns: usize) -> Result<Vec<i64>, StoreError> {
        let row = self.transaction.query_one_raw(statement).await?;
        let row = row.ok_or_else(|| StoreError::corrupt("the write returned no counts"))?;
        (0..columns).map(|i| row.try_get_by_index(i).map_err(StoreError::from)).collect()
    }
}

async fn all<T: FromQueryResult>(
    connection: &impl ConnectionTrait,
    statement: Statement,
) -> Result<Vec<T>, StoreError> {
    let rows = connection.query_all_raw(statement).await?;
    rows.iter().map(|row| T::from_query_result(row, "").map_err(StoreError::from)).collect()
}

/// Reads wallets whose own rows are already loaded: profiles, balances, all open grants, due reservations, and the
/// rows that the plan names.
pub(super) async fn load_wallets(
    connection: &impl ConnectionTrait,
    backend: Backend,
    locked: &Locked,
    plan: &ReadPlan,
) -> Result<BTreeMap<WalletKey, LoadedWallet>, StoreError> {
    let keys: Vec<WalletKey> = locked.wallets.keys().copied().collect();
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut loaded = BTreeMap::new();
    let profiles: Vec<wallet_profiles::Model> = all(connection, load::profiles(backend, &keys)).await?;
    for profile in profiles {
        let key = WalletKey::from_uuid(profile.wallet_key);
        if let Some(row) = locked.wallets.get(&key) {
            loaded.insert(key, own_rows(key, row, &profile)?);
        }
    }
    if loaded.len() < keys.len() {
        return Err(StoreError::unreadable("a wallet has no profile"));
    }
    for row in all::<wallet_balances::Model>(connection, load::balances(backend, &keys)).await? {
        if let Some(loaded) = loaded.get_mut(&WalletKey::from_uuid(row.wallet_key)) {
            let (unit, balance) = rows::balance(&row)?;
            loaded.was.units.insert(unit.clone());
            loaded.wallet.balances.insert(unit, balance);
        }
    }
    add_grants(&mut loaded, all(connection, load::open_grants(backend, &keys)).await?)?;
    // Nothing falls due in a frozen wallet.
    let stands_still = |key: &WalletKey| locked.wallets.get(key).is_some_and(|row| row.frozen);
    let due = plan.wallets.iter().filter(|(key, _)| !stands_still(key));
    let due: Vec<load::Due> = due.map(|(key, now)| (*key, *now, None)).collect();
    if !due.is_empty() {
        // One more than the limit shows whether there are more.
        let rows = all(connection, load::reservations_due(backend, &due, plan.due + 1)).await?;
        add_due(&mut loaded, rows, plan.due)?;
    }
    if !plan.reservations.is_empty() {
        let rows = all(connection, load::reservations_by_id(backend, &plan.reservations)).await?;
        add_reservations(&mut loaded, rows)?;
    }
    if !plan.requests.is_empty() {
        add_requests(&mut loaded, all(connection, load::requests(backend, &plan.requests)).await?)?;
    }
    for statement in addressed_grants(backend, &loaded, plan) {
        add_grants(&mut loaded, all(connection, statement).await?)?;
    }
    let purchases = paid_purchases(&loaded, plan);
    if !purchases.is_empty() {
        add_grants(&mut loaded, all(connection, load::grants_by_purchase(backend, &purchases)).await?)?;
    }
    Ok(loaded)
}

/// Returns the purchases of the plan's payments. The grants that those payments bought are already loaded.
fn paid_purchases(loaded: &BTreeMap<WalletKey, LoadedWallet>, plan: &ReadPlan) -> Vec<(WalletKey, OriginId)> {
    let purchase = |(key, payment): &(WalletKey, ExternalRef)| {
        let grants = loaded.get(key)?.wallet.grants.values();
        let name = PurchaseName::Payment(payment.clone());
        name.top_up(grants).map(|id| (*key, id.clone()))
    };
    plan.paid.iter().filter_map(purchase).collect()
}

/// Returns the statements that read grants which may be closed; most batches need none. The profiles and
/// reservations are already loaded.
fn addressed_grants(
    backend: Backend,
    loaded: &BTreeMap<WalletKey, LoadedWallet>,
    plan: &ReadPlan,
) -> Vec<Statement> {
    let taken = plan.receipts.iter().flat_map(|(key, id)| {
        let job = loaded.get(key).and_then(|loaded| loaded.wallet.reservations.get(id));
        let accounts = job.into_iter().flat_map(|job| &job.allocations).map(|line| &line.account);
        accounts.filter_map(|account| match account {
            Account::Grant(grant) => Some((*key, grant.clone())),
            Account::Debt => None,
        })
    });
    let by_origin: Vec<(WalletKey, GrantKey)> = plan.grants.iter().cloned().chain(taken).collect();
    let present = |key: &WalletKey| {
        let subscription = loaded.get(key)?.wallet.profile.subscription.as_ref()?;
        Some((*key, subscription.period_start().as_micros()))
    };
    let periods: Vec<(WalletKey, i64)> = plan.periods.iter().filter_map(present).collect();
    [
        (!by_origin.is_empty()).then(|| load::grants_by_origin(backend, &by_origin)),
        (!plan.payments.is_empty()).then(|| load::grants_by_payment(backend, &plan.payments)),
        (!plan.purchases.is_empty()).then(|| load::grants_by_purchase(backend, &plan.purchases)),
        (!periods.is_empty()).then(|| load::grants_of_period(backend, &periods)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn own_rows(
    key: WalletKey,
    row: &wallets::Model,
    profile: &wallet_profiles::Model,
) -> Result<LoadedWallet, StoreError> {
    let wallet = Wallet {
        status: rows::status(row.status)?,
        frozen: row.frozen,
        version: row.version,
        revision: row.revision,
        head: rows::hash(&row.head)?,
        last_time: Timestamp::from_micros(row.last_time),
        create_time: Timestamp::from_micros(profile.create_time),
        open_reservations: row.open_reservations,
        profile: rows::json(&profile.profile)?,
        ..Wallet::blank(key, rows::id(&profile.wallet_id)?)
    };
    let was = StoredRows { version: row.version, ..StoredRows::default() };
    Ok(LoadedWallet { tenant: TenantId(profile.tenant), wallet, was })
}

fn add_grants(
    loaded: &mut BTreeMap<WalletKey, LoadedWallet>,
    found: Vec<grants::Model>,
) -> Result<(), StoreError> {
    for row in found {
        if let Some(loaded) = loaded.get_mut(&WalletKey::from_uuid(row.wallet_key)) {
            let grant = rows::grant(row)?;
            loaded.was.grants.insert(grant.key.clone());
            loaded.wallet.grants.insert(grant.key.clone(), grant);
        }
    }
    Ok(())
}

fn add_reservations(
    loaded: &mut BTreeMap<WalletKey, LoadedWallet>,
    found: Vec<reservations::Model>,
) -> Result<(), StoreError> {
    for row in found {
        if let Some(loaded) = loaded.get_mut(&WalletKey::from_uuid(row.wallet_key)) {
            let reservation = rows::reservation(row)?;
            loaded.was.reservations.insert(reservation.id.clone());
            loaded.wallet.reservations.insert(reservation.id.clone(), reservation);
        }
    }
    Ok(())
}

/// Adds reservations that may be due. For a wallet that has more than `most`, the last one becomes the horizon.
fn add_due(
    loaded: &mut BTreeMap<WalletKey, LoadedWallet>,
    found: Vec<reservations::Model>,
    most: usize,
) -> Result<(), StoreError> {
    let mut last: BTreeMap<WalletKey, (usize, Horizon)> = BTreeMap::new();
    for row in &found {
        let place = rows::horizon(row)?;
        let (count, last) =
            last.entry(WalletKey::from_uuid(row.wallet_key)).or_insert_with(|| (0, place.clone()));
        *count += 1;
        *last = place.max(last.clone());
    }
    add_reservations(loaded, found)?;
    for (key, (_, last)) in last.into_iter().filter(|(_, (count, _))| *count > most) {
        if let Some(loaded) = loaded.get_mut(&key) {
            loaded.wallet.horizon = Some(last);
        }
    }
    Ok(())
}

/// Returns the next reservations after a place that may be due at `now`, and the place of the last one if there are
/// more than `most`.
pub(super) async fn next_due(
    connection: &impl ConnectionTrait,
    backend: Backend,
    due: load::Due,
    most: usize,
) -> Result<(Vec<Reservation>, Option<Horizon>), StoreError> {
    let found: Vec<reservations::Model> =
        all(connection, load::reservations_due(backend, &[due], most + 1)).await?;
    let places = found.iter().map(rows::horizon).collect::<Result<Vec<_>, _>>()?;
    let last = places.into_iter().max().filter(|_| found.len() > most);
    let found = found.into_iter().map(rows::reservation).collect::<Result<Vec<_>, _>>()?;
    Ok((found, last))
}

fn add_requests(
    loaded: &mut BTreeMap<WalletKey, LoadedWallet>,
    found: Vec<entries::Model>,
) -> Result<(), StoreError> {
    for row in found {
        if let Some(loaded) = loaded.get_mut(&WalletKey::from_uuid(row.wallet_key)) {
            let record = RequestRecord {
                kind: rows::entry_kind(row.kind)?,
                fingerprint: Fingerprint::parse(&row.fingerprint),
                postings: rows::json(&row.postings)?,
            };
            loaded.wallet.requests.insert(rows::id(&row.request_id)?, record);
        }
    }
    Ok(())
}
