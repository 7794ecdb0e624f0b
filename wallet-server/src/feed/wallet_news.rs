//! Notifies the watchers of this server that a wallet has changed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wallet_core::{TenantId, WalletId, WalletKey};

use super::News;
use super::places::{AllStreamPlaces, StreamPlace, StreamPlaces};
use crate::causes::Chain;
use crate::store::{Store, StoreError};

/// The most wallets whose versions are read by one query.
const GROUP: usize = 256;
/// The most watchers of one wallet, so that one customer cannot take the places of all callers.
const WATCHERS: usize = 256;

/// Looks at the versions of all watched wallets together, while there are any. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct WalletNews {
    watched: Arc<Mutex<BTreeMap<WalletKey, watch::Sender<i64>>>>,
    places: StreamPlaces,
    /// Cancelled when the server stops.
    stopping: CancellationToken,
}

/// The news of one wallet.
#[derive(Debug)]
pub(crate) struct WalletListener {
    version: watch::Receiver<i64>,
    _place: StreamPlace,
    stopping: CancellationToken,
}

impl WalletNews {
    /// Returns news that [`Self::publish`] publishes, for at most `watchers` watchers of one tenant.
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
                tracing::warn!(error = %Chain(&error), "cannot look for news of wallets; it will be tried again");
            }
        }
    }

    /// Listens to the news of a tenant's wallet. Returns the limit that is reached if there is no place for
    /// it.
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
    pub(crate) async fn after(&mut self, version: i64, longest: Duration) -> News {
        tokio::select! {
            () = self.stopping.cancelled() => News::Stopping,
            waited = tokio::time::timeout(longest, self.version.wait_for(|known| *known > version)) => match waited {
                Ok(Ok(_)) => News::New,
                Ok(Err(_)) => News::Stopping,
                Err(_) => News::Quiet,
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

    fn listen(news: &WalletNews, wallet: &str) -> Result<WalletListener, usize> {
        news.listen(TenantId::DEFAULT, &wallet.parse().unwrap())
    }

    #[tokio::test]
    async fn a_listener_waits_for_its_wallet_for_the_time_or_for_the_end() {
        let news = WalletNews::new(999, AllStreamPlaces::new(999));
        let mut listener = listen(&news, "ann").unwrap();
        let (soon, longest) = (Duration::from_millis(1), Duration::from_secs(60));
        assert_eq!(listener.after(0, soon).await, News::Quiet);
        let _other = listen(&news, "bob").unwrap();
        news.watched()[&key("bob")].send_replace(9);
        assert_eq!(listener.after(0, soon).await, News::Quiet, "another wallet");
        news.watched()[&key("ann")].send_replace(3);
        assert_eq!(listener.after(2, longest).await, News::New);
        assert_eq!(listener.after(3, soon).await, News::Quiet, "the version is known");
        news.stopping.cancel();
        assert_eq!(listener.after(3, longest).await, News::Stopping);
    }

    #[tokio::test]
    async fn a_wallet_has_a_bounded_number_of_watchers_and_none_is_kept_after_them() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite://{}/wallet.db", folder.path().display())).await.unwrap();
        store.migrate().await.unwrap();
        let news = WalletNews::new(999, AllStreamPlaces::new(999));
        let all: Vec<_> = (0..WATCHERS).map(|_| listen(&news, "ann").unwrap()).collect();
        assert!(listen(&news, "ann").is_err());
        assert!(listen(&news, "bob").is_ok(), "another wallet has places of its own");
        news.look(&store).await.unwrap();
        assert_eq!(news.watched().len(), 1);
        let few = WalletNews::new(1, AllStreamPlaces::new(999));
        let _only = listen(&few, "ann").unwrap();
        assert!(matches!(listen(&few, "bob"), Err(1)), "the tenant has no more places");
        drop(all);
        assert!(listen(&news, "ann").is_ok());
        news.look(&store).await.unwrap();
        assert!(news.watched().is_empty());
    }
}
