//! The lease of a background task that one server runs for all.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::causes::Chain;
use crate::clock::Clock;
use crate::store::{Store, StoreError};

/// A lease, which another server takes over when its time is over.
pub(crate) struct TaskLease {
    store: Store,
    clock: Clock,
    /// The name of the task.
    name: &'static str,
    length: Duration,
    holder: Uuid,
    renew: Instant,
    is_held: bool,
}

impl TaskLease {
    /// Returns the lease before it is taken.
    pub(crate) fn new(store: Store, clock: Clock, name: &'static str, length: Duration) -> Self {
        Self { store, clock, name, length, holder: Uuid::new_v4(), renew: Instant::now(), is_held: false }
    }

    /// Takes the lease, or renews it at half of its time. Returns whether this server has it.
    pub(crate) async fn keep(&mut self) -> Result<bool, StoreError> {
        let now = Instant::now();
        if !self.is_held || now >= self.renew {
            self.is_held = false;
            self.is_held =
                self.store.task_lease(self.name, self.holder, self.clock.now(), self.length).await?;
            self.renew = now + self.length / 2;
        }
        Ok(self.is_held)
    }

    pub(crate) const fn is_held(&self) -> bool {
        self.is_held
    }

    /// Gives the lease back, if this server has it. If that fails, another server waits until it ends.
    pub(crate) async fn end_or_warn(self) {
        if self.is_held
            && let Err(error) = self.store.end_task_lease(self.name, self.holder).await
        {
            let (task, seconds) = (self.name, self.length.as_secs());
            tracing::warn!(task, seconds, error = %Chain(&error), "a lease was not given back; another server takes over when it ends");
        }
    }
}
