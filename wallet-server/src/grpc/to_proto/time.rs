//! Renders instants and durations.

use std::time::Duration;

use wallet_core::Timestamp;

const MICROS: i64 = 1_000_000;

/// Renders an instant. `Timestamp::NEVER` becomes `None`.
pub(crate) fn instant(at: Timestamp) -> Option<prost_types::Timestamp> {
    let micros = at.as_micros();
    #[expect(clippy::expect_used, reason = "a reply must not name another instant")]
    let nanos = i32::try_from(micros.rem_euclid(MICROS) * 1_000).expect("less than a billion");
    (at != Timestamp::NEVER).then(|| prost_types::Timestamp { seconds: micros.div_euclid(MICROS), nanos })
}

pub(crate) fn duration(duration: Duration) -> prost_types::Duration {
    #[expect(clippy::expect_used, reason = "a reply must not name another duration")]
    let nanos = i32::try_from(duration.subsec_nanos()).expect("less than a billion");
    prost_types::Duration { seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX), nanos }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_keep_their_microseconds_and_never_is_absent() {
        let at = |micros| instant(Timestamp::from_micros(micros)).map(|t| (t.seconds, t.nanos));
        assert_eq!(at(1_500_001), Some((1, 500_001_000)));
        assert_eq!(at(-1), Some((-1, 999_999_000)));
        assert_eq!(instant(Timestamp::NEVER), None);
        assert_eq!(duration(Duration::from_millis(1_500)).nanos, 500_000_000);
    }
}
