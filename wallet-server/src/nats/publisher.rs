//! The publisher sends the items of all feeds to the stream, each feed in its order.
//!
//! One server at a time publishes, by a lease. Each feed has a position, up to which the stream has acknowledged every
//! item. A server that begins, or that continues after a failure, reads the last item of the feed in the stream,
//! because the stream may have more than was acknowledged, or may have lost messages. Two servers that publish the same
//! items at the same time give them the same ids, by which the stream drops the second one.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wallet_core::TenantId;

use super::metrics::PublisherMetrics;
use super::stream::{FeedName, NatsError, Outgoing, Stream};
use crate::catalogs::PublishedCatalogs;
use crate::causes::Chain;
use crate::clock::Clock;
use crate::config::NatsConfig;
use crate::query::{FeedFilter, Queries, ReadError};
use crate::store::{Store, StoreError};
use crate::task_lease::TaskLease;
use crate::webhooks::Render;

/// The name of the task in its lease.
const TASK: &str = "nats";
/// The time after which another server takes over from a server that has stopped. A lease is renewed at half of it.
const LEASE: Duration = Duration::from_secs(10);
/// The interval at which new items are looked for.
const PERIOD: Duration = Duration::from_millis(200);
/// The interval at which a server without the lease tries to get it.
const WITHOUT_LEASE: Duration = Duration::from_secs(1);
/// The most items that are sent before the first of them is acknowledged.
const IN_FLIGHT: usize = 256;
/// The pauses after failures. They double, and are up to twice as long at random.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The time limit for the items of a tenant that are sent together.
const LIMIT: Duration = LEASE;
/// The interval at which a failure that lasts is logged.
const WARNING: Duration = Duration::from_secs(60);

/// The background task that publishes.
pub(crate) struct Publisher {
    pub(crate) config: NatsConfig,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) queries: Queries,
    pub(crate) catalogs: PublishedCatalogs,
    pub(crate) render: Render,
    pub(crate) metrics: PublisherMetrics,
}

/// The connection to NATS, and the state of the server that publishes.
#[derive(Default)]
struct Session {
    stream: Option<Stream>,
    /// The connections that were made when the ends in the stream were read.
    connections: u64,
    /// The feeds whose ends in the stream are known.
    feeds: BTreeMap<TenantId, FeedInStream>,
    /// The times of the last warnings. `None`: about failures of all tenants.
    warned: BTreeMap<Option<TenantId>, Instant>,
}

/// A feed and the position of its last item in the stream.
#[derive(Debug, Clone)]
struct FeedInStream {
    feed: FeedName,
    last: i64,
}

impl Session {
    /// Logs the first failure, and then one of each [`WARNING`].
    fn warn(&mut self, tenant: Option<TenantId>, position: i64, error: &(dyn Error + 'static)) {
        let now = Instant::now();
        if self.warned.get(&tenant).is_some_and(|last| now < *last + WARNING) {
            return;
        }
        self.warned.insert(tenant, now);
        let tenant = tenant.map(|tenant| tenant.0.to_string());
        tracing::warn!(tenant, position, error = %Chain(error), "items are not published to NATS; they will be tried again");
    }
}

impl Publisher {
    /// Publishes until `shutdown` is cancelled.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let mut lease = TaskLease::new(self.store.clone(), self.clock.clone(), TASK, LEASE);
        let (mut session, mut pauses, mut pause) = (Session::default(), pauses(), PERIOD);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
            // Items on their way are looked for in the stream by the server that continues.
            let done = tokio::select! {
                () = shutdown.cancelled() => break,
                done = self.pass(&mut session, &mut lease) => done,
            };
            pause = match done {
                Ok(true) => {
                    session.warned.clear();
                    pauses = self::pauses();
                    if lease.is_held() { PERIOD } else { WITHOUT_LEASE }
                }
                failed => {
                    self.metrics.failures.inc();
                    if let Err(error) = failed {
                        session.warn(None, 0, &error);
                    }
                    session.feeds.clear();
                    pauses.next().unwrap_or(LONGEST_PAUSE)
                }
            };
        }
        lease.end_or_warn().await;
    }

    /// Publishes until the stream has all items. Returns false if those of some tenants were not published.
    async fn pass(&self, session: &mut Session, lease: &mut TaskLease) -> Result<bool, StoreError> {
        let mut failed = BTreeSet::new();
        while lease.keep().await? {
            let (ends, positions) = (self.store.feed_ends().await?, self.store.nats_positions().await?);
            let position = |tenant: &TenantId| positions.get(tenant).copied().unwrap_or_default();
            let lacking: BTreeMap<TenantId, i64> =
                ends.iter().map(|(tenant, ends)| (*tenant, (ends.last - position(tenant)).max(0))).collect();
            self.metrics.lag.set(lacking.values().sum());
            let next = lacking.into_iter().filter(|(tenant, items)| *items > 0 && !failed.contains(tenant));
            let next: Vec<TenantId> = next.map(|(tenant, _)| tenant).collect();
            if next.is_empty() {
                return Ok(failed.is_empty());
            }
            for tenant in next {
                let publishing = self.publish(session, tenant, position(&tenant));
                let done = tokio::time::timeout(LIMIT, publishing).await;
                if let Err(error) = done.unwrap_or(Err(NatsError::Slow(LIMIT))) {
                    session.warn(Some(tenant), position(&tenant), &error);
                    // The next tenant reads its last item in the stream, which fails if NATS does not answer.
                    session.feeds.clear();
                    if !error.is_of_one_tenant() {
                        return Ok(false);
                    }
                    failed.insert(tenant);
                } else {
                    session.warned.remove(&Some(tenant));
                }
                if !lease.keep().await? {
                    break;
                }
            }
        }
        self.metrics.lag.set(0);
        session.feeds.clear();
        Ok(failed.is_empty())
    }

    /// Publishes the next items of a feed, and moves its position to the last that was acknowledged without a gap.
    async fn publish(&self, session: &mut Session, tenant: TenantId, position: i64) -> Result<(), NatsError> {
        let stream = match &session.stream {
            Some(stream) => stream,
            None => session.stream.insert(Stream::open(&self.config).await?),
        };
        if session.connections != stream.connections() {
            session.connections = stream.connections();
            session.feeds.clear();
        }
        let FeedInStream { feed, last: after } = match session.feeds.get(&tenant) {
            Some(feed) => feed.clone(),
            None => self.end_in_stream(stream, tenant, position).await?,
        };
        let page = match self.queries.feed(tenant, &FeedFilter::default(), after, IN_FLIGHT).await {
            Ok(page) => page,
            Err(ReadError::FeedPosition(ends)) if after < ends.first => {
                tracing::error!(
                    tenant = feed.name,
                    from = after + 1,
                    to = ends.first - 1,
                    "items of the feed were deleted unpublished; find what delays NATS, or keep items for longer"
                );
                session.feeds.insert(tenant, FeedInStream { feed, last: ends.first - 1 });
                return Ok(self.store.move_nats_position(tenant, ends.first - 1).await?);
            }
            Err(ReadError::FeedPosition(ends)) => {
                return Err(NatsError::Ahead { tenant: feed.name, stream: after, feed: ends.last });
            }
            Err(error) => return Err(error.into()),
        };
        let catalog = self.catalogs.current(tenant);
        let positions: Vec<i64> = page.items.iter().map(|item| item.position).collect();
        let items = page.items.iter().map(|item| Outgoing {
            position: item.position,
            item_type: item.item_type.name(),
            wallet: item.wallet.clone(),
            body: (self.render)(&catalog, item),
        });
        let (published, failure) = stream.publish(&feed, items.collect()).await;
        self.metrics.published.inc_by(published as u64);
        let reached = match (&failure, published.checked_sub(1)) {
            (None, _) => page.looked_at,
            (Some(_), Some(last)) => positions[last],
            (Some(_), None) => after,
        };
        if reached > position {
            self.store.move_nats_position(tenant, reached).await?;
        }
        session.feeds.insert(tenant, FeedInStream { feed, last: reached });
        failure.map_or(Ok(()), Err)
    }

    /// Returns the position after which a feed continues: that of its last item in the stream, or the position in the
    /// database if the stream has none. An item that the feed does not have at its position is an error.
    async fn end_in_stream(
        &self,
        stream: &Stream,
        tenant: TenantId,
        position: i64,
    ) -> Result<FeedInStream, NatsError> {
        let row = self.store.tenant(tenant).await?;
        let name = row.map_or_else(|| tenant.0.simple().to_string(), |row| row.name);
        let feed = FeedName { tenant, name };
        let Some(last) = stream.last_item(&feed).await? else {
            return Ok(FeedInStream { feed, last: position });
        };
        if last.position < position {
            tracing::error!(
                tenant = feed.name,
                stream = last.position,
                acknowledged = position,
                "the stream has lost items; they are published again"
            );
        }
        if last.position != position {
            let read = self.queries.feed(tenant, &FeedFilter::default(), last.position - 1, 1).await;
            let items = match read {
                Ok(page) => page.items,
                // The feed has deleted the item, or ends before it, which the next read finds.
                Err(ReadError::FeedPosition(_)) => Vec::new(),
                Err(error) => return Err(error.into()),
            };
            let item = items.first().filter(|item| item.position == last.position);
            let is_same = |item| last.is_same(&(self.render)(&self.catalogs.current(tenant), item));
            if !item.is_none_or(is_same) {
                return Err(NatsError::Different { tenant: feed.name, position: last.position });
            }
        }
        Ok(FeedInStream { feed, last: last.position })
    }
}

fn pauses() -> ExponentialBackoff {
    let pauses = ExponentialBuilder::default().with_jitter().without_max_times();
    pauses.with_min_delay(FIRST_PAUSE).with_max_delay(LONGEST_PAUSE).build()
}
