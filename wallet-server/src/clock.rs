//! The only place that reads a clock.
//!
//! A system clock begins with this machine's time and runs on its monotonic clock. It follows a reference. On
//! PostgreSQL that is the database's clock, which all servers share; on SQLite it is the system's clock, because
//! the monotonic clock stops while a machine is suspended. [`filter`] decides what happens when the reference
//! jumps: credits that expire by mistake do not come back. A manual clock stands still until it is moved forward,
//! so that a year of renewals can be watched in a minute. The clock of a test tenant may be ahead of the server's
//! ([`tenants`]).

mod filter;
mod tenants;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use wallet_core::{TenantId, Timestamp};

use self::filter::{Filter, Reading};
pub(crate) use self::filter::{MAX_JUMP, MAX_SKEW, Settling, Verdict};
use self::tenants::TenantClocks;
pub(crate) use self::tenants::{Ahead, MOST_AHEAD};

/// A clock that all parts of a server share. Its copies show the same time.
#[derive(Debug, Clone)]
pub struct Clock {
    source: Source,
    tenants: TenantClocks,
}

#[derive(Debug, Clone)]
enum Source {
    /// Microseconds since 1970.
    Manual(Arc<AtomicI64>),
    Running {
        started: Instant,
        filter: Arc<RwLock<Filter>>,
    },
}

impl Clock {
    /// Returns a clock that begins with this machine's time and runs.
    pub fn system() -> Self {
        Self::settling(Settling::default())
    }

    /// Returns a system clock with other bounds for jumps.
    pub(crate) fn settling(settling: Settling) -> Self {
        let filter = Filter::new(0, system_micros(), settling);
        Source::Running { started: Instant::now(), filter: Arc::new(RwLock::new(filter)) }.into()
    }

    /// Returns a system clock that stood still for this long, as while its machine was suspended.
    #[cfg(test)]
    pub(crate) fn suspended(time: Duration, settling: Settling) -> Self {
        let woken = Timestamp::from_micros(system_micros());
        let before = woken.minus(time).as_micros();
        let filter = Arc::new(RwLock::new(Filter::new(0, before, settling)));
        Source::Running { started: Instant::now(), filter }.into()
    }

    /// Returns a clock that stands still at `now`.
    pub fn manual(now: Timestamp) -> Self {
        Source::Manual(Arc::new(AtomicI64::new(now.as_micros()))).into()
    }

    /// Returns true if the clock stands still until it is moved.
    pub(crate) const fn is_manual(&self) -> bool {
        matches!(self.source, Source::Manual(_))
    }

    /// Returns the time of everything that belongs to no tenant, of keys and of leases.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_micros(match &self.source {
            Source::Manual(now) => now.load(Ordering::Relaxed),
            Source::Running { started, filter } => {
                filter.read().unwrap_or_else(PoisonError::into_inner).time(elapsed(*started))
            }
        })
    }

    /// Returns the time of a tenant's wallets.
    pub(crate) fn of(&self, tenant: TenantId) -> Timestamp {
        self.now().plus(self.ahead_of(tenant))
    }

    /// Returns the time by which the clock of a tenant is ahead.
    pub(crate) fn ahead_of(&self, tenant: TenantId) -> Duration {
        self.tenants.of(tenant)
    }

    /// Returns the tenants whose clocks are ahead.
    pub(crate) fn ahead(&self) -> Arc<Ahead> {
        self.tenants.ahead()
    }

    /// Takes over the clocks of tenants as stored. None of them moves back.
    pub(crate) fn learn(&self, stored: impl IntoIterator<Item = (TenantId, Duration)>) {
        self.tenants.learn(stored);
    }

    /// Returns false while the reference contradicts the clock. Nothing may be executed then.
    pub(crate) fn is_trusted(&self) -> bool {
        match &self.source {
            Source::Manual(_) => true,
            Source::Running { filter, .. } => {
                filter.read().unwrap_or_else(PoisonError::into_inner).is_trusted()
            }
        }
    }

    /// Moves a manual clock forward to `instant`, and returns its time, which is later if the clock was later
    /// already. Does not move a system clock.
    pub(crate) fn move_to(&self, instant: Timestamp) -> Timestamp {
        match &self.source {
            Source::Manual(now) => {
                let before = now.fetch_max(instant.as_micros(), Ordering::Relaxed);
                instant.max(Timestamp::from_micros(before))
            }
            Source::Running { .. } => self.now(),
        }
    }

    /// Follows a reference that showed `theirs` half-way through a round trip that has just ended. A manual clock
    /// follows nothing.
    pub(crate) fn follow(&self, theirs: Timestamp, round_trip: Duration) -> Verdict {
        let Source::Running { started, filter } = &self.source else { return Verdict::Agrees };
        let now = elapsed(*started);
        let half = i64::try_from(round_trip.as_micros() / 2).unwrap_or(i64::MAX);
        let reading = Reading { at: now.saturating_sub(half), shows: theirs.as_micros(), uncertainty: half };
        filter.write().unwrap_or_else(PoisonError::into_inner).read(now, reading)
    }

    /// Follows the system's clock.
    pub(crate) fn follow_system(&self) -> Verdict {
        self.follow(Timestamp::from_micros(system_micros()), Duration::ZERO)
    }
}

impl From<Source> for Clock {
    fn from(source: Source) -> Self {
        Self { source, tenants: TenantClocks::default() }
    }
}

fn elapsed(started: Instant) -> i64 {
    i64::try_from(started.elapsed().as_micros()).unwrap_or(i64::MAX)
}

fn system_micros() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    let now = chrono::Utc::now().timestamp_micros();
    now
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_clock_follows_its_reference_through_the_filter() {
        let clock = Clock::settling(Settling { readings: 2, span: Duration::ZERO });
        assert_eq!(clock.follow_system(), Verdict::Agrees);
        let jumped = || clock.now().plus(Duration::from_secs(600));
        let before = clock.now();
        assert!(matches!(clock.follow(jumped(), Duration::ZERO), Verdict::Doubted { is_first: true, .. }));
        assert!(!clock.clone().is_trusted() && clock.now() < before.plus(Duration::from_secs(300)));
        assert!(matches!(clock.follow(jumped(), Duration::ZERO), Verdict::Followed { .. }));
        assert!(clock.is_trusted() && clock.now() > before.plus(Duration::from_secs(300)));
    }

    #[test]
    fn a_manual_clock_moves_forward_only_and_follows_nothing() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let clock = Clock::manual(at(100));
        assert_eq!(clock.follow(at(500), Duration::ZERO), Verdict::Agrees);
        assert_eq!(clock.now(), at(100));
        assert_eq!(clock.move_to(at(160)), at(160));
        assert_eq!(clock.move_to(at(130)), at(160));
        assert_eq!(clock.clone().now(), at(160));
    }
}
