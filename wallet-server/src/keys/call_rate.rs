//! The rate of calls that a key was created with.

use std::fmt;
use std::num::NonZeroU32;

/// The most calls per second of a key, and the most at once after a rest.
pub(crate) const MAX_PER_SECOND: u32 = 100_000;
pub(crate) const MAX_BURST: u32 = 1_000_000;

/// A rate of calls on each server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CallRate {
    pub(crate) per_second: NonZeroU32,
    /// The most calls at once after a rest.
    pub(crate) burst: NonZeroU32,
}

impl CallRate {
    /// Returns the rate of this many calls per second. Without a burst, a second of calls may come at once.
    pub(crate) fn new(per_second: NonZeroU32, burst: Option<NonZeroU32>) -> Self {
        Self { per_second, burst: burst.unwrap_or(per_second) }
    }

    /// Returns the rate with these numbers as they are stored, where 0 and 0 are none. `None`: they are no rate.
    pub(crate) fn stored(per_second: i64, burst: i64) -> Option<Option<Self>> {
        let within = |number: i64, most: u32| u32::try_from(number).ok().filter(|number| *number <= most);
        let (per_second, burst) = (within(per_second, MAX_PER_SECOND)?, within(burst, MAX_BURST)?);
        match (NonZeroU32::new(per_second), NonZeroU32::new(burst)) {
            (None, None) => Some(None),
            (Some(per_second), Some(burst)) => Some(Some(Self { per_second, burst })),
            _ => None,
        }
    }
}

impl fmt::Display for CallRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} calls per second and {} at once", self.per_second, self.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_rate_has_both_numbers_within_their_bounds_or_none() {
        let text = |per_second, burst| {
            CallRate::stored(per_second, burst).map(|rate| rate.map(|rate| rate.to_string()))
        };
        assert_eq!(text(0, 0), Some(None));
        assert_eq!(text(5, 9), Some(Some("5 calls per second and 9 at once".to_owned())));
        for (per_second, burst) in [(0, 1), (1, 0), (-1, 1), (100_001, 1), (1, 1_000_001)] {
            assert_eq!(text(per_second, burst), None, "{per_second} {burst}");
        }
    }
}
