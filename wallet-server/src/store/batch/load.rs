//! Reads wallets into memory, with the rows that a batch or a read needs of them.
//!
//! Only the rows that are not in memory are read, in an order in which each step can look into the rows of the steps
//! before: first the profile and the open grants of each wallet, then the reservations that may be due and those that
//! commands name, then earlier requests, then grants that may be closed. The grants of a receipt are found by its
//! reservation, those of a period by the profile, and those of a purchase by a grant that its payment bought.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use wallet_core::decide::PurchaseName;
use wallet_core::grant::{ExternalRef, GrantKey};
use wallet_core::ids::{OriginId, ReservationId};
use wallet_core::posting::Account;
use wallet_core::{TenantId, Timestamp, Wallet, WalletKey};

use crate::store::batch::load_due::load_due;
use crate::store::batch::loaded::StoredRows;
use crate::store::batch::{LoadedWallet, LoadedWallets, ReadPlan, WalletRows};
use crate::store::sql::load;
use crate::store::tables::{decode, entries, grants, reservations, wallet_profiles, wallets};
use crate::store::{Backend, StoreError};

/// Adds to `loaded` the wallets of these rows that are not in it yet, and to each of its wallets the rows that the plan
/// names and that it does not have.
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
        add_reservations(loaded, query_rows(connection, load::reservations_by_id(backend, &named)).await?)?;
    }
    if !plan.requests.is_empty() {
        add_requests(loaded, query_rows(connection, load::requests(backend, &plan.requests)).await?)?;
    }
    for statement in grants_of_read_sets(backend, loaded, plan) {
        add_grants(loaded, query_rows(connection, statement).await?)?;
    }
    let purchases = paid_purchases(loaded, plan);
    if !purchases.is_empty() {
        add_grants(loaded, query_rows(connection, load::grants_by_purchase(backend, &purchases)).await?)?;
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
    let profiles: Vec<wallet_profiles::Model> =
        query_rows(connection, load::profiles(backend, &keys)).await?;
    for profile in profiles {
        let key = WalletKey::from_uuid(profile.wallet_key);
        if let Some(row) = rows.get(&key) {
            loaded.insert(key, Box::new(decoded(key, row, &profile)?));
        }
    }
    if keys.iter().any(|key| !loaded.contains_key(key)) {
        return Err(StoreError::unreadable("a wallet has no profile"));
    }
    add_grants(loaded, query_rows(connection, load::open_grants(backend, &keys)).await?)
}

/// Returns the rows of the table `wallets` with these keys. Wallets that do not exist are missing.
pub(in crate::store) async fn wallet_rows(
    connection: &impl ConnectionTrait,
    backend: Backend,
    keys: &[WalletKey],
) -> Result<WalletRows, StoreError> {
    query_rows(connection, load::wallet_rows(backend, keys)).await.map(by_key)
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
    plan.purchases_by_payment.iter().flat_map(purchases).collect()
}

/// Returns the statements that read grants which may be closed; most batches need none. The profiles and
/// reservations are already loaded.
fn grants_of_read_sets(backend: Backend, loaded: &LoadedWallets, plan: &ReadPlan) -> Vec<Statement> {
    let of_receipts = plan.receipts.iter().flat_map(|(key, id)| {
        let job = loaded.get(key).and_then(|loaded| loaded.wallet.reservations.get(id));
        let accounts = job.into_iter().flat_map(|job| &job.allocations).map(|line| &line.account);
        accounts.filter_map(|account| match account {
            Account::Grant(grant) => Some((*key, grant.clone())),
            Account::Debt => None,
        })
    });
    let by_origin: Vec<(WalletKey, GrantKey)> = plan.grants.iter().cloned().chain(of_receipts).collect();
    let present_period = |key: &WalletKey| {
        let subscription = loaded.get(key)?.wallet.profile.subscription.as_deref()?;
        Some((*key, subscription.period_start().as_micros()))
    };
    let named_by = |(key, reference): &(WalletKey, OriginId)| {
        let key = *key;
        let named = loaded.get(&key).map(|loaded| loaded.wallet.profile.periods_named_by(reference));
        named.into_iter().flatten().map(move |period| (key, period.start))
    };
    let named = plan.periods_by_payment.iter().flat_map(named_by);
    // Two sales may have a period with the same start.
    let paid_periods: BTreeSet<(WalletKey, Timestamp)> =
        plan.paid_periods.iter().copied().chain(named).collect();
    let paid_periods: Vec<_> = paid_periods.into_iter().collect();
    let periods: Vec<(WalletKey, i64)> = plan.present_periods.iter().filter_map(present_period).collect();
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

/// Decodes a wallet from its own rows. It has no other rows yet.
fn decoded(
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

pub(super) fn add_reservations(
    loaded: &mut LoadedWallets,
    found: Vec<reservations::Model>,
) -> Result<(), StoreError> {
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

fn add_requests(loaded: &mut LoadedWallets, found: Vec<entries::Model>) -> Result<(), StoreError> {
    for row in found {
        if let Some(loaded) = loaded.get_mut(&WalletKey::from_uuid(row.wallet_key)) {
            let (request, record) = entries::request(&row)?;
            loaded.wallet.requests.insert(request, record);
        }
    }
    Ok(())
}

/// Returns those of the wallets that are not frozen and whose own rows can be decoded. Reads no other rows.
pub(in crate::store) async fn usable(
    connection: &impl ConnectionTrait,
    backend: Backend,
    keys: &[WalletKey],
) -> Result<BTreeSet<WalletKey>, StoreError> {
    let rows = by_key(readable(connection, load::wallet_rows(backend, keys)).await?);
    let profiles: Vec<wallet_profiles::Model> = readable(connection, load::profiles(backend, keys)).await?;
    let usable = profiles.iter().filter_map(|profile| {
        let key = WalletKey::from_uuid(profile.wallet_key);
        let loaded = decoded(key, rows.get(&key)?, profile).ok()?;
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

pub(super) async fn query_rows<T: FromQueryResult>(
    connection: &impl ConnectionTrait,
    statement: Statement,
) -> Result<Vec<T>, StoreError> {
    let rows = connection.query_all_raw(statement).await?;
    rows.iter().map(|row| T::from_query_result(row, "").map_err(StoreError::from)).collect()
}
