//! Parses the durations of holds, leases and tokens, in whole microseconds.

use std::time::Duration;

use wallet_core::catalog::MAX_HOLD;

use super::FieldReader;

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = MAX_HOLD;

impl FieldReader {
    /// Parses an optional duration of 1 s to 7 days.
    pub(crate) fn duration(
        &mut self,
        path: &str,
        duration: Option<prost_types::Duration>,
    ) -> Option<Duration> {
        self.duration_up_to(LONGEST, path, duration)
    }

    /// Parses an optional duration of 1 s to `longest`.
    pub(crate) fn duration_up_to(
        &mut self,
        longest: Duration,
        path: &str,
        duration: Option<prost_types::Duration>,
    ) -> Option<Duration> {
        let duration = duration?;
        let read = read(&duration).filter(|read| (SHORTEST..=longest).contains(read));
        if read.is_none() {
            // Without the `Display` of prost, which panics on the smallest number of nanoseconds.
            let prost_types::Duration { seconds, nanos } = duration;
            let rest = if nanos == 0 { String::new() } else { format!(" {nanos}ns") };
            self.add(path, format!("is {seconds}s{rest}, 1s to {}s is allowed", longest.as_secs()));
        }
        read
    }

    /// Parses an optional duration of 1 s to 7 days, or 0.
    pub(crate) fn duration_or_zero(
        &mut self,
        path: &str,
        duration: Option<prost_types::Duration>,
    ) -> Option<Duration> {
        match duration {
            Some(prost_types::Duration { seconds: 0, nanos: 0 }) => Some(Duration::ZERO),
            other => self.duration(path, other),
        }
    }
}

/// Converts a duration. `None` if it is negative or malformed.
pub(super) fn read(duration: &prost_types::Duration) -> Option<Duration> {
    let seconds = u64::try_from(duration.seconds).ok()?;
    let nanos = u32::try_from(duration.nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    Some(Duration::from_secs(seconds) + Duration::from_micros(u64::from(nanos / 1_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_one_second_to_seven_days() {
        for (seconds, nanos, expected) in [
            (1, 0, Some(Duration::from_secs(1))),
            (90, 500_000_999, Some(Duration::from_micros(90_500_000))),
            (604_800, 0, Some(LONGEST)),
            (604_800, 1_000, None),
            (0, 999_999_999, None),
            (0, 0, None),
            (-1, 0, None),
            (5, -1, None),
            (5, 1_000_000_000, None),
            (i64::MAX, 0, None),
            (i64::MIN, i32::MIN, None),
        ] {
            let mut fields = FieldReader::default();
            let read = fields.duration("ttl", Some(prost_types::Duration { seconds, nanos }));
            assert_eq!(read, expected, "{seconds} {nanos}");
            assert_eq!(fields.lines().is_empty(), expected.is_some());
        }
        let mut fields = FieldReader::default();
        assert_eq!(fields.duration("ttl", None), None);
        assert_eq!(
            fields.duration_or_zero("lease", Some(prost_types::Duration::default())),
            Some(Duration::ZERO)
        );
        assert!(fields.lines().is_empty());
        fields.duration_or_zero("start.lease", Some(prost_types::Duration { seconds: 604_801, nanos: 0 }));
        assert_eq!(fields.lines(), ["start.lease: is 604801s, 1s to 604800s is allowed"]);
    }
}
