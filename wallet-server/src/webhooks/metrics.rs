//! The metrics of the deliveries.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// The results of attempts in metrics.
const DELIVERED: &str = "delivered";
const FAILED: &str = "failed";

/// The metrics of the deliveries. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeliveryMetrics {
    attempts: Family<ResultLabel, Counter>,
    pub(super) disabled: Counter,
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

    pub(super) fn record(&self, succeeded: bool) {
        let result = if succeeded { DELIVERED } else { FAILED };
        self.attempts.get_or_create(&ResultLabel { result }).inc();
    }
}
