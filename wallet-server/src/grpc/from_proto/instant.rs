//! Parses instants and truncates them to the microseconds that both databases store.

use wallet_core::Timestamp;

use super::FieldReader;

/// 9999-12-31T23:59:59Z, the last second that `google.protobuf.Timestamp` allows.
const LAST_SECOND: i64 = 253_402_300_799;

impl FieldReader {
    /// Parses an optional instant, from 1970 to 9999.
    pub(crate) fn instant(
        &mut self,
        path: &str,
        instant: Option<prost_types::Timestamp>,
    ) -> Option<Timestamp> {
        let instant = instant?;
        let read = read(&instant);
        if read.is_none() {
            self.add(path, "must lie between 1970-01-01T00:00:00Z and 9999-12-31T23:59:59Z");
        }
        read
    }
}

fn read(instant: &prost_types::Timestamp) -> Option<Timestamp> {
    let in_range =
        (0..=LAST_SECOND).contains(&instant.seconds) && (0..1_000_000_000).contains(&instant.nanos);
    in_range.then(|| Timestamp::from_micros(instant.seconds * 1_000_000 + i64::from(instant.nanos / 1_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_lie_between_1970_and_9999() {
        for (seconds, nanos, expected) in [
            (0, 0, Some(0)),
            (1, 1_999, Some(1_000_001)),
            (LAST_SECOND, 999_999_999, Some(253_402_300_799_999_999)),
            (LAST_SECOND + 1, 0, None),
            (-1, 0, None),
            (0, -1, None),
            (0, 1_000_000_000, None),
            (i64::MAX, i32::MAX, None),
        ] {
            let mut fields = FieldReader::default();
            let read = fields.instant("paid_time", Some(prost_types::Timestamp { seconds, nanos }));
            assert_eq!(read, expected.map(Timestamp::from_micros), "{seconds} {nanos}");
            assert_eq!(fields.lines().is_empty(), expected.is_some());
        }
    }
}
