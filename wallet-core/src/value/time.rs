//! Instants of the ledger: whole microseconds since the Unix epoch, in UTC.
//!
//! Converts to and from [`chrono`]. Reads no clock.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// An instant in whole microseconds since 1970-01-01T00:00:00Z.
///
/// Both databases store microseconds exactly.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The largest instant. It means "never" and is later than every instant that occurs.
    pub const NEVER: Timestamp = Timestamp(i64::MAX);
    /// 1970-01-01T00:00:00Z, earlier than every instant that occurs.
    pub const EPOCH: Timestamp = Timestamp(0);

    /// Returns the instant `micros` microseconds after the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Returns the microseconds since the Unix epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Returns the instant `duration` later, at most [`Timestamp::NEVER`].
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }

    /// Returns the instant `duration` earlier. [`Timestamp::NEVER`] stays never.
    pub fn minus(self, duration: Duration) -> Self {
        if self == Self::NEVER { self } else { Self(self.0.saturating_sub(micros(duration))) }
    }

    /// Returns the time from `earlier` to this instant, or zero if `earlier` is later.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Returns the instant for calendar arithmetic, or `None` if it is outside the calendar's range.
    pub fn to_utc(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.0)
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(instant: DateTime<Utc>) -> Self {
        Self(instant.timestamp_micros())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_utc() {
            Some(instant) if *self != Self::NEVER => {
                write!(f, "{}", instant.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
            }
            _ => f.write_str("never"),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_is_absorbing_and_printed_as_a_word() {
        assert_eq!(Timestamp::NEVER.plus(Duration::from_secs(1)), Timestamp::NEVER);
        assert_eq!(Timestamp::NEVER.minus(Duration::from_secs(1)), Timestamp::NEVER);
        assert_eq!(Timestamp::NEVER.to_string(), "never");
        assert_eq!(Timestamp::from_micros(1_500_000).to_string(), "1970-01-01T00:00:01.500Z");
    }
}
