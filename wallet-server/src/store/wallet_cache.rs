//! The wallets that a lane, or the reads of single wallets, keep in memory.
//!
//! A wallet is kept as a commit has left it, with the version of that commit. A decision on it counts only if its row
//! still has this version, which is compared before the decision or by the statement that writes it. Every write raises
//! the version, whichever server makes it, so the cache saves reads and never decides what is true. A batch takes its
//! wallets out and puts them back after its commit: after a failure, or a commit without a known outcome, nothing of it
//! is left.

use lru::LruCache;
use wallet_core::WalletKey;

use crate::store::LoadedWallet;

/// The most open reservations that are kept of a wallet. The others are read when a command names them.
const RESERVATIONS_PER_WALLET: usize = 256;

/// The least recently used wallets make room for others.
#[derive(Debug)]
pub(crate) struct WalletCache {
    wallets: LruCache<WalletKey, Box<LoadedWallet>>,
    /// The number of rows of all wallets.
    rows: usize,
    /// The most rows; without any, nothing is kept.
    most_rows: usize,
    /// The most open reservations of a wallet.
    most_reservations: usize,
}

impl WalletCache {
    pub(crate) fn new(most_rows: usize) -> Self {
        Self {
            wallets: LruCache::unbounded(),
            rows: 0,
            most_rows,
            most_reservations: RESERVATIONS_PER_WALLET,
        }
    }

    /// Keeps fewer open reservations of a wallet, so that short histories have more.
    #[cfg(test)]
    pub(crate) fn with_most_reservations(self, most_reservations: usize) -> Self {
        Self { most_reservations, ..self }
    }

    /// Removes a wallet, and returns it if its version is the given one, which the database has.
    pub(crate) fn take(&mut self, key: WalletKey, version: i64) -> Option<Box<LoadedWallet>> {
        self.take_unchecked(key).filter(|wallet| wallet.stored.version == version)
    }

    /// Removes a wallet and returns it. Its version must be compared with the database before a decision on it counts.
    pub(crate) fn take_unchecked(&mut self, key: WalletKey) -> Option<Box<LoadedWallet>> {
        let wallet = self.wallets.pop(&key)?;
        self.rows -= wallet.rows();
        Some(wallet)
    }

    /// Keeps a wallet as it was committed. Evicts the least recently used ones if there are too many rows.
    pub(crate) fn put(&mut self, mut wallet: Box<LoadedWallet>) {
        wallet.drop_closed_rows(self.most_reservations);
        self.rows += wallet.rows();
        if let Some(replaced) = self.wallets.put(wallet.wallet.key, wallet) {
            self.rows -= replaced.rows();
        }
        while self.rows > self.most_rows
            && let Some((_, oldest)) = self.wallets.pop_lru()
        {
            self.rows -= oldest.rows();
        }
    }
}

#[cfg(test)]
mod tests {
    use wallet_core::{TenantId, WalletId};

    use super::*;

    fn wallet(id: &str, version: i64) -> Box<LoadedWallet> {
        let id: WalletId = id.parse().unwrap();
        let key = WalletKey::new(TenantId::DEFAULT, &id);
        let mut loaded = LoadedWallet::missing(TenantId::DEFAULT, key, id);
        (loaded.wallet.version, loaded.stored.version) = (version, version);
        Box::new(loaded)
    }

    fn is_kept(cache: &mut WalletCache, id: &str, version: i64) -> bool {
        cache.take(wallet(id, version).wallet.key, version).is_some()
    }

    #[test]
    fn a_wallet_is_returned_once_and_only_at_its_version() {
        let mut cache = WalletCache::new(10);
        cache.put(wallet("ann", 7));
        assert!(is_kept(&mut cache, "ann", 7));
        assert!(!is_kept(&mut cache, "ann", 7), "its batch has it");
        cache.put(wallet("ann", 7));
        assert!(!is_kept(&mut cache, "ann", 8), "another server has written it");
        assert!(!is_kept(&mut cache, "ann", 7), "an outdated wallet is dropped");
    }

    #[test]
    fn the_wallets_that_were_used_last_stay() {
        let mut cache = WalletCache::new(2);
        cache.put(wallet("ann", 1));
        cache.put(wallet("ben", 1));
        cache.put(wallet("ann", 2));
        cache.put(wallet("eve", 1));
        assert_eq!(cache.rows, 2);
        assert!(!is_kept(&mut cache, "ben", 1));
        assert!(is_kept(&mut cache, "ann", 2) && is_kept(&mut cache, "eve", 1));
        assert_eq!(cache.rows, 0);
        let mut none = WalletCache::new(0);
        none.put(wallet("ann", 1));
        assert!(!is_kept(&mut none, "ann", 1));
    }
}
