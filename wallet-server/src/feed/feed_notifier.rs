//! Notifies the readers of this server that a feed has new items.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wallet_core::TenantId;

use super::places::{AllStreamPlaces, StreamPlace, StreamPlaces};
use crate::causes::Chain;
use crate::store::{FeedEnds, Store};

/// Looks at the ends of the feeds for all readers together, while there is one. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct FeedNotifier {
    ends: watch::Sender<BTreeMap<TenantId, FeedEnds>>,
    places: StreamPlaces,
    /// Cancelled when the server stops.
    stopping: CancellationToken,
}

/// Wakes one reader of a tenant's feed.
#[derive(Debug)]
pub(crate) struct FeedListener {
    ends: watch::Receiver<BTreeMap<TenantId, FeedEnds>>,
    tenant: TenantId,
    _place: StreamPlace,
    stopping: CancellationToken,
}

/// Why a listener stopped waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wakeup {
    /// There is something that the reader does not know.
    Changed,
    /// The time has passed.
    TimedOut,
    /// The server stops.
    Stopping,
}

impl FeedNotifier {
    /// Returns a notifier for at most `watchers` readers of one tenant. [`Self::publish`] wakes them.
    pub(crate) fn new(watchers: usize, all: AllStreamPlaces) -> Self {
        let (ends, places) = (watch::Sender::new(BTreeMap::new()), StreamPlaces::new(watchers, all));
        Self { ends, places, stopping: CancellationToken::new() }
    }

    /// Looks at the ends of the feeds every `period` until `shutdown` is cancelled, which ends all listeners.
    pub(crate) async fn publish(self, store: Store, period: Duration, shutdown: CancellationToken) {
        let _stopping = self.stopping.clone().drop_guard();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(period) => {}
            }
            if self.ends.receiver_count() == 0 {
                continue;
            }
            match store.feed_ends().await {
                Ok(ends) => {
                    self.ends.send_if_modified(|known| {
                        let changed = *known != ends;
                        *known = ends;
                        changed
                    });
                }
                Err(error) => {
                    tracing::warn!(error = %Chain(&error), "cannot read the ends of the feeds; it will be tried again");
                }
            }
        }
    }

    /// Returns a listener to a tenant's feed, or the limit that leaves no place for it.
    pub(crate) fn listen(&self, tenant: TenantId) -> Result<FeedListener, usize> {
        let place = self.places.take(tenant)?;
        let (ends, stopping) = (self.ends.subscribe(), self.stopping.clone());
        Ok(FeedListener { ends, tenant, _place: place, stopping })
    }
}

impl FeedListener {
    /// Waits until the feed has items after a position, for at most `longest`.
    pub(crate) async fn after(&mut self, position: i64, longest: Duration) -> Wakeup {
        let tenant = self.tenant;
        let has_items =
            |ends: &BTreeMap<TenantId, FeedEnds>| ends.get(&tenant).is_some_and(|ends| ends.last > position);
        tokio::select! {
            () = self.stopping.cancelled() => Wakeup::Stopping,
            waited = tokio::time::timeout(longest, self.ends.wait_for(has_items)) => match waited {
                Ok(Ok(_)) => Wakeup::Changed,
                Ok(Err(_)) => Wakeup::Stopping,
                Err(_) => Wakeup::TimedOut,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_listener_waits_for_items_of_its_tenant_for_the_time_or_for_the_end() {
        let notifier = FeedNotifier::new(1, AllStreamPlaces::new(1));
        let mut listener = notifier.listen(TenantId::DEFAULT).unwrap();
        let (soon, longest) = (Duration::from_millis(1), Duration::from_secs(60));
        assert_eq!(listener.after(0, soon).await, Wakeup::TimedOut);
        let ends = |last| FeedEnds { first: 1, last };
        notifier.ends.send_replace(BTreeMap::from([(TenantId(uuid::Uuid::nil()), ends(9))]));
        assert_eq!(listener.after(0, soon).await, Wakeup::TimedOut, "another tenant");
        notifier.ends.send_replace(BTreeMap::from([(TenantId::DEFAULT, ends(7))]));
        assert_eq!(listener.after(6, longest).await, Wakeup::Changed);
        assert_eq!(listener.after(7, soon).await, Wakeup::TimedOut, "nothing after the last position");
        notifier.stopping.cancel();
        assert_eq!(listener.after(7, longest).await, Wakeup::Stopping);
    }
}
