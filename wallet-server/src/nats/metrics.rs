//! The metrics of the publisher.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The metrics of the publisher. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct PublisherMetrics {
    pub(super) published: Counter,
    pub(super) failures: Counter,
    /// The items of all feeds that the stream has not acknowledged.
    pub(super) lag: Gauge,
}

impl PublisherMetrics {
    /// Registers the metrics.
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "wallet_nats_published",
            "Items of the feed that the NATS stream has acknowledged to this server",
            self.published.clone(),
        );
        registry.register(
            "wallet_nats_failures",
            "Failures to publish items to NATS; they are published again",
            self.failures.clone(),
        );
        registry.register(
            "wallet_nats_lag",
            "Items of the feed that the NATS stream lacks; 0 while another server publishes",
            self.lag.clone(),
        );
    }
}
