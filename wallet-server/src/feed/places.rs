//! The places of readers: each tenant has a number of its own, so that none takes those of others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use wallet_core::TenantId;

/// The places of all tenants. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Places {
    most: usize,
    /// The owner of the places of each tenant, which its readers share.
    owners: Arc<Mutex<BTreeMap<TenantId, Arc<()>>>>,
}

/// A place, free again when dropped.
#[derive(Debug)]
pub(super) struct Place {
    _owner: Arc<()>,
}

impl Places {
    /// Returns the places for at most this many readers of each tenant.
    pub(super) fn new(most: usize) -> Self {
        Self { most, owners: Arc::default() }
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// Takes a place of a tenant. `None` if it has no free one.
    pub(super) fn take(&self, tenant: TenantId) -> Option<Place> {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        let owner = owners.entry(tenant).or_default();
        // The owner counts as one.
        let is_free = Arc::strong_count(owner) <= self.most;
        is_free.then(|| Place { _owner: Arc::clone(owner) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_has_a_number_of_places_and_others_have_their_own() {
        let places = Places::new(2);
        let taken = [places.take(TenantId::DEFAULT), places.take(TenantId::DEFAULT)];
        assert!(taken.iter().all(Option::is_some));
        assert!(places.take(TenantId::DEFAULT).is_none());
        assert!(places.take(TenantId(uuid::Uuid::nil())).is_some());
        drop(taken);
        assert!(places.take(TenantId::DEFAULT).is_some(), "an ended reader leaves its place");
    }
}
