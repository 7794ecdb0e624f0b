//! A wallet in memory, and the rows of it that the database has.

use std::collections::BTreeSet;

use wallet_core::grant::GrantKey;
use wallet_core::ids::{ReservationId, UnitId};
use wallet_core::{Finished, TenantId, Wallet, WalletId, WalletKey};

/// A wallet in memory, and which of its rows were in the database when it was read.
#[derive(Debug)]
pub(crate) struct LoadedWallet {
    pub(crate) tenant: TenantId,
    pub(crate) wallet: Wallet,
    pub(crate) stored: StoredRows,
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
        Self { tenant, wallet: Wallet::blank(key, id), stored: StoredRows::default() }
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

    /// Returns whether the database had the wallet.
    pub(crate) const fn is_stored(&self) -> bool {
        self.loaded.stored.version > 0
    }
}
