//! The metrics of the certificate.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::certificate::Certificate;

/// The results of reading changed files in metrics.
const REPLACED: &str = "replaced";
const REFUSED: &str = "refused";

/// The metrics of the certificate. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct TlsMetrics {
    reloads: Family<ResultLabel, Counter>,
    end: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

impl TlsMetrics {
    /// Registers the metrics. Both results begin at 0.
    pub(super) fn register(&self, registry: &mut Registry) {
        for result in [REPLACED, REFUSED] {
            drop(self.reloads.get_or_create(&ResultLabel { result }));
        }
        registry.register(
            "wallet_tls_reloads",
            "Reads of changed certificate files, by result",
            self.reloads.clone(),
        );
        registry.register(
            "wallet_tls_certificate_end_timestamp_seconds",
            "The end of the certificate in use, in Unix time",
            self.end.clone(),
        );
    }

    /// Notes the certificate (PEM) that is in use.
    pub(super) fn record_certificate(&self, pem: &[u8]) {
        if let Some(certificate) = Certificate::first(pem) {
            self.end.set(certificate.end.as_micros() / 1_000_000);
        }
    }

    pub(super) fn record_reload(&self, succeeded: bool) {
        let result = if succeeded { REPLACED } else { REFUSED };
        self.reloads.get_or_create(&ResultLabel { result }).inc();
    }
}
