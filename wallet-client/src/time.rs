//! Durations and instants of the protocol. Only differences between instants of the server are used, so the clocks of
//! client and server need not agree.

use std::time::{Duration, SystemTime};

use prost_types::Timestamp;

/// Returns the time from one instant to a later one; `None` if one is missing or the second is earlier.
pub(crate) fn between(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<Duration> {
    let from = SystemTime::try_from(from?).ok()?;
    SystemTime::try_from(to?).ok()?.duration_since(from).ok()
}

/// Converts a duration of the protocol; a negative one becomes zero.
pub(crate) fn from_wire(duration: prost_types::Duration) -> Duration {
    Duration::try_from(duration).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_a_difference_of_server_instants() {
        let at = |seconds| Some(Timestamp { seconds, nanos: 0 });
        assert_eq!(between(at(10), at(70)), Some(Duration::from_secs(60)));
        assert_eq!(between(at(70), at(10)), None);
        assert_eq!(between(None, at(10)), None);
    }
}
