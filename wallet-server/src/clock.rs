//! The only place that reads a clock.
//!
//! A system clock takes the time once from the database's machine (PostgreSQL) or this one (SQLite) and then follows
//! this process's monotonic clock, so that setting the system's clock moves nothing while the server runs. It follows
//! the database's clock, but not when that leaps: credits that expire by a mistake do not come back. A manual clock stands
//! still until it is moved forward, so that a year of renewals can be watched in a minute.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use wallet_core::Timestamp;

/// How far the clock may stray from the database's before the server calls itself not ready.
pub(crate) const MAX_SKEW: Duration = Duration::from_secs(2);

/// How far away the database's clock may be and still be believed.
pub(crate) const MAX_LEAP: Duration = Duration::from_secs(3_600);

/// A clock that all parts of a server share, its copies included.
#[derive(Debug, Clone)]
pub struct Clock {
    /// When a system clock was made; a manual clock has none and does not run.
    started: Option<Instant>,
    /// Microseconds since the epoch at `started`; of a manual clock: now.
    origin: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that agrees with this machine's now and runs.
    pub fn system() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
        let now = chrono::Utc::now().timestamp_micros();
        Self { started: Some(Instant::now()), origin: Arc::new(AtomicI64::new(now)) }
    }

    /// A clock that stands still at `now`.
    pub fn manual(now: Timestamp) -> Self {
        Self { started: None, origin: Arc::new(AtomicI64::new(now.as_micros())) }
    }

    /// Whether it stands still until it is moved.
    pub(crate) const fn is_manual(&self) -> bool {
        self.started.is_none()
    }

    /// The present instant.
    pub(crate) fn now(&self) -> Timestamp {
        let elapsed = self.started.map_or(0, |started| started.elapsed().as_micros());
        let elapsed = i64::try_from(elapsed).unwrap_or(i64::MAX);
        Timestamp::from_micros(self.origin.load(Ordering::Relaxed).saturating_add(elapsed))
    }

    /// Moves a manual clock forward to `instant`; says what it shows now, which is later if it was later already.
    pub(crate) fn move_to(&self, instant: Timestamp) -> Timestamp {
        let before = self.origin.fetch_max(instant.as_micros(), Ordering::Relaxed);
        instant.max(Timestamp::from_micros(before))
    }

    /// Agrees with the database, whose clock showed `theirs` half-way through a round trip that is just over, unless that
    /// is more than [`MAX_LEAP`] away. Returns how far this clock was from it. A manual clock agrees with nobody.
    pub(crate) fn follow(&self, theirs: Timestamp, round_trip: Duration) -> Duration {
        if self.is_manual() {
            return Duration::ZERO;
        }
        let ours = self.now().minus(round_trip / 2);
        let drift = theirs.as_micros().saturating_sub(ours.as_micros());
        let distance = Duration::from_micros(drift.unsigned_abs());
        if distance <= MAX_LEAP {
            self.origin.fetch_add(drift, Ordering::Relaxed);
        }
        distance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn following_the_database_sets_the_clock_and_tells_the_drift() {
        let clock = Clock::system();
        let theirs = clock.now().plus(Duration::from_secs(1_800));
        let drift = clock.follow(theirs, Duration::ZERO);
        assert!(drift > Duration::from_secs(1_790) && drift < Duration::from_secs(1_810));
        assert!(clock.now() >= theirs);
        let behind = clock.now().minus(Duration::from_secs(1_800));
        clock.follow(behind, Duration::ZERO);
        assert!(clock.now() < behind.plus(Duration::from_secs(60)));
    }

    #[test]
    fn a_leap_is_told_and_not_followed() {
        let clock = Clock::system();
        let before = clock.now();
        for theirs in [before.plus(MAX_LEAP * 2), before.minus(MAX_LEAP * 2)] {
            assert!(clock.follow(theirs, Duration::ZERO) > MAX_LEAP);
            assert!(before <= clock.now() && clock.now() < before.plus(MAX_LEAP));
        }
    }

    #[test]
    fn a_manual_clock_moves_forward_only_and_follows_nobody() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let clock = Clock::manual(at(100));
        assert_eq!(clock.follow(at(500), Duration::ZERO), Duration::ZERO);
        assert_eq!(clock.now(), at(100));
        assert_eq!(clock.move_to(at(160)), at(160));
        assert_eq!(clock.move_to(at(130)), at(160));
        assert_eq!(clock.clone().now(), at(160));
    }
}
