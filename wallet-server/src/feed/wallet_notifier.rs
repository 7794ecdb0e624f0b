//! Notifies the watchers of this server that a wallet has changed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wallet_core::{TenantId, WalletId, WalletKey};

use super::Wakeup;
use super::places::{AllStreamPlaces, StreamPlace, StreamPlaces};
use crate::causes::Chain;
use crate::store::{Store, StoreError};

/// The most wallets whose versions are read by one query.
const GROUP: usize = 256;
/// The most watchers of one wallet, so that one customer cannot take the places of all callers.
const WATCHERS: usize = 256;

/// Looks at the versions of all watched wallets together, while there are any. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct WalletNotifier {
    watched: Arc<Mutex<BTreeMap<WalletKey, watch::Sender<i64>>>>,
    places: StreamPlaces,
    /// Cancelled when the server stops.
    stopping: CancellationToken,
}

/// Wakes one watcher of a wallet.
#[derive(Debug)]
pub(crate) struct WalletListener {
    version: watch::Receiver<i64>,
    _place: StreamPlace,
    stopping: CancellationToken,
}

impl WalletNotifier {
    /// Returns a notifier for at most `watchers` watchers of one tenant. [`Self::publish`] wakes them.
    pub(crate) fn new(watchers: usize, all: AllStreamPlaces) -> Self {
        let places = StreamPlaces::new(watchers, all);
        Self { watched: Arc::default(), places, stopping: CancellationToken::new() }
    }

    /// Looks at the versions every `period` until `shutdown` is cancelled, which ends all listeners.
    pub(crate) async fn publish(self, store: Store, period: Duration, shutdown: CancellationToken) {
        let _stopping = self.stopping.clone().drop_guard();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(period) => {}
            }
            if let Err(error) = self.look(&store).await {
                tracing::warn!(error = %Chain(&error), "cannot read the versions of watched wallets; it will be tried again");
            }
        }
    }

    /// Returns a listener to a tenant's wallet, or the limit that leaves no place for it.
    pub(crate) fn listen(&self, tenant: TenantId, wallet: &WalletId) -> Result<WalletListener, usize> {
        let place = self.places.take(tenant)?;
        let mut watched = self.watched();
        let sender = watched.entry(WalletKey::new(tenant, wallet)).or_default();
        if sender.receiver_count() >= WATCHERS {
            return Err(WATCHERS);
        }
        let (version, stopping) = (sender.subscribe(), self.stopping.clone());
        Ok(WalletListener { version, _place: place, stopping })
    }

    async fn look(&self, store: &Store) -> Result<(), StoreError> {
        let keys: Vec<WalletKey> = {
            let mut watched = self.watched();
            watched.retain(|_, sender| sender.receiver_count() > 0);
            watched.keys().copied().collect()
        };
        for keys in keys.chunks(GROUP) {
            let rows = store.wallet_rows(keys).await?;
            let watched = self.watched();
            for (key, row) in rows {
                if let Some(sender) = watched.get(&key) {
                    sender.send_if_modified(|known| std::mem::replace(known, row.version) != row.version);
                }
            }
        }
        Ok(())
    }

    fn watched(&self) -> MutexGuard<'_, BTreeMap<WalletKey, watch::Sender<i64>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WalletListener {
    /// Waits until the wallet has a later version, for at most `longest`.
    pub(crate) async fn after(&mut self, version: i64, longest: Duration) -> Wakeup {
        tokio::select! {
            () = self.stopping.cancelled() => Wakeup::Stopping,
            waited = tokio::time::timeout(longest, self.version.wait_for(|known| *known > version)) => match waited {
                Ok(Ok(_)) => Wakeup::Changed,
                Ok(Err(_)) => Wakeup::Stopping,
                Err(_) => Wakeup::TimedOut,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str) -> WalletKey {
        WalletKey::new(TenantId::DEFAULT, &id.parse().unwrap())
    }

    fn listen(notifier: &WalletNotifier, wallet: &str) -> Result<WalletListener, usize> {
        notifier.listen(TenantId::DEFAULT, &wallet.parse().unwrap())
    }

    #[tokio::test]
    async fn a_listener_waits_for_its_wallet_for_the_time_or_for_the_end() {
        let notifier = WalletNotifier::new(999, AllStreamPlaces::new(999));
        let mut listener = listen(&notifier, "ann").unwrap();
        let (soon, longest) = (Duration::from_millis(1), Duration::from_secs(60));
        assert_eq!(listener.after(0, soon).await, Wakeup::TimedOut);
        let _other = listen(&notifier, "bob").unwrap();
        notifier.watched()[&key("bob")].send_replace(9);
        assert_eq!(listener.after(0, soon).await, Wakeup::TimedOut, "another wallet");
        notifier.watched()[&key("ann")].send_replace(3);
        assert_eq!(listener.after(2, longest).await, Wakeup::Changed);
        assert_eq!(listener.after(3, soon).await, Wakeup::TimedOut, "the version is known");
        notifier.stopping.cancel();
        assert_eq!(listener.after(3, longest).await, Wakeup::Stopping);
    }

    #[tokio::test]
    async fn a_wallet_has_a_bounded_number_of_watchers_and_none_is_kept_after_them() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite://{}/wallet.db", folder.path().display())).await.unwrap();
        store.migrate().await.unwrap();
        let notifier = WalletNotifier::new(999, AllStreamPlaces::new(999));
        let all: Vec<_> = (0..WATCHERS).map(|_| listen(&notifier, "ann").unwrap()).collect();
        assert!(listen(&notifier, "ann").is_err());
        assert!(listen(&notifier, "bob").is_ok(), "another wallet has places of its own");
        notifier.look(&store).await.unwrap();
        assert_eq!(notifier.watched().len(), 1);
        let few = WalletNotifier::new(1, AllStreamPlaces::new(999));
        let _only = listen(&few, "ann").unwrap();
        assert!(matches!(listen(&few, "bob"), Err(1)), "the tenant has no more places");
        drop(all);
        assert!(listen(&notifier, "ann").is_ok());
        notifier.look(&store).await.unwrap();
        assert!(notifier.watched().is_empty());
    }
}
