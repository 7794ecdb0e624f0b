//! A round of deliveries to one endpoint: messages are sent at the same time, and their results recorded together.
//!
//! At most [`MOST_WAITING`] deliveries to an endpoint wait for another attempt. With more, its position stands still:
//! the feed is the queue of an endpoint that is down.
//!
//! An ordered endpoint gets one message at a time, and a round ends after [`ORDERED_ROUND`]. After a failure its
//! position stands still until that item is delivered.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use wallet_core::{TenantId, Timestamp};

use crate::query::{FeedFilter, FeedItem, ReadError};
use crate::store::{DeliveryResults, DeliveryRow, EndpointRow, StoreError};
use crate::webhooks::deliverer::Deliverer;
use crate::webhooks::endpoints::{EndpointInfo, EndpointState};
use crate::webhooks::{Failure, Message, WebhookUrl, schedule};

/// The most messages of a round.
const AT_ONCE: usize = 16;
/// The time after which a round of an ordered endpoint sends no other message, so that its results are recorded and a
/// change of the endpoint is noticed.
const ORDERED_ROUND: Duration = Duration::from_secs(15);
/// The most deliveries to an endpoint that wait for another attempt.
const MOST_WAITING: u64 = 64;
/// The time without a success after which an endpoint is disabled.
const GIVE_UP: Duration = Duration::from_hours(5 * 24);

/// The reason why a round ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum RoundError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// The work of a round.
#[derive(Default)]
struct Work {
    /// The items to send, each with its earlier attempts.
    items: Vec<(FeedItem, i32)>,
    /// The waiting deliveries whose items are no longer in the feed.
    deleted: Vec<i64>,
    /// The position of the endpoint after the round.
    last_position: i64,
    /// True if so many deliveries wait that the position stands still.
    is_full: bool,
}

/// An attempt that was made.
struct Attempt {
    position: i64,
    /// The number of attempts before it.
    earlier: i32,
    failure: Option<Failure>,
}

impl Deliverer {
    /// Makes up to [`AT_ONCE`] attempts and records their results. Returns false if there was nothing to do.
    pub(super) async fn round(&self, row: &EndpointRow, is_probe: bool) -> Result<bool, RoundError> {
        let info = EndpointInfo::try_from(row)?;
        let work = self.collect(row, &info, is_probe).await?;
        if work.items.is_empty() && work.deleted.is_empty() && work.last_position == row.last_position {
            return Ok(false);
        }
        let collected = work.items.len();
        let attempts = match info.is_ordered {
            true => self.attempt_in_order(row, &info, work.items).await,
            false => self.attempt(row, &info, work.items).await,
        };
        let now = self.webhooks.clock.now();
        let (failing_since, state) = condition(&info, &attempts, now);
        let disabled = reason_of(state);
        let has_succeeded = attempts.iter().any(|attempt| attempt.failure.is_none());
        // The endpoint works again, so the waiting deliveries that have stopped its position become due at once.
        let retry_waiting = has_succeeded && work.is_full;
        let mut result = DeliveryResults {
            last_position: work.last_position,
            succeeded: work.deleted,
            failed: Vec::new(),
            failing_since,
            state: state.number(),
            disabled: disabled.map(str::to_owned),
        };
        if let Some(last) = attempts.last().filter(|_| attempts.len() < collected) {
            result.last_position = last.position.max(row.last_position);
        }
        for attempt in attempts {
            match &attempt.failure {
                None => result.succeeded.push(attempt.position),
                Some(failure) => {
                    if info.is_ordered {
                        result.last_position = attempt.position.max(row.last_position);
                    }
                    result.failed.push(failed(row, &attempt, failure, now));
                }
            }
        }
        let is_recorded = self.webhooks.store.record_deliveries(row, result, retry_waiting, now).await?;
        if let Some(reason) = disabled.filter(|_| is_recorded) {
            self.metrics.disabled.inc();
            tracing::error!(
                endpoint = info.id,
                url = info.url,
                reason,
                "an endpoint is disabled; enable it with UpdateWebhookEndpoint when it works again"
            );
        }
        Ok(true)
    }

    /// Collects the deliveries that are due, and new items if there is room for their failures.
    async fn collect(
        &self,
        row: &EndpointRow,
        info: &EndpointInfo,
        is_probe: bool,
    ) -> Result<Work, RoundError> {
        let (store, now) = (&self.webhooks.store, self.webhooks.clock.now());
        let mut work = Work { last_position: row.last_position, ..Work::default() };
        let mut due = Vec::new();
        if info.is_ordered {
            match store.webhook_delivery_first(row).await? {
                Some(first) if first.next_time <= now.as_micros() => due.push(first),
                Some(_) => {}
                None => self.add_new_items(row, info, AT_ONCE, &mut work).await?,
            }
        } else {
            due = store.webhook_deliveries_due(row, now, AT_ONCE as u64).await?;
            work.is_full = store.webhook_deliveries_waiting(row).await? >= MOST_WAITING;
            if due.is_empty() && work.is_full && is_probe {
                // A probe is none of the attempts after which a delivery is given up.
                let first = store.webhook_delivery_first(row).await?;
                due.extend(first.map(|first| DeliveryRow { attempts: (first.attempts - 1).max(0), ..first }));
            }
            if !work.is_full {
                self.add_new_items(row, info, AT_ONCE - due.len(), &mut work).await?;
            }
        }
        for delivery in due {
            let every = FeedFilter::default();
            let page = self.queries.feed(TenantId(row.tenant), &every, delivery.position - 1, 1).await;
            match page.map(|page| page.items.into_iter().next()) {
                Ok(Some(item)) => work.items.push((item, delivery.attempts)),
                Ok(None) | Err(ReadError::FeedPosition(_)) => work.deleted.push(delivery.position),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(work)
    }

    /// Adds items of the feed after the position of the endpoint.
    async fn add_new_items(
        &self,
        row: &EndpointRow,
        info: &EndpointInfo,
        most: usize,
        work: &mut Work,
    ) -> Result<(), RoundError> {
        if most == 0 {
            return Ok(());
        }
        let filter = FeedFilter { types: info.types.clone(), ..FeedFilter::default() };
        match self.queries.feed(TenantId(row.tenant), &filter, row.last_position, most).await {
            Ok(page) => {
                work.last_position = page.looked_at;
                work.items.extend(page.items.into_iter().map(|item| (item, 0)));
            }
            // The items after the position are deleted: the deliveries go on with the first one that is kept.
            Err(ReadError::FeedPosition(ends)) if row.last_position < ends.first => {
                let (endpoint, first) = (&info.id, ends.first);
                tracing::error!(
                    endpoint,
                    first,
                    "items of the feed were deleted undelivered; find what delays deliveries, or keep items for longer"
                );
                work.last_position = ends.first - 1;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Sends messages one after the other, until one fails or the time of a round is over.
    async fn attempt_in_order(
        &self,
        row: &EndpointRow,
        info: &EndpointInfo,
        items: Vec<(FeedItem, i32)>,
    ) -> Vec<Attempt> {
        let (mut attempts, begun) = (Vec::new(), Instant::now());
        for item in items {
            attempts.extend(self.attempt(row, info, vec![item]).await);
            if attempts.last().is_some_and(|attempt| attempt.failure.is_some()) {
                break;
            }
            if begun.elapsed() >= ORDERED_ROUND {
                break;
            }
        }
        attempts
    }

    /// Sends messages at the same time.
    async fn attempt(
        &self,
        row: &EndpointRow,
        info: &EndpointInfo,
        items: Vec<(FeedItem, i32)>,
    ) -> Vec<Attempt> {
        let tenant = TenantId(row.tenant);
        let catalog = self.catalogs.current(tenant);
        let now = self.webhooks.clock.now();
        let secrets = Arc::new(self.webhooks.secrets(row, now));
        let mut attempts = JoinSet::new();
        for (item, earlier) in items {
            let body = (self.render)(&catalog, &item);
            let (sender, allowed) = (self.webhooks.sender.clone(), Arc::clone(&self.webhooks.allowed));
            let (url, secrets) = (info.url.clone(), Arc::clone(&secrets));
            let id = format!("{}-{}", tenant.0.simple(), item.position);
            attempts.spawn(async move {
                let timestamp = now.as_micros() / 1_000_000;
                let signatures: Vec<String> =
                    secrets.iter().map(|secret| secret.sign(&id, timestamp, &body)).collect();
                let message = Message { id: &id, timestamp, body: &body, signatures: &signatures.join(" ") };
                let failure = match WebhookUrl::parse(&url, &allowed) {
                    Ok(url) => sender.post(&url, &message).await.err(),
                    Err(fault) => Some(Failure::not_allowed(&fault)),
                };
                Attempt { position: item.position, earlier, failure }
            });
        }
        let attempts = attempts.join_all().await;
        attempts.iter().for_each(|attempt| self.metrics.record(attempt.failure.is_none()));
        attempts
    }
}

/// Returns the time of the first failure since the last success, and the state that follows from the attempts.
fn condition(info: &EndpointInfo, attempts: &[Attempt], now: Timestamp) -> (Timestamp, EndpointState) {
    let mut failures = attempts.iter().filter_map(|attempt| attempt.failure.as_ref());
    let failing_since = if attempts.iter().any(|attempt| attempt.failure.is_none()) {
        Timestamp::NEVER
    } else if attempts.is_empty() {
        info.failing_since
    } else {
        info.failing_since.min(now)
    };
    let state = if failures.any(Failure::is_gone) {
        EndpointState::Gone
    } else if now.since(failing_since) >= GIVE_UP {
        EndpointState::Failing
    } else {
        EndpointState::Enabled
    };
    (failing_since, state)
}

/// Returns the reason why an endpoint is disabled that now has this state. `None`: it stays enabled.
const fn reason_of(state: EndpointState) -> Option<&'static str> {
    match state {
        EndpointState::Gone => Some("the endpoint answers 410 Gone"),
        EndpointState::Failing => Some("no delivery has succeeded for 5 days"),
        EndpointState::Enabled | EndpointState::Disabled => None,
    }
}

/// Returns the row of a delivery that has failed once more.
fn failed(row: &EndpointRow, attempt: &Attempt, failure: &Failure, now: Timestamp) -> DeliveryRow {
    let position = attempt.position;
    let attempts = attempt.earlier.saturating_add(1);
    let pause = if row.ordered { schedule::repeated_pause } else { schedule::pause };
    let pause = pause(attempts.unsigned_abs(), position.unsigned_abs());
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
