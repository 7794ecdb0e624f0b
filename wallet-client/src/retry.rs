//! The retry policy: which errors lead to another attempt, after which delay, and until when. Every call carries its
//! own ids, so another attempt is the same call.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use tokio::time::Instant;
use tracing::debug;

use crate::Error;

/// The number of attempts of a call, the delays between them, and the time for all of it.
///
/// Delays double from the first one to the longest one. A random time of up to the same length is added to each, and so
/// is a delay that the server asks for (`RetryInfo`).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use wallet_client::RetryPolicy;
///
/// let patient = RetryPolicy::default().attempts(20).budget(Duration::from_secs(60));
/// assert_ne!(patient, RetryPolicy::never());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    attempts: usize,
    first_delay: Duration,
    max_delay: Duration,
    budget: Duration,
}

impl Default for RetryPolicy {
    /// Returns 10 attempts, delays from 50 ms to 2 s, and a budget of 20 s.
    fn default() -> Self {
        Self {
            attempts: 10,
            first_delay: Duration::from_millis(50),
            max_delay: Duration::from_secs(2),
            budget: Duration::from_secs(20),
        }
    }
}

impl RetryPolicy {
    /// Returns a policy with a single attempt.
    pub fn never() -> Self {
        Self::default().attempts(1)
    }

    /// Sets the number of attempts, the first one included. Default 10. 0 counts as 1.
    #[must_use]
    pub fn attempts(mut self, attempts: usize) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets the delay before the second attempt. Default 50 ms.
    #[must_use]
    pub fn first_delay(mut self, delay: Duration) -> Self {
        self.first_delay = delay;
        self
    }

    /// Sets the longest delay, before randomness and the delay that the server asks for are added. Default 2 s.
    #[must_use]
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// Sets the time for all attempts and delays of a call together. Default 20 s.
    #[must_use]
    pub fn budget(mut self, budget: Duration) -> Self {
        self.budget = budget;
        self
    }

    /// Runs `attempt`, with the time that it may take, until it succeeds, fails for good, or the policy is exhausted.
    pub(crate) async fn run<T, F>(
        &self,
        deadline: Duration,
        mut attempt: impl FnMut(Duration) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let begun = Instant::now();
        let left = || self.budget.saturating_sub(begun.elapsed());
        let mut unknown = false;
        let outcome = (|| attempt(deadline.min(left())))
            .retry(self.delays())
            .when(|error: &Error| {
                unknown |= error.is_outcome_unknown();
                error.is_retryable()
            })
            .adjust(|error: &Error, delay| {
                let delay = delay?.saturating_add(error.retry_after().unwrap_or_default());
                (delay < left()).then_some(delay)
            })
            .notify(|error: &Error, delay| debug!(%error, ?delay, "retrying with the same ids"))
            .await;
        // "Not executed" describes the last attempt only; an earlier one may have been executed.
        outcome.map_err(|error| if unknown { error.into_outcome_unknown() } else { error })
    }

    fn delays(&self) -> ExponentialBuilder {
        ExponentialBuilder::new()
            .with_min_delay(self.first_delay)
            .with_max_delay(self.max_delay)
            .with_max_times(self.attempts.saturating_sub(1))
            .with_jitter()
    }
}
