//! The wallets that a lane, or the reads of single wallets, keep in memory.
//!
//! A wallet is kept as a commit has left it, with the version of that commit. It is used again only if its row has the
//! same version. Every write raises the version, whichever server makes it, so the cache saves reads and never decides
//! what is true. A batch takes its wallets out and puts them back after its commit: after a failure, or a commit without
//! a known outcome, nothing of it is left.

use lru::LruCache;
use wallet_core::WalletKey;

use crate::store::LoadedWallet;

/// The most open reservations that are kept of a wallet. The others are read when a command names them.
const RESERVATIONS_PER_WALLET: usize = 256;

/// The wallets that were used last.
#[derive(Debug)]
pub(crate) struct WalletCache {
    wallets: LruCache<WalletKey, LoadedWallet>,
    /// The number of rows of all wallets.
    rows: usize,
    /// The most rows; without any, nothing is kept.
    most_rows: usize,
}

impl WalletCache {
    pub(crate) fn new(most_rows: usize) -> Self {
        Self { wallets: LruCache::unbounded(), rows: 0, most_rows }
    }

    /// Removes a wallet, and returns it if its version is the given one, which the database has.
    pub(crate) fn take(&mut self, key: WalletKey, version: i64) -> Option<LoadedWallet> {
        let wallet = self.wallets.pop(&key)?;
        self.rows -= wallet.rows();
        (wallet.stored.version == version).then_some(wallet)
    }

    /// Keeps a wallet as it was committed. Wallets that were not used for the longest time make room for it.
    pub(crate) fn put(&mut self, mut wallet: LoadedWallet) {
        wallet.drop_closed_rows(RESERVATIONS_PER_WALLET);
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
