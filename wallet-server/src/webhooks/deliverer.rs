//! The deliverer sends the items of the feed to endpoints, and failed ones again on a schedule.
//!
//! One server at a time delivers, by a lease. Each endpoint has a position in the feed, up to which every item was
//! delivered or has a row among the failed deliveries; both are written in one transaction after the attempts. A server
//! that dies in between sends the same messages again, with the same ids.
//!
//! Each endpoint is served by a task of its own, round by round, until it has everything.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wallet_core::TenantId;
use wallet_core::catalog::Catalog;

use crate::catalogs::PublishedCatalogs;
use crate::causes::Chain;
use crate::query::{FeedItem, Queries};
use crate::store::{EndpointRow, StoreError};
use crate::task_lease::TaskLease;
use crate::webhooks::Webhooks;
use crate::webhooks::endpoints::EndpointState;
use crate::webhooks::metrics::DeliveryMetrics;

/// The name of the task in its lease.
const TASK: &str = "webhooks";
/// The time after which another server takes over from a server that has stopped. A lease is renewed at half of it.
const LEASE: Duration = Duration::from_secs(10);
/// The interval at which endpoints with new items are looked for.
const PERIOD: Duration = Duration::from_millis(500);
/// The interval at which a server without the lease tries to get it.
const WITHOUT_LEASE: Duration = Duration::from_secs(1);
/// The interval at which the waiting delivery with the lowest position is attempted while the position of its endpoint
/// stands still.
const PROBE: Duration = Duration::from_secs(300);

/// Renders an item as the body of a message.
pub(crate) type Render = Arc<dyn Fn(&Catalog, &FeedItem) -> Vec<u8> + Send + Sync>;

/// The background task that delivers. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Deliverer {
    pub(crate) webhooks: Webhooks,
    pub(crate) queries: Queries,
    pub(crate) catalogs: PublishedCatalogs,
    pub(crate) render: Render,
    pub(crate) metrics: DeliveryMetrics,
}

impl Deliverer {
    /// Delivers until `shutdown` is cancelled.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let (store, clock) = (self.webhooks.store.clone(), self.webhooks.clock.clone());
        let (mut lease, mut pause) = (TaskLease::new(store, clock, TASK, LEASE), PERIOD);
        let mut probed: HashMap<(Uuid, String), Instant> = HashMap::new();
        let mut tasks: HashMap<(Uuid, String), JoinHandle<()>> = HashMap::new();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
            let now = Instant::now();
            pause = PERIOD;
            if !logged(lease.keep().await).unwrap_or(false) {
                // Another server delivers to the same endpoints.
                tasks.drain().for_each(|(_, task)| task.abort());
                pause = WITHOUT_LEASE;
                continue;
            }
            tasks.retain(|_, task| !task.is_finished());
            let Some(work) = logged(self.work().await) else { continue };
            let enabled: HashSet<_> = work.iter().map(|(row, _)| (row.tenant, &row.endpoint_id)).collect();
            probed.retain(|(tenant, endpoint_id), _| enabled.contains(&(*tenant, endpoint_id)));
            for (row, is_due) in work {
                let key = (row.tenant, row.endpoint_id.clone());
                let is_probe = probed.get(&key).is_none_or(|last| now >= *last + PROBE);
                if tasks.contains_key(&key) || !(is_due || is_probe) {
                    continue;
                }
                if is_probe {
                    probed.insert(key.clone(), now);
                }
                let deliverer = self.clone();
                tasks.insert(key, tokio::spawn(async move { deliverer.serve(row, is_probe).await }));
            }
        }
        for (_, task) in tasks {
            task.abort();
        }
        lease.end_or_warn().await;
    }

    /// Returns the enabled endpoints, each with whether the feed has new items for it or one of its deliveries is due.
    async fn work(&self) -> Result<Vec<(EndpointRow, bool)>, StoreError> {
        let (store, now) = (&self.webhooks.store, self.webhooks.clock.now());
        let enabled = store.webhook_endpoints_in(EndpointState::Enabled.number()).await?;
        if enabled.is_empty() {
            return Ok(Vec::new());
        }
        let (ends, due) = (store.feed_ends().await?, store.webhook_endpoints_due(now).await?);
        let has_work = |row: &EndpointRow| {
            ends.get(&TenantId(row.tenant)).is_some_and(|ends| ends.last > row.last_position)
                || due.contains(&(row.tenant, row.endpoint_id.clone()))
        };
        let with_work = |row: EndpointRow| {
            let has_work = has_work(&row);
            (row, has_work)
        };
        Ok(enabled.into_iter().map(with_work).collect())
    }

    /// Delivers to an endpoint until it has everything.
    async fn serve(&self, mut row: EndpointRow, mut is_probe: bool) {
        loop {
            match self.round(&row, is_probe).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(endpoint = row.endpoint_id, error = %Chain(&error), "deliveries stopped; they will be tried again");
                    return;
                }
            }
            is_probe = false;
            let next = self.webhooks.store.webhook_endpoint(TenantId(row.tenant), &row.endpoint_id).await;
            match logged(next).flatten().filter(|row| row.state == EndpointState::Enabled.number()) {
                Some(next) => row = next,
                None => return,
            }
        }
    }
}

/// Logs a failure.
fn logged<T>(done: Result<T, StoreError>) -> Option<T> {
    done.inspect_err(|error| {
        tracing::warn!(error = %Chain(error), "webhooks cannot be delivered; they will be tried again");
    })
    .ok()
}
