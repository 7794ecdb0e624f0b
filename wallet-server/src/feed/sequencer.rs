//! The sequencer moves items from the outbox into the feed, where they have positions.
//!
//! One server at a time does so, by a lease. The order of the feed does not depend on the lease: it is kept by the
//! statements of [`Store::sequence`], on any number of servers.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::causes::Chain;
use crate::clock::Clock;
use crate::store::{Store, StoreError, StoreErrorKind};
use crate::task_lease::TaskLease;

/// The name of the task in its lease.
const TASK: &str = "feed";
/// The time after which another server takes over from one that has gone. A lease is renewed at half of it.
const LEASE: Duration = Duration::from_secs(5);
/// The interval at which a server without the lease tries to get it.
const WITHOUT_LEASE: Duration = Duration::from_secs(1);
/// The interval at which old blocks are deleted.
const TRIM: Duration = Duration::from_secs(60);
/// The most bytes of items that are taken out of several buckets at a time.
const TOGETHER: i64 = 1024 * 1024;

/// The metrics of the sequencer. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct SequencerMetrics {
    items: Counter,
    failures: Counter,
    /// The time of the last pass without a failure, in seconds since 1970.
    last_pass: Gauge,
}

impl SequencerMetrics {
    /// Registers the metrics.
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "wallet_feed_items",
            "Items of the feed that got positions from this server",
            self.items.clone(),
        );
        registry.register(
            "wallet_feed_failures",
            "Failures to move items from the outbox into the feed",
            self.failures.clone(),
        );
        registry.register_with_unit(
            "wallet_feed_last_pass_timestamp",
            "When this server last emptied the outbox, in Unix time; 0 while another server does",
            Unit::Seconds,
            self.last_pass.clone(),
        );
    }
}

/// The background task that gives items their positions.
#[derive(Debug, Clone)]
pub(crate) struct Sequencer {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    /// The time between two passes over the outbox.
    pub(crate) period: Duration,
    /// The time for which items are kept.
    pub(crate) retention: Duration,
    pub(crate) metrics: SequencerMetrics,
}

impl Sequencer {
    /// Gives positions until `shutdown` is cancelled.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let mut lease = TaskLease::new(self.store.clone(), self.clock.clone(), TASK, LEASE);
        let mut trim = Instant::now();
        loop {
            let pause = if lease.is_held() { self.period } else { self.period.max(WITHOUT_LEASE) };
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
            let now = Instant::now();
            if !self.logged(lease.keep().await).unwrap_or(false) {
                self.metrics.last_pass.set(0);
                continue;
            }
            if self.logged(self.pass().await).is_some() {
                self.metrics.last_pass.set(self.clock.now().as_micros() / 1_000_000);
            }
            if now >= trim {
                let trimmed = self.store.trim_feed(self.clock.now().minus(self.retention)).await;
                // The rest is deleted after the next pass, so that it delays no new items.
                if self.logged(trimmed) != Some(true) {
                    trim = now + TRIM;
                }
            }
        }
        lease.end_or_warn().await;
    }

    /// Gives positions to the items that are in the outbox now.
    async fn pass(&self) -> Result<(), StoreError> {
        let mut failed = None;
        for buckets in groups(self.store.outbox().await?) {
            match self.take(&buckets).await {
                Ok(()) => {}
                // A row that cannot be decoded stops its own bucket only.
                Err(error) if error.kind == StoreErrorKind::Unreadable => {
                    for bucket in buckets {
                        if let Err(error) = self.take(&[bucket]).await {
                            failed = Some(error);
                        }
                    }
                }
                Err(error) => return Err(error),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn take(&self, buckets: &[i16]) -> Result<(), StoreError> {
        let items = self.store.sequence(buckets, self.clock.now()).await?;
        self.metrics.items.inc_by(items as u64);
        Ok(())
    }

    /// Logs and counts a failure.
    fn logged<T>(&self, done: Result<T, StoreError>) -> Option<T> {
        done.inspect_err(|error| {
            self.metrics.failures.inc();
            tracing::warn!(error = %Chain(error), "the feed was not advanced or trimmed; it will be tried again");
        })
        .ok()
    }
}

/// Divides buckets, each with the bytes of its items, into groups that are taken out together. A group of several
/// buckets has at most [`TOGETHER`].
fn groups(buckets: Vec<(i16, i64)>) -> Vec<Vec<i16>> {
    let (mut groups, mut sum): (Vec<Vec<i16>>, i64) = (Vec::new(), 0);
    for (bucket, bytes) in buckets {
        sum += bytes;
        match groups.last_mut().filter(|_| sum <= TOGETHER) {
            Some(group) => group.push(bucket),
            None => {
                groups.push(vec![bucket]);
                sum = bytes;
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_taken_together_up_to_a_bound() {
        let half = TOGETHER / 2;
        assert_eq!(groups(vec![]), Vec::<Vec<i16>>::new());
        assert_eq!(groups(vec![(1, half), (2, half), (3, 1)]), [vec![1, 2], vec![3]]);
        assert_eq!(groups(vec![(1, 9 * half), (2, 1), (3, 1)]), [vec![1], vec![2, 3]]);
    }
}
