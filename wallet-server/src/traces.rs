//! Traces: a span for each call and each batch, sent to a collector by OTLP over gRPC. Without a collector there are no
//! spans, and a call costs a comparison.
//!
//! The span of a call continues the trace of its caller (W3C Trace Context). A batch decides commands of many callers,
//! so its span has a trace of its own and links to their spans, which have an event for each command. Spans contain ids
//! of wallets, but no amounts, no keys and no texts of errors.

mod exporter;

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use http::{HeaderMap, Uri};
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{
    Link, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceId, TraceState, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
pub use opentelemetry_otlp::ExporterBuildError as TracesError;
use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SamplingResult, SdkTracer, SdkTracerProvider, ShouldSample};
use wallet_core::WalletId;

use crate::store::StoreErrorKind;
use exporter::Exporter;
pub(crate) use exporter::is_about_a_failed_export;

/// The name of the service, unless `OTEL_SERVICE_NAME` has another.
const SERVICE: &str = "wallet-server";
/// The most commands of one call or one batch that a span shows.
const COMMANDS: u32 = 256;
/// The time for the last spans to reach the collector when the server stops.
const LAST_SPANS: Duration = Duration::from_secs(3);

/// The collector, and which calls are traced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceSettings {
    /// Receives the spans.
    pub collector: Collector,
    /// The percentage of the calls that are traced, of those whose caller has not decided; 0 to 100.
    pub percent: u32,
}

/// The address of a collector, as in `http://localhost:4317`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collector(Uri);

/// The text is not the address of a collector.
#[derive(Debug, thiserror::Error)]
#[error("must be the address of an OTLP collector for gRPC, as in http://localhost:4317, is {0:?}")]
pub struct NoCollector(String);

impl FromStr for Collector {
    type Err = NoCollector;

    fn from_str(text: &str) -> Result<Self, NoCollector> {
        let uri: Option<Uri> = text.parse().ok();
        let is_address = |uri: &Uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
        };
        uri.filter(is_address).map(Self).ok_or_else(|| NoCollector(text.to_owned()))
    }
}

impl fmt::Display for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Makes spans, if there is a collector. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traces(Option<Sending>);

#[derive(Debug, Clone)]
struct Sending {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// The span of a call. Cheap to clone; it is sent when the call ends.
#[derive(Debug, Clone)]
pub(crate) struct CallSpan(Context);

/// The span of a batch, if one of its calls has a span. It is sent when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct BatchSpan(Option<Context>);

impl Traces {
    /// Returns traces that are sent to a collector, in the background. The collector may start later.
    pub(crate) fn sent_to(settings: &TraceSettings) -> Result<Self, TracesError> {
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(settings.collector.to_string())
            .with_tls_config(ClientTlsConfig::new().with_enabled_roots());
        let mut resource = Resource::builder();
        if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name(SERVICE);
        }
        let exporter = Exporter::new(exporter.build()?, settings.collector.clone());
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(CallsAndTheirBatches::new(settings.percent))
            .with_max_links_per_span(COMMANDS)
            .with_max_events_per_span(COMMANDS)
            .with_resource(resource.build())
            .build();
        let tracer = provider.tracer(SERVICE);
        Ok(Self(Some(Sending { provider, tracer })))
    }

    /// Begins the span of a call to a method, unless the call is not to be traced.
    pub(crate) fn call(
        &self,
        (service, method): (&str, &str),
        request_id: impl fmt::Display,
        headers: &HeaderMap,
    ) -> Option<CallSpan> {
        let Sending { tracer, .. } = self.0.as_ref()?;
        let caller = TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(headers));
        let caller = without_state(caller.span().span_context());
        let span = tracer
            .span_builder(format!("{service}/{method}"))
            .with_kind(SpanKind::Server)
            .with_attributes([
                KeyValue::new("rpc.system", "grpc"),
                KeyValue::new("rpc.service", service.to_owned()),
                KeyValue::new("rpc.method", method.to_owned()),
                KeyValue::new("wallet.request_id", request_id.to_string()),
            ])
            .start_with_context(tracer, &caller);
        let span = caller.with_span(span);
        span.span().is_recording().then_some(CallSpan(span))
    }

    /// Begins the span of a batch that decides commands of these calls.
    pub(crate) fn batch<'a>(&self, calls: impl Iterator<Item = &'a CallSpan>) -> BatchSpan {
        let Some(Sending { tracer, .. }) = self.0.as_ref() else { return BatchSpan::default() };
        // A call with many commands has one link.
        let calls: HashMap<SpanId, SpanContext> = calls
            .map(|call| call.0.span().span_context().clone())
            .map(|call| (call.span_id(), call))
            .collect();
        let links: Vec<Link> = calls.into_values().map(Link::with_context).collect();
        if links.is_empty() {
            return BatchSpan::default();
        }
        let span = tracer.span_builder("batch").with_kind(SpanKind::Internal).with_links(links);
        let root = Context::new();
        BatchSpan(Some(root.with_span(span.start_with_context(tracer, &root))))
    }

    /// Sends the last spans.
    pub(crate) async fn finish(self) {
        let Some(Sending { provider, .. }) = self.0 else { return };
        let sent = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LAST_SPANS)).await;
        if let Ok(Err(error)) = sent {
            tracing::warn!(%error, "the last spans did not reach the collector");
        }
    }
}

impl CallSpan {
    /// Returns the id of the trace, for lines of the log.
    pub(crate) fn trace_id(&self) -> TraceId {
        self.0.span().span_context().trace_id()
    }

    /// Records that a command of the call was decided: the time that it waited for its batch, and the time that the
    /// batch took.
    pub(crate) fn decided(&self, wallet: &WalletId, command: &'static str, waited: Duration, took: Duration) {
        let attributes = vec![
            KeyValue::new("wallet.id", wallet.to_string()),
            KeyValue::new("wallet.command", command),
            KeyValue::new("wallet.waited_ms", millis(waited)),
            KeyValue::new("wallet.batch_ms", millis(took)),
        ];
        self.0.span().add_event("decided", attributes);
    }

    /// Ends the span with the code of the call, and the name of the code if the server has failed.
    pub(crate) fn end(&self, code: i32, failure: Option<String>) {
        let span = self.0.span();
        span.set_attribute(KeyValue::new("rpc.grpc.status_code", i64::from(code)));
        if let Some(failure) = failure {
            span.set_status(Status::error(failure));
        }
        span.end();
    }
}

impl BatchSpan {
    /// Records where the batch ran, and how many commands it decided.
    pub(crate) fn ran(&self, lane: usize, commands: usize) {
        let Some(span) = &self.0 else { return };
        span.span().set_attributes([
            KeyValue::new("wallet.lane", count(lane)),
            KeyValue::new("wallet.commands", count(commands)),
        ]);
    }

    /// Records that everything is decided. The rest of the span is the write and the commit.
    pub(crate) fn decided(&self) {
        if let Some(span) = &self.0 {
            span.span().add_event("decided", Vec::new());
        }
    }

    /// Records that the batch runs again, and the kind of the failure.
    pub(crate) fn retried(&self, failure: StoreErrorKind) {
        if let Some(span) = &self.0 {
            span.span().add_event("retried", vec![KeyValue::new("cause", failure.to_string())]);
        }
    }
}

/// Traces the calls whose callers want it, a part of the calls whose callers have not decided, and the batches of
/// traced calls.
#[derive(Debug, Clone)]
struct CallsAndTheirBatches(Sampler);

impl CallsAndTheirBatches {
    fn new(percent: u32) -> Self {
        let part = Sampler::TraceIdRatioBased(f64::from(percent) / 100.0);
        Self(Sampler::ParentBased(Box::new(part)))
    }
}

impl ShouldSample for CallsAndTheirBatches {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let sampler = if *kind == SpanKind::Internal { &Sampler::AlwaysOn } else { &self.0 };
        sampler.should_sample(parent, trace, name, kind, attributes, links)
    }
}

/// Returns the caller's span without its `tracestate`, whose 16 KiB every link would repeat.
fn without_state(caller: &SpanContext) -> Context {
    let root = Context::new();
    if !caller.is_valid() {
        return root;
    }
    let (trace, span, flags) = (caller.trace_id(), caller.span_id(), caller.trace_flags());
    root.with_remote_span_context(SpanContext::new(trace, span, flags, true, TraceState::default()))
}

/// The headers of a call, for the propagator.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
