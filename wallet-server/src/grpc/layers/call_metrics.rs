//! The metrics of calls, under the names that dashboards for gRPC servers know.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use http::{HeaderMap, Response, StatusCode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::time::Instant;
use tonic::{Code, Status};

use super::trace::is_failure;
use crate::traces::CallSpan;

/// The upper bounds of the buckets of durations, in seconds.
const SECONDS: [f64; 14] =
    [0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];

/// The number of codes of gRPC.
const CODES: usize = 17;

/// The codes that are counted from 0. Prometheus sees no increase in a counter that begins with 1, so an alert would
/// miss the first defect of a method.
const FROM_ZERO: [Code; 4] = [Code::Ok, Code::Unavailable, Code::Internal, Code::DataLoss];

type Labels = Vec<(&'static str, String)>;

/// The metrics of all methods.
#[derive(Debug)]
pub(crate) struct CallMetrics {
    methods: HashMap<String, Arc<MethodMetrics>>,
    /// Those of paths that are no method. A caller cannot make labels.
    unknown: Arc<MethodMetrics>,
    /// False if the server has no address that shows the metrics. Then calls are not counted.
    is_monitored: bool,
}

/// The metrics of one method. A call looks up nothing else.
#[derive(Debug)]
struct MethodMetrics {
    labels: [(&'static str, String); 2],
    handled: Family<Labels, Counter>,
    /// The counters by code, made by the first call with the code.
    by_code: [OnceLock<Counter>; CODES],
    seconds: Histogram,
}

/// A call that is being answered. Counted when it is dropped.
#[derive(Debug)]
pub(crate) struct ObservedCall {
    method: Arc<MethodMetrics>,
    started: Instant,
    code: Option<Code>,
    trace: Option<CallSpan>,
    is_counted: bool,
}

impl CallMetrics {
    /// Registers the metrics of the methods with these paths.
    pub(crate) fn register<'a>(
        registry: &mut Registry,
        paths: impl Iterator<Item = &'a str>,
        is_monitored: bool,
    ) -> Self {
        let handled = Family::<Labels, Counter>::default();
        let seconds = Family::<Labels, Histogram>::new_with_constructor(|| Histogram::new(SECONDS));
        registry.register(
            "grpc_server_handled",
            "Calls that have ended, by the code of gRPC with which they were answered",
            handled.clone(),
        );
        registry.register_with_unit(
            "grpc_server_handling",
            "Time from the headers of a call to the end of its reply",
            Unit::Seconds,
            seconds.clone(),
        );
        let of = |service: &str, method: &str| {
            let labels = [("grpc_service", service.to_owned()), ("grpc_method", method.to_owned())];
            let metrics = MethodMetrics {
                seconds: seconds.get_or_create_owned(&labels.to_vec()),
                labels,
                handled: handled.clone(),
                by_code: Default::default(),
            };
            for code in FROM_ZERO {
                metrics.counter(code);
            }
            Arc::new(metrics)
        };
        let methods = paths.filter_map(|path| {
            let (service, method) = path.strip_prefix('/')?.split_once('/')?;
            Some((path.to_owned(), of(service, method)))
        });
        Self { methods: methods.collect(), unknown: of("unknown", "unknown"), is_monitored }
    }

    /// Begins to observe a call.
    pub(crate) fn begin(&self, path: &str, started: Instant) -> ObservedCall {
        let method = self.methods.get(path).unwrap_or(&self.unknown);
        let is_counted = self.is_monitored;
        ObservedCall { method: Arc::clone(method), started, code: None, trace: None, is_counted }
    }
}

impl MethodMetrics {
    fn counter(&self, code: Code) -> Option<&Counter> {
        let with_code = || {
            let labels = [self.labels.as_slice(), &[("grpc_code", format!("{code:?}"))]].concat();
            self.handled.get_or_create_owned(&labels)
        };
        Some(self.by_code.get(code as usize)?.get_or_init(with_code))
    }

    fn count(&self, code: Code) {
        if let Some(counter) = self.counter(code) {
            counter.inc();
        }
    }
}

impl ObservedCall {
    /// Returns the names of the service and of the method, which are "unknown" for a path that is no method.
    pub(crate) fn method(&self) -> (&str, &str) {
        let [(_, service), (_, method)] = &self.method.labels;
        (service, method)
    }

    /// Ends this span with the call.
    pub(crate) fn trace(&mut self, span: Option<CallSpan>) {
        self.trace = span;
    }

    /// Records the code of a reply, if its headers have it. A request that was no call has an HTTP error instead.
    pub(crate) fn record_reply<B>(&mut self, reply: &Response<B>) {
        if reply.status() == StatusCode::OK {
            self.record_code(reply.headers());
        } else {
            self.code = Some(Code::Unknown);
        }
    }

    /// Records the code of the call, if these headers or trailers have it.
    pub(crate) fn record_code(&mut self, headers: &HeaderMap) {
        if let Some(code) = headers.get(Status::GRPC_STATUS) {
            self.code = Some(Code::from_bytes(code.as_bytes()));
        }
    }
}

impl Drop for ObservedCall {
    fn drop(&mut self) {
        // A reply without a code was not sent to its end: the caller is gone.
        let code = self.code.unwrap_or(Code::Cancelled);
        if self.is_counted {
            self.method.count(code);
            self.method.seconds.observe(self.started.elapsed().as_secs_f64());
        }
        if let Some(span) = &self.trace {
            span.end(code.into(), is_failure(code).then(|| format!("{code:?}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    #[test]
    fn calls_are_counted_by_method_and_code_and_paths_of_callers_make_no_labels() {
        let mut registry = Registry::default();
        let metrics = CallMetrics::register(&mut registry, ["/a.B/C"].into_iter(), true);
        let mut fine = metrics.begin("/a.B/C", Instant::now());
        fine.record_code(&HeaderMap::from_iter([("grpc-status".parse().unwrap(), "0".parse().unwrap())]));
        drop(fine);
        drop(metrics.begin("/a.B/C", Instant::now()));
        for path in ["/a.B/D", "", "/\"evil"] {
            drop(metrics.begin(path, Instant::now()));
        }
        let mut page = String::new();
        encode(&mut page, &registry).unwrap();
        for line in [
            "grpc_server_handled_total{grpc_service=\"a.B\",grpc_method=\"C\",grpc_code=\"Ok\"} 1\n",
            "grpc_server_handled_total{grpc_service=\"a.B\",grpc_method=\"C\",grpc_code=\"Cancelled\"} 1\n",
            "grpc_code=\"Cancelled\"} 3\n",
            "grpc_server_handled_total{grpc_service=\"a.B\",grpc_method=\"C\",grpc_code=\"Internal\"} 0\n",
            "grpc_server_handling_seconds_count{grpc_service=\"a.B\",grpc_method=\"C\"} 2\n",
        ] {
            assert!(page.contains(line), "{line} {page}");
        }
        assert!(!page.contains("evil"), "{page}");
    }
}
