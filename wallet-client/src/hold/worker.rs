//! Who runs a job, which run of it this is, and for how long silence is forgiven.

use std::time::Duration;

use crate::time;
use crate::v1::StartOptions;

/// The worker that starts a job. A plain name will do: `"gpu-7"` is attempt 1 with a lease of 60 s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    pub(super) name: String,
    pub(super) attempt: i32,
    pub(super) lease: Duration,
}

impl Worker {
    /// A worker of this name. It must be one process: two that share name and attempt count as one.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), attempt: 1, lease: Duration::from_secs(60) }
    }

    /// Which delivery of the job this is, as the queue counts them. A higher one takes the job over from a lower one,
    /// which then is told to stop. Default 1.
    #[must_use]
    pub fn attempt(mut self, attempt: i32) -> Self {
        self.attempt = attempt;
        self
    }

    /// For how long the job lives without a sign of its worker; the server takes 1 s to 24 h. Default 60 s.
    /// Zero: no lease, so no heartbeat either. The hold keeps its ttl, and nobody tells the worker to stop.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    pub(super) fn start_options(&self) -> StartOptions {
        let lease = Some(time::to_wire(self.lease));
        StartOptions { worker: self.name.clone(), attempt: self.attempt, lease }
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
