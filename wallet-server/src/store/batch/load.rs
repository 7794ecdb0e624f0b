//! Reads wallets and the rows that a plan names.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use uuid::Uuid;
use wallet_core::decide::PurchaseName;
use wallet_core::grant::{ExternalRef, GrantKey};
use wallet_core::ids::{OriginId, ReservationId};
use wallet_core::posting::Account;
use wallet_core::reservation::Reservation;
use wallet_core::wallet::Horizon;
use wallet_core::{TenantId, Timestamp, Wallet, WalletKey};

use crate::store::batch::loaded::StoredRows;
use crate::store::batch::{LoadedWallet, LoadedWallets, ReadPlan, WalletRows};
use crate::store::sql::load;
use crate::store::tables::{decode, entries, grants, reservations, wallet_profiles, wallets};
use crate::store::{Backend, StoreError};

/// Reads the wallets of these rows that are not in `loaded` yet, with their profiles and open grants. Of all wallets,
/// reads the due reservations and the rows that the plan names, unless they are in memory.
pub(in crate::store) async fn load_wallets(
    connection: &impl ConnectionTrait,
    backend: Backend,
    rows: &WalletRows,
    plan: &ReadPlan,
    loaded: &mut LoadedWallets,
) -> Result<(), StoreError> {
    load_new(connection, backend, rows, loaded).await?;
    load_due(connection, backend, plan, loaded).await?;
    let is_unknown = |(key, id): &&(WalletKey, ReservationId)| {
        loaded.get(key).is_some_and(|loaded| !loaded.wallet.reservations.contains_key(id))
    };
    let named: Vec<_> = plan.reservations.iter().filter(is_unknown).cloned().collect();
    if !named.is_empty() {
        add_reservations(loaded, all(connection, load::reservations_by_id(backend, &named)).await?)?;
    }
    if !plan.requests.is_empty() {
        add_requests(loaded, all(connection, load::requests(backend, &plan.requests)).await?)?;
    }
    for statement in addressed_grants(backend, loaded, plan) {
        add_grants(loaded, all(connection, statement).await?)?;
    }
    let purchases = paid_purchases(loaded, plan);
    if !purchases.is_empty() {
        add_grants(loaded, all(connection, load::grants_by_purchase(backend, &purchases)).await?)?;
    }
    Ok(())
}

/// Reads the wallets that are not in memory: profiles and open grants.
async fn load_new(
    connection: &impl ConnectionTrait,
    backend: Backend,
    rows: &WalletRows,
    loaded: &mut LoadedWallets,
) -> Result<(), StoreError> {
    let keys: Vec<WalletKey> = rows.keys().filter(|key| !loaded.contains_key(key)).copied().collect();
    if keys.is_empty() {
        return Ok(());
    }
    let profiles: Vec<wallet_profiles::Model> = all(connection, load::profiles(backend, &keys)).await?;
    for profile in profiles {
        let key = WalletKey::from_uuid(profile.wallet_key);
        if let Some(row) = rows.get(&key) {
            loaded.insert(key, Box::new(own_rows(key, row, &profile)?));
        }
    }
    if keys.iter().any(|key| !loaded.contains_key(key)) {
        return Err(StoreError::unreadable("a wallet has no profile"));
    }
    add_grants(loaded, all(connection, load::open_grants(backend, &keys)).await?)
}

/// Reads the reservations that may be due, of wallets that do not have them in memory.
async fn load_due(
    connection: &impl ConnectionTrait,
    backend: Backend,
    plan: &ReadPlan,
    loaded: &mut LoadedWallets,
) -> Result<(), StoreError> {
    // Nothing falls due in a frozen wallet.
    let is_incomplete = |key: &WalletKey, now: Timestamp| {
        loaded.get(key).is_some_and(|loaded| !loaded.wallet.frozen && loaded.complete_before <= now)
    };
    let due = plan.wallets.iter().filter(|(key, now)| is_incomplete(key, *now));
    let due: Vec<load::Due> = due.map(|(key, now)| (*key, *now, None)).collect();
    if due.is_empty() {
        return Ok(());
    }
    // One more than the limit shows whether there are more.
    let found = all(connection, load::reservations_due(backend, &due, plan.due + 1)).await?;
    add_due(loaded, found, plan.due)?;
    if plan.keeps_wallets {
        for row in all::<NextSweep>(connection, load::next_sweeps(backend, &due)).await? {
            if let Some(loaded) = loaded.get_mut(&WalletKey::from_uuid(row.wallet_key)) {
                loaded.complete_before = Timestamp::from_micros(row.sweep_at);
            }
        }
    }
    Ok(())
}

/// The first reservation of a wallet that is not due yet.
#[derive(Debug, FromQueryResult)]
struct NextSweep {
    wallet_key: Uuid,
    sweep_at: i64,
}

/// Returns the own rows of the wallets with these keys that exist.
pub(in crate::store) async fn existing(
    connection: &impl ConnectionTrait,
    backend: Backend,
    keys: &[WalletKey],
) -> Result<WalletRows, StoreError> {
    all(connection, load::existing(backend, keys)).await.map(by_key)
}

/// Returns the rows by their keys.
pub(super) fn by_key(rows: Vec<wallets::Model>) -> WalletRows {
    rows.into_iter().map(|row| (WalletKey::from_uuid(row.wallet_key), row)).collect()
}

/// Returns the purchases of the plan's payments. The grants that those payments bought are already loaded.
fn paid_purchases(loaded: &LoadedWallets, plan: &ReadPlan) -> Vec<(WalletKey, OriginId)> {
    let purchases = |(key, payment): &(WalletKey, ExternalRef)| {
        let name = PurchaseName::Payment(payment.clone());
        let grants = loaded.get(key).into_iter().flat_map(|loaded| loaded.wallet.grants.values());
        name.top_ups(grants).into_iter().map(|id| (*key, id.clone())).collect::<Vec<_>>()
    };
    plan.paid.iter().flat_map(purchases).collect()
}

/// Returns the statements that read grants which may be closed; most batches need none. The profiles and
/// reservations are already loaded.
fn addressed_grants(backend: Backend, loaded: &LoadedWallets, plan: &ReadPlan) -> Vec<Statement> {
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
    let paid = |(key, reference): &(WalletKey, OriginId)| {
        Some((*key, loaded.get(key)?.wallet.profile.period_paid_with(reference)?))
    };
    let paid_periods: Vec<(WalletKey, Timestamp)> =
        plan.paid_periods.iter().copied().chain(plan.period_payments.iter().filter_map(paid)).collect();
    let periods: Vec<(WalletKey, i64)> = plan.periods.iter().filter_map(present).collect();
    [
        (!by_origin.is_empty()).then(|| load::grants_by_origin(backend, &by_origin)),
        (!plan.payments.is_empty()).then(|| load::grants_by_payment(backend, &plan.payments)),
        (!plan.purchases.is_empty()).then(|| load::grants_by_purchase(backend, &plan.purchases)),
        (!paid_periods.is_empty()).then(|| load::grants_by_paid_period(backend, &paid_periods)),
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
        status: wallets::status(row)?,
        frozen: row.frozen,
        version: row.version,
        revision: row.revision,
        head: decode::hash(&row.head)?,
        last_time: Timestamp::from_micros(row.last_time),
        create_time: Timestamp::from_micros(profile.create_time),
        open_reservations: row.open_reservations,
        balances: wallets::balances(row).map_err(StoreError::unreadable)?,
        profile: decode::json(&profile.profile)?,
        ..Wallet::blank(key, decode::id(&profile.wallet_id)?)
    };
    let stored = StoredRows { version: row.version, ..StoredRows::default() };
    let (tenant, complete_before) = (TenantId(profile.tenant), Timestamp::EPOCH);
    Ok(LoadedWallet { tenant, wallet, stored, complete_before })
}

fn add_grants(loaded: &mut LoadedWallets, found: Vec<grants::Model>) -> Result<(), StoreError> {
    for row in found {
        if let Some(loaded) = loaded.get_mut(&WalletKey::from_uuid(row.wallet_key)) {
            let grant = grants::read(row)?;
            loaded.stored.grants.insert(grant.key.clone());
            loaded.wallet.grants.insert(grant.key.clone(), grant);
        }
    }
    Ok(())
}

fn add_reservations(loaded: &mut LoadedWallets, found: Vec<reservations::Model>) -> Result<(), StoreError> {
    for row in found {
        if let Some(loaded) = loaded.get_mut(&WalletKey::from_uuid(row.wallet_key)) {
            let reservation = reservations::read(row)?;
            loaded.stored.reservations.insert(reservation.id.clone());
            if reservation.state.is_open() {
                loaded.stored.holds.insert(reservation.id.clone(), reservation.sweep_at);
            }
            loaded.wallet.reservations.insert(reservation.id.clone(), reservation);
        }
    }
    Ok(())
}

/// Adds reservations that may be due. For a wallet that has more than `most`, the last one becomes the horizon.
fn add_due(
    loaded: &mut LoadedWallets,
    found: Vec<reservations::Model>,
    most: usize,
) -> Result<(), StoreError> {
    let mut last: BTreeMap<WalletKey, (usize, Horizon)> = BTreeMap::new();
    for row in &found {
        let place = reservations::horizon(row)?;
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
pub(in crate::store) async fn next_due(
    connection: &impl ConnectionTrait,
    backend: Backend,
    due: load::Due,
    most: usize,
) -> Result<(Vec<Reservation>, Option<Horizon>), StoreError> {
    let found: Vec<reservations::Model> =
        all(connection, load::reservations_due(backend, &[due], most + 1)).await?;
    let places = found.iter().map(reservations::horizon).collect::<Result<Vec<_>, _>>()?;
    let last = places.into_iter().max().filter(|_| found.len() > most);
    let found = found.into_iter().map(reservations::read).collect::<Result<Vec<_>, _>>()?;
    Ok((found, last))
}

fn add_requests(loaded: &mut LoadedWallets, found: Vec<entries::Model>) -> Result<(), StoreError> {
    for row in found {
        if let Some(loaded) = loaded.get_mut(&WalletKey::from_uuid(row.wallet_key)) {
            let (request, record) = entries::request(&row)?;
            loaded.wallet.requests.insert(request, record);
        }
    }
    Ok(())
}

/// Returns those of the wallets that are not frozen and whose row and profile can be decoded. Reads no other rows.
pub(in crate::store) async fn usable(
    connection: &impl ConnectionTrait,
    backend: Backend,
    keys: &[WalletKey],
) -> Result<BTreeSet<WalletKey>, StoreError> {
    let rows = by_key(readable(connection, load::existing(backend, keys)).await?);
    let profiles: Vec<wallet_profiles::Model> = readable(connection, load::profiles(backend, keys)).await?;
    let usable = profiles.iter().filter_map(|profile| {
        let key = WalletKey::from_uuid(profile.wallet_key);
        let loaded = own_rows(key, rows.get(&key)?, profile).ok()?;
        (!loaded.wallet.frozen).then_some(key)
    });
    Ok(usable.collect())
}

/// Returns the rows that can be decoded.
async fn readable<T: FromQueryResult>(
    connection: &impl ConnectionTrait,
    statement: Statement,
) -> Result<Vec<T>, StoreError> {
    let rows = connection.query_all_raw(statement).await?;
    Ok(rows.iter().filter_map(|row| T::from_query_result(row, "").ok()).collect())
}

pub(super) async fn all<T: FromQueryResult>(
    connection: &impl ConnectionTrait,
    statement: Statement,
) -> Result<Vec<T>, StoreError> {
    let rows = connection.query_all_raw(statement).await?;
    rows.iter().map(|row| T::from_query_result(row, "").map_err(StoreError::from)).collect()
}
