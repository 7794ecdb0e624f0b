//! Sends spans to the collector. The log has a line when the collector stops taking spans and one when it takes them
//! again, instead of two lines for each failed export, of which there is one every five seconds.

use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tracing::Metadata;

use super::Collector;

/// An exporter whose failures are logged when they begin and when they end.
#[derive(Debug)]
pub(super) struct Exporter<E> {
    inner: E,
    collector: Collector,
    is_failing: AtomicBool,
}

/// Returns whether a line of the library is about a failure that an [`Exporter`] logs when it begins.
pub(crate) fn is_about_a_failed_export(line: &Metadata<'_>) -> bool {
    line.target() == "opentelemetry-otlp" && line.name().starts_with("Export.Failed")
}

impl<E> Exporter<E> {
    pub(super) const fn new(inner: E, collector: Collector) -> Self {
        Self { inner, collector, is_failing: AtomicBool::new(false) }
    }
}

impl<E: SpanExporter> SpanExporter for Exporter<E> {
    /// Sends spans. Returns no error, which the library would log each time.
    async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        let sent = self.inner.export(spans).await;
        let was_failing = self.is_failing.swap(sent.is_err(), Ordering::Relaxed);
        let collector = &self.collector;
        match sent {
            Err(error) if !was_failing => {
                tracing::warn!(%collector, %error, "spans are lost: the collector does not take them");
            }
            Ok(()) if was_failing => tracing::info!(%collector, "the collector takes spans again"),
            _ => {}
        }
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_sdk::error::OTelSdkError;

    use super::*;
    use crate::memory_log::MemoryLog;

    /// A collector that is away or not.
    #[derive(Debug, Default)]
    struct Fake {
        is_away: AtomicBool,
    }

    impl SpanExporter for Fake {
        async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
            match self.is_away.load(Ordering::Relaxed) {
                true => Err(OTelSdkError::InternalFailure("away".to_owned())),
                false => Ok(()),
            }
        }
    }

    #[tokio::test]
    async fn the_log_has_a_line_when_the_collector_goes_and_when_it_returns() {
        let (log, _guard) = MemoryLog::of_this_thread();
        let exporter = Exporter::new(Fake::default(), "http://localhost:4317".parse().unwrap());
        for is_away in [false, true, true, true, false, false, true, false] {
            exporter.inner.is_away.store(is_away, Ordering::Relaxed);
            exporter.export(Vec::new()).await.unwrap();
        }
        let levels: Vec<String> = log.lines("").iter().map(|line| line["level"].to_string()).collect();
        assert_eq!(levels, [r#""WARN""#, r#""INFO""#, r#""WARN""#, r#""INFO""#]);
        let lost = &log.lines("spans are lost")[0]["fields"];
        assert_eq!(lost["collector"], "http://localhost:4317/");
        assert_eq!(lost["error"], "Operation failed: away");
    }
}
