//! Wallets in memory, each with a record of which of its rows the database has: the others are inserted when they are
//! written.

use std::collections::{BTreeMap, BTreeSet};

use wallet_core::change_set::ChangeSet;
use wallet_core::grant::GrantKey;
use wallet_core::ids::ReservationId;
use wallet_core::reservation::Reservation;
use wallet_core::{TenantId, Timestamp, Wallet, WalletId, WalletKey};

use crate::store::tables::wallets;

/// The own rows of wallets, those of the table `wallets`, by their keys.
pub(crate) type WalletRows = BTreeMap<WalletKey, wallets::Model>;

/// The wallets of a batch or a read. They are boxed, because maps and caches move their values.
pub(crate) type LoadedWallets = BTreeMap<WalletKey, Box<LoadedWallet>>;

/// A wallet in memory, and which of its rows the database has.
#[derive(Debug)]
pub(crate) struct LoadedWallet {
    pub(crate) tenant: TenantId,
    pub(crate) wallet: Wallet,
    pub(crate) stored: StoredRows,
    /// All open reservations with an earlier `sweep_at` are in memory.
    pub(crate) complete_before: Timestamp,
}

/// The rows of a wallet that the database has; only rows in memory are listed.
#[derive(Debug, Default)]
pub(crate) struct StoredRows {
    /// 0 if the wallet did not exist.
    pub(crate) version: i64,
    pub(crate) grants: BTreeSet<GrantKey>,
    pub(crate) reservations: BTreeSet<ReservationId>,
    /// The `sweep_at` of the open reservations, as stored in `holds`.
    pub(crate) holds: BTreeMap<ReservationId, Timestamp>,
}

impl LoadedWallet {
    /// Returns a wallet that is not in the database yet.
    pub(crate) fn missing(tenant: TenantId, key: WalletKey, id: WalletId) -> Self {
        Self {
            tenant,
            wallet: Wallet::blank(key, id),
            stored: StoredRows::default(),
            complete_before: Timestamp::NEVER,
        }
    }

    /// Records that the changes of a batch are committed: its rows are stored now.
    pub(crate) fn commit(&mut self, changes: &ChangeSet) {
        self.stored.version = self.wallet.version;
        self.stored.grants.extend(changes.grants.iter().cloned());
        self.stored.reservations.extend(changes.reservations.iter().cloned());
        for id in &changes.reservations {
            match self.wallet.reservations.get(id).filter(|job| job.state.is_open()) {
                Some(job) => self.stored.holds.insert(id.clone(), job.sweep_at),
                None => self.stored.holds.remove(id),
            };
        }
    }

    /// Returns the number of rows in memory.
    pub(crate) fn rows(&self) -> usize {
        1 + self.wallet.grants.len() + self.wallet.reservations.len()
    }

    /// Drops the rows that most commands do not read: closed grants, reservations that have ended, requests, and all
    /// open reservations but the `most` that may be due first.
    pub(crate) fn drop_closed_rows(&mut self, most: usize) {
        let Self { wallet, stored, complete_before, .. } = self;
        wallet.requests.clear();
        wallet.grants.retain(|key, grant| {
            let is_kept = grant.is_open();
            if !is_kept {
                stored.grants.remove(key);
            }
            is_kept
        });
        retain(wallet, stored, |job| job.state.is_open());
        if wallet.reservations.len() > most {
            let mut times: Vec<Timestamp> = wallet.reservations.values().map(|job| job.sweep_at).collect();
            let first_dropped = *times.select_nth_unstable(most).1;
            *complete_before = first_dropped.min(*complete_before);
            retain(wallet, stored, |job| job.sweep_at < first_dropped);
        }
    }
}

/// Drops the reservations that are not to be kept.
fn retain(wallet: &mut Wallet, stored: &mut StoredRows, is_kept: impl Fn(&Reservation) -> bool) {
    wallet.reservations.retain(|id, job| {
        let is_kept = is_kept(job);
        if !is_kept {
            stored.reservations.remove(id);
            stored.holds.remove(id);
        }
        is_kept
    });
}
