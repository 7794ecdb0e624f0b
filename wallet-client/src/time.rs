//! Durations and instants as the wire has them. Only differences of the server's own instants are ever used:
//! its clock and ours need not agree.

use std::time::{Duration, SystemTime};

use prost_types::Timestamp;

/// How long from one instant to a later one; nothing if they are missing or the other way round.
pub(crate) fn between(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<Duration> {
    let from = SystemTime::try_from(from?).ok()?;
    SystemTime::try_from(to?).ok()?.duration_since(from).ok()
}

/// A duration of the wire; a negative one is none.
pub(crate) fn from_wire(duration: prost_types::Duration) -> Duration {
    Duration::try_from(duration).unwrap_or_default()
}

/// A duration for the wire; one beyond its reach (some 10,000 years) becomes the longest there is.
pub(crate) fn to_wire(duration: Duration) -> prost_types::Duration {
    let longest = prost_types::Duration { seconds: 315_576_000_000, nanos: 0 };
    prost_types::Duration::try_from(duration).unwrap_or(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_counted_on_the_servers_clock_alone() {
        let at = |seconds| Some(Timestamp { seconds, nanos: 0 });
        assert_eq!(between(at(10), at(70)), Some(Duration::from_secs(60)));
        assert_eq!(between(at(70), at(10)), None);
        assert_eq!(between(None, at(10)), None);
    }
}
