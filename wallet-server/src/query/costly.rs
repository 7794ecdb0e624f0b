//! Reads that examine many rows for few results: searches and summaries. They have connections of their own, a
//! limited number of places, and a budget, so that they take nothing from reads of one wallet or from the sweeper.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use wallet_core::WalletKey;

use crate::query::ReadError;

/// The place of a costly read, held until all its tasks have ended; `None` if the read is not costly.
pub(super) type CostlyPlace = Option<Arc<TakenPlace>>;

/// The most costly reads that run or wait for a connection.
const PLACES: usize = 16;
/// The most of them about one wallet, so that a customer with a wallet token cannot take all places.
const PLACES_PER_WALLET: usize = 4;
/// The longest wait for a place.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// The most rows that one search reads. Its page ends there, and its token continues from there.
const SEARCHED: u64 = 5_000;
/// The most jobs that one summary adds up.
const SUMMARIZED: u64 = 200_000;

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub(super) struct TakenPlace {
    _of_all: OwnedSemaphorePermit,
    _of_wallet: Option<OwnedSemaphorePermit>,
}

/// The bounds of costly reads. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Costly {
    places: Arc<Semaphore>,
    /// The places of each wallet that has a costly read.
    by_wallet: Arc<Mutex<HashMap<WalletKey, Arc<Semaphore>>>>,
    pub(super) searched: u64,
    pub(super) summarized: u64,
}

impl Default for Costly {
    fn default() -> Self {
        let (places, by_wallet) = (Arc::new(Semaphore::new(PLACES)), Arc::default());
        Self { places, by_wallet, searched: SEARCHED, summarized: SUMMARIZED }
    }
}

impl Costly {
    /// Takes a place, until it is dropped, if the read is costly. Waits for one at most [`LONGEST_WAIT`].
    pub(super) async fn take_place(
        &self,
        is_costly: bool,
        wallet: Option<WalletKey>,
    ) -> Result<CostlyPlace, ReadError> {
        if !is_costly {
            return Ok(None);
        }
        let take = async {
            // A read that waits for a place of its wallet leaves the other places to other wallets.
            let of_wallet = match wallet {
                Some(wallet) => Some(self.places_of(wallet).acquire_owned().await?),
                None => None,
            };
            let of_all = Arc::clone(&self.places).acquire_owned().await?;
            Ok::<_, AcquireError>(Arc::new(TakenPlace { _of_all: of_all, _of_wallet: of_wallet }))
        };
        let taken = timeout(LONGEST_WAIT, take).await.map_err(|_| ReadError::Overloaded)?;
        Ok(Some(taken.map_err(|_| ReadError::Unavailable)?))
    }

    fn places_of(&self, wallet: WalletKey) -> Arc<Semaphore> {
        let mut by_wallet = self.by_wallet.lock().unwrap_or_else(PoisonError::into_inner);
        // The places of a wallet are in use while a read has one or waits for one.
        by_wallet.retain(|_, places| Arc::strong_count(places) > 1);
        let places = by_wallet.entry(wallet).or_insert_with(|| Arc::new(Semaphore::new(PLACES_PER_WALLET)));
        Arc::clone(places)
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinHandle;
    use wallet_core::{TenantId, WalletId};

    use super::*;

    fn wallet(id: &str) -> Option<WalletKey> {
        Some(WalletKey::new(TenantId::DEFAULT, &WalletId::parse(id).unwrap()))
    }

    async fn take(costly: &Costly, wallet: Option<WalletKey>, number: usize) -> Vec<CostlyPlace> {
        let mut places = Vec::new();
        for _ in 0..number {
            places.push(costly.take_place(true, wallet).await.unwrap());
        }
        places
    }

    /// Starts a read that waits for a place.
    async fn wait(costly: &Costly, wallet: Option<WalletKey>) -> JoinHandle<Result<CostlyPlace, ReadError>> {
        let costly = costly.clone();
        let waiting = tokio::spawn(async move { costly.take_place(true, wallet).await });
        tokio::time::sleep(LONGEST_WAIT / 2).await;
        assert!(!waiting.is_finished());
        waiting
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_waits_until_one_of_sixteen_ends_and_is_refused_after_two_seconds() {
        let costly = Costly::default();
        let mut places = take(&costly, None, PLACES).await;
        assert!(costly.take_place(false, None).await.unwrap().is_none(), "other reads need no place");
        assert_eq!(costly.take_place(true, None).await.err(), Some(ReadError::Overloaded));
        let waiting = wait(&costly, None).await;
        places.pop();
        assert!(waiting.await.unwrap().unwrap().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn one_wallet_takes_a_part_of_the_places_also_while_its_reads_wait() {
        let costly = Costly::default();
        let ann = take(&costly, wallet("ann"), PLACES_PER_WALLET).await;
        let waiting = wait(&costly, wallet("ann")).await;
        let others = take(&costly, wallet("bob"), PLACES_PER_WALLET).await;
        let _rest = take(&costly, None, PLACES - 2 * PLACES_PER_WALLET).await;
        drop((ann, others));
        assert!(waiting.await.unwrap().unwrap().is_some());
        take(&costly, wallet("ann"), 1).await;
        assert_eq!(costly.by_wallet.lock().unwrap().len(), 1, "wallets without costly reads are not kept");
    }
}
