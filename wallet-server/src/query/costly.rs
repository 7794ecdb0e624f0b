//! Reads that examine many rows for few results: searches and summaries. They have connections of their own, a
//! limited number of places, and a budget, so that they take nothing from reads of one wallet or from the sweeper.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wallet_core::WalletKey;

use crate::query::ReadError;

/// The place of a costly read, held until all its tasks have ended; `None` if the read is not costly.
pub(super) type CostlyPlace = Option<Arc<TakenPlace>>;

/// The most costly reads that run or wait.
const PLACES: usize = 16;
/// The most of them about one wallet, so that a customer with a wallet token cannot take all places.
const PLACES_PER_WALLET: usize = 4;
/// The most rows that one search reads. Its page ends there, and its token continues from there.
const SEARCHED: u64 = 5_000;
/// The most jobs that one summary adds up.
const SUMMARIZED: u64 = 200_000;

type ByWallet = Arc<Mutex<HashMap<WalletKey, usize>>>;

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub(super) struct TakenPlace {
    _place: OwnedSemaphorePermit,
    wallet: Option<WalletKey>,
    by_wallet: ByWallet,
}

/// The bounds of costly reads. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Costly {
    places: Arc<Semaphore>,
    /// The places that are taken, by wallet.
    by_wallet: ByWallet,
    pub(super) searched: u64,
    pub(super) summarized: u64,
}

impl Default for Costly {
    fn default() -> Self {
        let (places, by_wallet) = (Arc::new(Semaphore::new(PLACES)), ByWallet::default());
        Self { places, by_wallet, searched: SEARCHED, summarized: SUMMARIZED }
    }
}

impl Costly {
    /// Takes a place, until it is dropped, if the read is costly. Fails at once if all places are taken, or all of the
    /// wallet that the read is about.
    pub(super) fn take_place(
        &self,
        is_costly: bool,
        wallet: Option<WalletKey>,
    ) -> Result<CostlyPlace, ReadError> {
        if !is_costly {
            return Ok(None);
        }
        let mut by_wallet = self.by_wallet.lock().unwrap_or_else(PoisonError::into_inner);
        if wallet
            .is_some_and(|wallet| by_wallet.get(&wallet).is_some_and(|taken| *taken >= PLACES_PER_WALLET))
        {
            return Err(ReadError::Overloaded);
        }
        let place = self.places.clone().try_acquire_owned().map_err(|_| ReadError::Overloaded)?;
        if let Some(wallet) = wallet {
            *by_wallet.entry(wallet).or_default() += 1;
        }
        Ok(Some(Arc::new(TakenPlace { _place: place, wallet, by_wallet: Arc::clone(&self.by_wallet) })))
    }
}

impl Drop for TakenPlace {
    fn drop(&mut self) {
        let Some(wallet) = self.wallet else { return };
        let mut by_wallet = self.by_wallet.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut taken) = by_wallet.entry(wallet) {
            *taken.get_mut() -= 1;
            if *taken.get() == 0 {
                taken.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use wallet_core::{TenantId, WalletId};

    use super::*;

    #[test]
    fn there_are_sixteen_places_and_a_read_that_ends_makes_room() {
        let costly = Costly::default();
        let mut places: Vec<_> = (0..PLACES).map(|_| costly.take_place(true, None).unwrap()).collect();
        assert_eq!(costly.take_place(true, None).err(), Some(ReadError::Overloaded));
        assert!(costly.take_place(false, None).unwrap().is_none(), "other reads need no place");
        places.pop();
        assert!(costly.take_place(true, None).unwrap().is_some());
    }

    #[test]
    fn one_wallet_takes_a_part_of_the_places() {
        let costly = Costly::default();
        let take = |id| {
            costly.take_place(true, Some(WalletKey::new(TenantId::DEFAULT, &WalletId::parse(id).unwrap())))
        };
        let mut places: Vec<_> = (0..PLACES_PER_WALLET).map(|_| take("ann").unwrap()).collect();
        assert_eq!(take("ann").err(), Some(ReadError::Overloaded));
        assert!(take("bob").unwrap().is_some());
        places.pop();
        places.push(take("ann").unwrap());
        drop(places);
        assert!(costly.by_wallet.lock().unwrap().is_empty(), "no wallet is kept");
    }
}
