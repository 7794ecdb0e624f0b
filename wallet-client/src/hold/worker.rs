//! The worker that runs a job: its name, its attempt and its lease.

use std::time::Duration;

use crate::v1::StartOptions;

/// The worker that starts a job: a name, the attempt (default 1) and the lease (default 60 s).
///
/// A name converts to a worker, so `"gpu-7"` can be passed to [`WalletClient::hold`](crate::WalletClient::hold).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use wallet_client::Worker;
///
/// // The second delivery of the job: takes it over from attempt 1.
/// let worker = Worker::new("gpu-8").attempt(2).lease(Duration::from_secs(30));
/// assert_ne!(worker, Worker::from("gpu-8"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    pub(super) name: String,
    pub(super) attempt: i32,
    pub(super) lease: Duration,
}

impl Worker {
    /// Returns a worker with this name. The name identifies one process: two processes with the same name and attempt
    /// count as one worker.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), attempt: 1, lease: Duration::from_secs(60) }
    }

    /// Sets the attempt, a number that the queue raises with each delivery of the job. A higher attempt takes the job over,
    /// and the hold of the lower one is cancelled. Default 1.
    #[must_use]
    pub fn attempt(mut self, attempt: i32) -> Self {
        self.attempt = attempt;
        self
    }

    /// Sets the lease, the time that the hold lasts without a heartbeat, 1 s to 7 days. Default 60 s. With a lease of zero no
    /// heartbeat is sent: the hold's time to live begins again at the start, and the worker does not learn when to
    /// stop.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    pub(super) fn start_options(&self) -> StartOptions {
        StartOptions::new(&self.name).with_attempt(self.attempt).with_lease(self.lease)
    }
}

impl From<&str> for Worker {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for Worker {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}
