//! When a call is made again, and when to give up. Every call carries its ids, so again means the same call.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use tokio::time::Instant;
use tracing::debug;

use crate::Error;

/// How often and how long a call is tried. Delays double, with as much again at random on top; a delay that the
/// server asks for is added to them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How many tries, the first one included. Default 10.
    pub attempts: usize,
    /// The first delay. Default 50 ms.
    pub first_delay: Duration,
    /// No delay of ours is longer. Default 2 s.
    pub longest_delay: Duration,
    /// How long everything may take: all tries and delays. Default 20 s.
    pub budget: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 10,
            first_delay: Duration::from_millis(50),
            longest_delay: Duration::from_secs(2),
            budget: Duration::from_secs(20),
        }
    }
}

impl RetryPolicy {
    /// One try.
    pub fn never() -> Self {
        Self { attempts: 1, ..Self::default() }
    }

    /// Runs `attempt` until it is answered, refused, or the patience is used up. Each is told how long it may take.
    pub(crate) async fn run<T, F>(
        &self,
        deadline: Duration,
        mut attempt: impl FnMut(Duration) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let end = Instant::now() + self.budget;
        let mut unknown = false;
        let outcome = (|| attempt(deadline.min(end.saturating_duration_since(Instant::now()))))
            .retry(self.delays())
            .when(|error: &Error| {
                unknown |= error.is_outcome_unknown();
                error.is_retryable()
            })
            .adjust(|error: &Error, delay| {
                let delay = delay? + error.retry_after().unwrap_or_default();
                (Instant::now() + delay < end).then_some(delay)
            })
            .notify(|error: &Error, delay| debug!(%error, ?delay, "trying again with the same ids"))
            .await;
        // "Certainly not executed" is true of the last try only; an earlier one may have got through.
        outcome.map_err(|error| if unknown { error.into_outcome_unknown() } else { error })
    }

    fn delays(&self) -> ExponentialBuilder {
        ExponentialBuilder::new()
            .with_min_delay(self.first_delay)
            .with_max_delay(self.longest_delay)
            .with_max_times(self.attempts.saturating_sub(1))
            .with_jitter()
    }
}
