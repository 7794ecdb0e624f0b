//! The clocks of test tenants, which `AdvanceClock` moves ahead of the server's clock.
//!
//! The row of each tenant has the time by which its clock is ahead. A server keeps these times in memory, so that
//! neither a command nor a read needs a query for them, and reads the rows again every few seconds: another server may
//! have moved a clock. A live tenant is never listed.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use wallet_core::TenantId;

/// The most by which the clock of a tenant is ahead of the server's: 36,600 days, about a century.
pub(crate) const MOST_AHEAD: Duration = Duration::from_secs(36_600 * 86_400);

/// The time by which the clock of each listed tenant is ahead of the server's.
pub(crate) type Ahead = BTreeMap<TenantId, Duration>;

/// The clocks of tenants that are known to a server. Copies show the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct TenantClocks(Arc<RwLock<Arc<Ahead>>>);

impl TenantClocks {
    /// Returns the tenants whose clocks are ahead.
    pub(crate) fn ahead(&self) -> Arc<Ahead> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the time by which the clock of a tenant is ahead.
    pub(crate) fn of(&self, tenant: TenantId) -> Duration {
        let ahead = self.0.read().unwrap_or_else(PoisonError::into_inner);
        ahead.get(&tenant).copied().unwrap_or_default()
    }

    /// Takes over what the rows of tenants have. Clocks only move forward, so rows that were read before a later move
    /// change nothing.
    pub(crate) fn learn(&self, stored: impl IntoIterator<Item = (TenantId, Duration)>) {
        let mut ahead = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (tenant, by) in stored {
            if by > ahead.get(&tenant).copied().unwrap_or_default() {
                Arc::make_mut(&mut ahead).insert(tenant, by);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_clock_of_a_tenant_moves_forward_only_and_for_all_copies() {
        let (clocks, tenant) = (TenantClocks::default(), TenantId(Uuid::from_u128(7)));
        let by = Duration::from_secs;
        let copy = clocks.clone();
        assert_eq!((clocks.of(tenant), clocks.ahead().len()), (Duration::ZERO, 0));
        clocks.learn([(tenant, by(60)), (TenantId::DEFAULT, Duration::ZERO)]);
        assert_eq!(copy.of(tenant), by(60));
        let before = copy.ahead();
        clocks.learn([(tenant, by(59))]);
        assert_eq!(copy.of(tenant), by(60), "rows that were read before the move");
        clocks.learn([(tenant, by(61))]);
        assert_eq!((before[&tenant], copy.of(tenant)), (by(60), by(61)));
        assert_eq!(copy.ahead().len(), 1, "the clock of the other tenant is the server's");
    }
}
