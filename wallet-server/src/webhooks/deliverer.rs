//! The deliverer sends the items of the feed to endpoints, and failed ones again on a schedule.
//!
//! One server at a time delivers, by a lease. Each endpoint has a position in the feed, up to which every item was
//! delivered or has a row among the failed deliveries; both are written in one transaction after the attempts. A server
//! that dies in between sends the same messages again, with the same ids.
//!
//! At most [`MOST_WAITING`] deliveries to an endpoint wait for another attempt. With more, its position stands still: the
//! feed is the queue of an endpoint that is down.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wallet_core::catalog::Catalog;
use wallet_core::{TenantId, Timestamp};

use crate::catalogs::PublishedCatalogs;
use crate::causes::Chain;
use crate::query::{FeedFilter, FeedItem, Queries, ReadError};
use crate::store::{Delivered, DeliveryRow, EndpointRow, StoreError};
use crate::webhooks::endpoints::{EndpointInfo, EndpointState};
use crate::webhooks::{Failure, Message, Secret, Sender, WebhookUrl, Webhooks, schedule};

/// The name of the job in its lease.
const JOB: &str = "webhooks";
/// The time after which another server takes over from one that has gone. A lease is renewed at half of it.
const LEASE: Duration = Duration::from_secs(10);
/// The interval at which endpoints with new items are looked for.
const PERIOD: Duration = Duration::from_millis(500);
/// The most messages to an endpoint at the same time.
const AT_ONCE: usize = 16;
/// The most deliveries to an endpoint that wait for another attempt.
const MOST_WAITING: u64 = 64;
/// The interval at which the longest waiting delivery is attempted while the position of its endpoint stands still.
const PROBE: Duration = Duration::from_secs(300);
/// The time without a success after which an endpoint is disabled.
const GIVE_UP: Duration = Duration::from_hours(5 * 24);
/// The time for which the previous secret signs as well.
const OVERLAP: Duration = Duration::from_hours(24);

/// The results of attempts in metrics.
const DELIVERED: &str = "delivered";
const FAILED: &str = "failed";

/// Renders an item as the body of a message.
pub(crate) type Render = Arc<dyn Fn(&Catalog, &FeedItem) -> Vec<u8> + Send + Sync>;

/// The metrics of the deliveries. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeliveryMetrics {
    attempts: Family<ResultLabel, Counter>,
    disabled: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

impl DeliveryMetrics {
    /// Registers the metrics. Both results begin at 0.
    pub(crate) fn register(&self, registry: &mut Registry) {
        for result in [DELIVERED, FAILED] {
            drop(self.attempts.get_or_create(&ResultLabel { result }));
        }
        registry.register(
            "wallet_webhook_attempts",
            "Attempts to deliver messages to endpoints, by result",
            self.attempts.clone(),
        );
        registry.register(
            "wallet_webhook_endpoints_disabled",
            "Endpoints that this server has disabled because they are gone or have failed for days",
            self.disabled.clone(),
        );
    }

    fn note(&self, succeeded: bool) {
        let result = if succeeded { DELIVERED } else { FAILED };
        self.attempts.get_or_create(&ResultLabel { result }).inc();
    }
}

/// The job that delivers. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Deliverer {
    pub(crate) webhooks: Webhooks,
    pub(crate) queries: Queries,
    pub(crate) catalogs: PublishedCatalogs,
    pub(crate) sender: Sender,
    pub(crate) render: Render,
    pub(crate) metrics: DeliveryMetrics,
}

/// The reason why a round ended early.
#[derive(Debug, thiserror::Error)]
enum RoundError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Deliverer {
    /// Delivers until `shutdown` is cancelled.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let holder = Uuid::new_v4();
        let (mut renew, mut has_lease) = (Instant::now(), false);
        let mut probed: HashMap<(Uuid, String), Instant> = HashMap::new();
        let mut tasks: HashMap<(Uuid, String), JoinHandle<()>> = HashMap::new();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = tokio::time::sleep(PERIOD) => {}
            }
            let now = Instant::now();
            if now >= renew {
                let lease =
                    self.webhooks.store.job_lease(JOB, holder, self.webhooks.clock.now(), LEASE).await;
                has_lease = noted(lease).unwrap_or(false);
                renew = now + if has_lease { LEASE / 2 } else { Duration::from_secs(1) };
            }
            if !has_lease {
                continue;
            }
            tasks.retain(|_, task| !task.is_finished());
            let Some(work) = noted(self.work().await) else { continue };
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
        if has_lease {
            noted(self.webhooks.store.end_job_lease(JOB, holder).await);
        }
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
            match noted(next).flatten().filter(|row| row.state == EndpointState::Enabled.number()) {
                Some(next) => row = next,
                None => return,
            }
        }
    }

    /// Makes up to [`AT_ONCE`] attempts and records their results. Returns false if nothing was to be done.
    async fn round(&self, row: &EndpointRow, is_probe: bool) -> Result<bool, RoundError> {
        let (tenant, now) = (TenantId(row.tenant), self.webhooks.clock.now());
        let info = EndpointInfo::try_from(row)?;
        let mut due = self.webhooks.store.webhook_deliveries_due(row, now, AT_ONCE as u64).await?;
        let is_full = self.webhooks.store.webhook_deliveries_waiting(row).await? >= MOST_WAITING;
        if due.is_empty() && is_full && is_probe {
            due = self.webhooks.store.webhook_deliveries(row, 0, 1).await?;
        }
        let room = if is_full { 0 } else { AT_ONCE - due.len() };
        let filter = FeedFilter { types: info.types.clone(), ..FeedFilter::default() };
        let mut items: Vec<(FeedItem, i32)> = Vec::new();
        let mut last_position = row.last_position;
        if room > 0 {
            let page = self.queries.feed(tenant, &filter, row.last_position, room).await;
            match page {
                Ok(page) => {
                    last_position = page.looked_at;
                    items.extend(page.items.into_iter().map(|item| (item, 0)));
                }
                // The items after the position are deleted: the deliveries go on with the first one that is kept.
                Err(ReadError::FeedPosition(ends)) if row.last_position < ends.first => {
                    tracing::error!(
                        endpoint = info.id,
                        first = ends.first,
                        "items of the feed were deleted undelivered"
                    );
                    last_position = ends.first - 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
        let mut result = Delivered { last_position, ..Delivered::default() };
        for delivery in due {
            let page = self.queries.feed(tenant, &FeedFilter::default(), delivery.position - 1, 1).await;
            match page.map(|page| page.items.into_iter().next()) {
                Ok(Some(item)) => items.push((item, delivery.attempts)),
                // The item is deleted.
                Ok(None) | Err(ReadError::FeedPosition(_)) => result.succeeded.push(delivery.position),
                Err(error) => return Err(error.into()),
            }
        }
        if items.is_empty() && last_position == row.last_position && result.succeeded.is_empty() {
            return Ok(false);
        }
        let (mut succeeded, mut is_gone) = (false, false);
        for (position, attempts, failure) in self.attempt(tenant, row, &info, items).await {
            match failure {
                None => {
                    succeeded = true;
                    result.succeeded.push(position);
                }
                Some(failure) => {
                    is_gone |= failure.is_gone();
                    result.failed.push(failed(row, position, attempts, &failure, self.webhooks.clock.now()));
                }
            }
        }
        let failing_since = match (succeeded, result.failed.is_empty()) {
            (true, _) => Timestamp::NEVER,
            (false, true) => info.failing_since,
            (false, false) => info.failing_since.min(now),
        };
        let state = match (is_gone, now.since(failing_since) >= GIVE_UP) {
            (true, _) => EndpointState::Gone,
            (false, true) => EndpointState::Failing,
            (false, false) => EndpointState::Enabled,
        };
        if state != EndpointState::Enabled {
            self.metrics.disabled.inc();
            tracing::error!(endpoint = info.id, url = info.url, ?state, "an endpoint is disabled");
        }
        // The endpoint is up again: the deliveries that have filled its room need not wait for their turns.
        let hasten = (succeeded && is_full).then(|| self.webhooks.clock.now());
        self.webhooks.store.record_deliveries(row, result, failing_since, state.number(), hasten).await?;
        Ok(true)
    }

    /// Sends messages at the same time. Returns the position of each, its earlier attempts, and its failure.
    async fn attempt(
        &self,
        tenant: TenantId,
        row: &EndpointRow,
        info: &EndpointInfo,
        items: Vec<(FeedItem, i32)>,
    ) -> Vec<(i64, i32, Option<Failure>)> {
        let catalog = self.catalogs.current(tenant);
        let now = self.webhooks.clock.now();
        let is_rotated = now < Timestamp::from_micros(row.rotate_time).plus(OVERLAP);
        let previous = (info.secret_version > 1 && is_rotated).then(|| info.secret_version - 1);
        let secret = |version| Secret::derive(&self.webhooks.master, tenant, &info.id, version);
        let secrets: Vec<Secret> =
            [Some(info.secret_version), previous].into_iter().flatten().map(secret).collect();
        let secrets = Arc::new(secrets);
        let mut attempts = JoinSet::new();
        for (item, earlier) in items {
            let body = (self.render)(&catalog, &item);
            let (sender, allowed) = (self.sender.clone(), Arc::clone(&self.webhooks.allowed));
            let (url, secrets) = (info.url.clone(), Arc::clone(&secrets));
            let id = format!("{}-{}", tenant.0.simple(), item.position);
            attempts.spawn(async move {
                let timestamp = now.as_micros() / 1_000_000;
                let signatures: Vec<String> =
                    secrets.iter().map(|secret| secret.sign(&id, timestamp, &body)).collect();
                let message = Message { id: &id, timestamp, body: &body, signatures: &signatures.join(" ") };
                let failure = match WebhookUrl::parse(&url, &allowed) {
                    Ok(url) => sender.post(&url, &message).await.err(),
                    Err(text) => Some(Failure { status: None, retry_after: None, text }),
                };
                (item.position, earlier, failure)
            });
        }
        let results = attempts.join_all().await;
        results.iter().for_each(|(.., failure)| self.metrics.note(failure.is_none()));
        results
    }
}

/// Returns the row of a delivery that has failed once more.
fn failed(row: &EndpointRow, position: i64, earlier: i32, failure: &Failure, now: Timestamp) -> DeliveryRow {
    let attempts = earlier.saturating_add(1);
    let pause = schedule::pause(attempts.unsigned_abs(), position.unsigned_abs());
    let pause = pause.map(|pause| pause.max(failure.retry_after.unwrap_or_default()));
    DeliveryRow {
        tenant: row.tenant,
        endpoint_id: row.endpoint_id.clone(),
        position,
        attempts,
        attempt_time: now.as_micros(),
        next_time: pause.map_or(Timestamp::NEVER, |pause| now.plus(pause)).as_micros(),
        failure: failure.text.clone(),
    }
}

/// Logs a failure.
fn noted<T>(done: Result<T, StoreError>) -> Option<T> {
    done.inspect_err(|error| {
        tracing::warn!(error = %Chain(error), "webhooks cannot be delivered; they will be tried again");
    })
    .ok()
}
