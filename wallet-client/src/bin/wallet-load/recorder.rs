//! The measurements of all calls: latencies, completions, errors by reason.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use hdrhistogram::Histogram;
use tokio::time::Instant;
use wallet_client::Error;

/// Jobs record in different shards, so that they seldom wait for each other.
const SHARDS: u64 = 16;
/// The precision of latencies, in significant digits.
const DIGITS: u8 = 3;
/// The longest latency that is distinguished, in microseconds: an hour.
const LONGEST: u64 = 3_600_000_000;

/// The measurements of a run.
#[derive(Debug)]
pub(crate) struct Recorder {
    /// The measured time, after the warm-up.
    pub(crate) window: Range<Instant>,
    shards: Vec<Mutex<Measured>>,
    /// All commands that succeeded and failed, those of the warm-up included.
    pub(crate) succeeded: AtomicU64,
    pub(crate) failed: AtomicU64,
}

/// The measurements within the window.
#[derive(Debug)]
pub(crate) struct Measured {
    /// The latencies, in microseconds, of successful commands whose intended start is in the window.
    pub(crate) latency: Histogram<u64>,
    /// The successful commands that were answered in the window.
    pub(crate) completed: u64,
    /// The failed commands whose intended start is in the window.
    pub(crate) errors: BTreeMap<String, u64>,
}

impl Measured {
    fn new() -> Self {
        #[expect(clippy::expect_used, reason = "the precision is between 0 and 5")]
        let latency = Histogram::new(DIGITS).expect("a valid precision");
        Self { latency, completed: 0, errors: BTreeMap::new() }
    }
}

impl Recorder {
    pub(crate) fn new(window: Range<Instant>) -> Self {
        Self {
            window,
            shards: (0..SHARDS).map(|_| Mutex::new(Measured::new())).collect(),
            succeeded: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }

    /// Records a call of the n-th job, which should have started at `intended` and has ended now.
    pub(crate) fn record(&self, n: u64, intended: Instant, now: Instant, error: Option<&Error>) {
        let shard = &self.shards[usize::try_from(n % SHARDS).unwrap_or_default()];
        let mut measured = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let started_within = self.window.contains(&intended);
        if let Some(error) = error {
            self.failed.fetch_add(1, Ordering::Relaxed);
            if started_within {
                *measured.errors.entry(reason(error)).or_default() += 1;
            }
            return;
        }
        self.succeeded.fetch_add(1, Ordering::Relaxed);
        if started_within {
            let latency = now.saturating_duration_since(intended).as_micros();
            // The histogram grows as needed.
            let _ = measured.latency.record(u64::try_from(latency).unwrap_or(u64::MAX).min(LONGEST));
        }
        if self.window.contains(&now) {
            measured.completed += 1;
        }
    }

    /// Returns the sum of all shards.
    pub(crate) fn total(&self) -> Measured {
        let mut total = Measured::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            // Both have the same precision and grow as needed.
            let _ = total.latency.add(&shard.latency);
            total.completed += shard.completed;
            for (reason, count) in &shard.errors {
                *total.errors.entry(reason.clone()).or_default() += count;
            }
        }
        total
    }
}

/// Returns the reason that the server gave, or else the class of the error.
fn reason(error: &Error) -> String {
    if let Some(reason) = error.reason() {
        return reason.as_str_name().trim_start_matches("ERROR_REASON_").to_owned();
    }
    let class = match error {
        Error::Unavailable { .. } => "UNAVAILABLE",
        Error::OutcomeUnknown { .. } => "OUTCOME_UNKNOWN",
        _ => "UNEXPECTED",
    };
    class.to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_call_is_measured_from_its_intended_start_and_counted_when_it_ends() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let recorder = Recorder::new(at(100)..at(200));
        recorder.record(0, at(50), at(150), None);
        recorder.record(1, at(150), at(190), None);
        recorder.record(2, at(150), at(2_150), None);
        let total = recorder.total();
        assert_eq!((total.completed, total.latency.len()), (2, 2));
        let (min, max) = (total.latency.min() / 1_000, total.latency.max() / 1_000);
        assert_eq!(min, 40);
        assert!((1_999..=2_001).contains(&max), "{max}");
    }
}
