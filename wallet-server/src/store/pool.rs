//! Connection pools that react to failures: after one connection has failed, those that were opened before it are
//! not lent again.
//!
//! When PostgreSQL restarts, it ends all connections at once. A session that was opened while the server was
//! read-only stays read-only until it is closed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::DatabaseConnection;

/// Connections for reads or for the control plane. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    pub(super) connections: DatabaseConnection,
    pub(super) last_failure: LastFailure,
}

/// The time at which a connection of a pool last failed.
#[derive(Debug, Clone, Default)]
pub(super) struct LastFailure(Arc<Mutex<Option<Instant>>>);

impl LastFailure {
    /// Records that a connection has failed now.
    pub(super) fn note(&self) {
        self.note_opened_before(Instant::now());
    }

    /// Records the failure of a connection that was opened before this time.
    pub(super) fn note_opened_before(&self, time: Instant) {
        let mut failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *failed = Some(failed.map_or(time, |failed| failed.max(time)));
    }

    /// Returns true if a connection of this age was opened after the last failure.
    pub(super) fn is_before(&self, age: Duration) -> bool {
        let failed = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failed.is_none_or(|failed| failed.elapsed() > age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_from_before_a_failure_are_not_lent_again() {
        let last_failure = LastFailure::default();
        assert!(last_failure.is_before(Duration::from_secs(3_600)));
        last_failure.note();
        assert!(!last_failure.is_before(Duration::from_secs(3_600)));
        let noted = last_failure.0.lock().unwrap().unwrap();
        // Waits until the clock has advanced, however coarse it is.
        while noted.elapsed().is_zero() {
            std::hint::spin_loop();
        }
        assert!(last_failure.is_before(Duration::ZERO));
    }

    #[test]
    fn connections_that_were_opened_during_a_call_without_an_answer_are_lent_again() {
        let last_failure = LastFailure::default();
        let (began, hour) = (Instant::now() - Duration::from_secs(3_600), Duration::from_secs(3_600));
        last_failure.note_opened_before(began);
        assert!(last_failure.is_before(hour / 2));
        assert!(!last_failure.is_before(2 * hour));
        // A call that began earlier says nothing new.
        last_failure.note_opened_before(began - hour);
        assert!(!last_failure.is_before(2 * hour - Duration::from_secs(1)));
    }
}
