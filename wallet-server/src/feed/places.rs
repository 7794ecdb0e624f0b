//! The places of streams. Each tenant has a number of its own, and all streams together leave places to calls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wallet_core::TenantId;

/// The places of all streams of a server. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct AllStreamPlaces {
    most: usize,
    free: Arc<Semaphore>,
}

/// The places of one kind of stream, for all tenants. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct StreamPlaces {
    most: usize,
    /// The owner of the places of each tenant, which its readers share.
    owners: Arc<Mutex<BTreeMap<TenantId, Arc<()>>>>,
    all: AllStreamPlaces,
}

/// A place, free again when dropped.
#[derive(Debug)]
pub(super) struct StreamPlace {
    _owner: Arc<()>,
    _of_all: OwnedSemaphorePermit,
}

impl AllStreamPlaces {
    /// Returns the places for at most this many streams.
    pub(crate) fn new(most: usize) -> Self {
        let most = most.min(Semaphore::MAX_PERMITS);
        Self { most, free: Arc::new(Semaphore::new(most)) }
    }
}

impl StreamPlaces {
    /// Returns the places for at most this many streams of each tenant.
    pub(super) fn new(most: usize, all: AllStreamPlaces) -> Self {
        Self { most, owners: Arc::default(), all }
    }

    /// Takes a place of a tenant, or returns the limit that is reached.
    pub(super) fn take(&self, tenant: TenantId) -> Result<StreamPlace, usize> {
        let of_all = Arc::clone(&self.all.free).try_acquire_owned().map_err(|_| self.all.most)?;
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        let owner = owners.entry(tenant).or_default();
        // The owner counts as one.
        let is_free = Arc::strong_count(owner) <= self.most;
        is_free.then(|| StreamPlace { _owner: Arc::clone(owner), _of_all: of_all }).ok_or(self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHER: TenantId = TenantId(uuid::Uuid::nil());

    #[test]
    fn a_tenant_has_a_number_of_places_and_others_have_their_own() {
        let places = StreamPlaces::new(2, AllStreamPlaces::new(99));
        let taken = [places.take(TenantId::DEFAULT), places.take(TenantId::DEFAULT)];
        assert!(taken.iter().all(Result::is_ok));
        assert_eq!(places.take(TenantId::DEFAULT).err(), Some(2));
        assert!(places.take(OTHER).is_ok());
        drop(taken);
        assert!(places.take(TenantId::DEFAULT).is_ok(), "an ended stream leaves its place");
    }

    #[test]
    fn streams_of_all_kinds_and_tenants_together_have_a_number_of_places() {
        let all = AllStreamPlaces::new(3);
        let (feeds, wallets) = (StreamPlaces::new(2, all.clone()), StreamPlaces::new(2, all));
        let taken = [feeds.take(TenantId::DEFAULT), feeds.take(OTHER), wallets.take(OTHER)];
        assert!(taken.iter().all(Result::is_ok));
        assert_eq!(wallets.take(TenantId::DEFAULT).err(), Some(3));
        drop(taken);
        assert!(wallets.take(TenantId::DEFAULT).is_ok());
    }
}
