//! The only place that reads a clock.
//!
//! Time is taken once from the database's machine (PostgreSQL) or this one (SQLite) and then follows this
//! process's monotonic clock, so that setting the system's clock moves nothing while the server runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use wallet_core::Timestamp;

/// How far the clock may stray from the database's before the server calls itself not ready.
pub(crate) const MAX_SKEW: Duration = Duration::from_secs(2);

/// A clock that all parts of the server share.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    started: Instant,
    /// Microseconds since the epoch at `started`.
    origin: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that agrees with this machine's now.
    pub(crate) fn system() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
        let now = chrono::Utc::now().timestamp_micros();
        Self { started: Instant::now(), origin: Arc::new(AtomicI64::new(now)) }
    }

    /// The present instant.
    pub(crate) fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(self.origin.load(Ordering::Relaxed).saturating_add(elapsed))
    }

    /// Agrees with the database, whose clock showed `theirs` half-way between `asked` and now.
    /// Returns how far this clock had strayed.
    pub(crate) fn follow(&self, theirs: Timestamp, round_trip: Duration) -> Duration {
        let ours = self.now().minus(round_trip / 2);
        let drift = theirs.as_micros().saturating_sub(ours.as_micros());
        self.origin.fetch_add(drift, Ordering::Relaxed);
        Duration::from_micros(drift.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn following_the_database_sets_the_clock_and_tells_the_drift() {
        let clock = Clock::system();
        let theirs = clock.now().plus(Duration::from_secs(3600));
        let drift = clock.follow(theirs, Duration::ZERO);
        assert!(drift > Duration::from_secs(3590) && drift < Duration::from_secs(3610));
        assert!(clock.now() >= theirs);
    }
}
