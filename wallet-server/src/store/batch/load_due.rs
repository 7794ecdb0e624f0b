//! Reads the open reservations of wallets that may be due, the first ones first.
//!
//! A wallet with more of them than a batch or a read should carry gets the first ones and a horizon, the place of the
//! last: it is processed up to there, and then the next ones are read.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;
use wallet_core::reservation::Reservation;
use wallet_core::wallet::Horizon;
use wallet_core::{Timestamp, WalletKey};

use crate::store::batch::load::{add_reservations, query_rows};
use crate::store::batch::{LoadedWallets, ReadPlan};
use crate::store::sql::load;
use crate::store::tables::reservations;
use crate::store::{Backend, StoreError};

/// Reads the reservations that may be due, of wallets that do not have them in memory.
pub(super) async fn load_due(
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
    let due: Vec<load::DueLookup> = due.map(|(key, now)| (*key, *now, None)).collect();
    if due.is_empty() {
        return Ok(());
    }
    // One more than the limit shows whether there are more.
    let found = query_rows(connection, load::reservations_due(backend, &due, plan.most_due + 1)).await?;
    add_due(loaded, found, plan.most_due)?;
    if plan.keeps_wallets {
        for row in query_rows::<NextSweep>(connection, load::next_sweeps(backend, &due)).await? {
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
    due: load::DueLookup,
    most: usize,
) -> Result<(Vec<Reservation>, Option<Horizon>), StoreError> {
    let found: Vec<reservations::Model> =
        query_rows(connection, load::reservations_due(backend, &[due], most + 1)).await?;
    let places = found.iter().map(reservations::horizon).collect::<Result<Vec<_>, _>>()?;
    let last = places.into_iter().max().filter(|_| found.len() > most);
    let found = found.into_iter().map(reservations::read).collect::<Result<Vec<_>, _>>()?;
    Ok((found, last))
}
