//! Counts the holds of the database for operators. It does not depend on the sweeper, so it also counts holds that no
//! sweep reaches.

use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::causes::Chain;
use crate::clock::Clock;
use crate::store::{Store, StoreError};

/// The time between two counts.
const PERIOD: Duration = Duration::from_secs(15);
/// The time between two counts of all holds is at least this many times the duration of a count, which reads every
/// hold. A count of 150 ms is repeated after 15 s.
const PAUSE_FACTOR: u32 = 100;

/// The metrics of all holds in the database. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct HoldMetrics {
    open: Gauge,
    overdue: Gauge,
    /// The age of the oldest overdue hold in seconds.
    oldest: Gauge,
}

impl HoldMetrics {
    /// Registers the metrics.
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register("wallet_holds_open", "Holds in the database", self.open.clone());
        registry.register(
            "wallet_holds_overdue",
            "Holds whose time has come and that no sweep has processed yet",
            self.overdue.clone(),
        );
        registry.register_with_unit(
            "wallet_holds_oldest_overdue",
            "Time since the oldest overdue hold fell due",
            Unit::Seconds,
            self.oldest.clone(),
        );
    }
}

/// The background task that counts the holds.
#[derive(Debug, Clone)]
pub(crate) struct HoldWatch {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) metrics: HoldMetrics,
}

impl HoldWatch {
    /// Counts until `shutdown` is cancelled. After a failure the metrics keep the last figures.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut next_open = Instant::now();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
            }
            if let Err(error) = self.count(&mut next_open).await {
                tracing::warn!(error = %Chain(&error), "cannot count the holds; their metrics keep the last figures");
            }
        }
    }

    /// Counts the overdue holds, and all of them if it is time for that.
    async fn count(&self, next_open: &mut Instant) -> Result<(), StoreError> {
        let now = self.clock.now();
        let overdue = self.store.holds_before(now).await?;
        self.metrics.overdue.set(overdue.map_or(0, |overdue| overdue.count));
        let oldest = overdue.map_or(0, |overdue| now.since(overdue.oldest).as_secs());
        self.metrics.oldest.set(i64::try_from(oldest).unwrap_or(i64::MAX));
        let began = Instant::now();
        if began >= *next_open {
            self.metrics.open.set(self.store.open_holds().await?);
            *next_open = began + began.elapsed() * PAUSE_FACTOR;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tamper;

    #[tokio::test]
    async fn all_holds_are_counted_again_when_it_is_time_for_that() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/wallet.db", folder.path().display());
        let store = Store::open(&url).await.unwrap();
        store.migrate().await.unwrap();
        let lane = store.lane().await.unwrap();
        let hold = async |id: &str| {
            let sql = format!(
                "INSERT INTO holds (sweep_at, bucket, wallet_key, reservation_id) VALUES (9, 0, x'00', '{id}')"
            );
            tamper(lane.raw(), &sql).await;
        };
        let watch = HoldWatch { store, clock: Clock::system(), metrics: HoldMetrics::default() };
        let figures = || (watch.metrics.open.get(), watch.metrics.overdue.get());
        let mut next = Instant::now();
        let before = Instant::now();
        hold("j1").await;
        watch.count(&mut next).await.unwrap();
        assert_eq!(figures(), (1, 1));
        assert!(next > before, "a count puts off the next one");
        hold("j2").await;
        next = Instant::now() + PERIOD;
        watch.count(&mut next).await.unwrap();
        assert_eq!(figures(), (1, 2), "overdue holds are always counted");
        next = Instant::now();
        watch.count(&mut next).await.unwrap();
        assert_eq!(figures(), (2, 2));
    }
}
