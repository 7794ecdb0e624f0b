//! Traces, as a collector receives them by OTLP over gRPC.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use opentelemetry::Context;
use opentelemetry::trace::{
    FutureExt, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{Span, status};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};
use wallet_client::{ClientConfig, WalletClient, v1};
use wallet_server::{Config, TraceSettings};

use crate::harness::{Database, Process, Server, credits};
use crate::shorthand::{explicit, gift};

/// The caller's trace and span.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// The spans that a collector has received, and the names of their services.
#[derive(Clone, Default)]
struct Collected(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Collected {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for resource in request.into_inner().resource_spans {
            let attributes = resource.resource.expect("a resource").attributes;
            let name = attributes.iter().find(|pair| pair.key == "service.name").expect("service.name");
            assert!(format!("{name:?}").contains("wallet-server"), "{name:?}");
            let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            self.0.lock().expect("no panic").extend(spans);
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collected {
    /// Starts a collector. Returns its address too.
    async fn start() -> (Self, String) {
        let (collected, listener) =
            (Self::default(), TcpListener::bind("127.0.0.1:0").await.expect("a port"));
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let service = TraceServiceServer::new(collected.clone());
        let server = tonic::transport::Server::builder().add_service(service);
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        (collected, address)
    }

    /// Returns the spans that the server has sent, after its end.
    fn spans(&self) -> Vec<Span> {
        self.0.lock().expect("no panic").clone()
    }
}

fn traced(collector: &str, percent: u32) -> Config {
    let collector = collector.parse().expect("an address");
    Config { traces: Some(TraceSettings { collector, percent }), ..Config::default() }
}

/// Returns the caller's header.
fn parent(flags: &str) -> String {
    format!("00-{TRACE}-{CALLER}-{flags}")
}

/// Returns the spans of this name.
fn named<'a>(spans: &'a [Span], name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

/// Returns the attributes as text.
fn attributes(pairs: &[opentelemetry_proto::tonic::common::v1::KeyValue]) -> HashMap<&str, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        Value::DoubleValue(number) => number.to_string(),
        other => panic!("{other:?}"),
    };
    let value = |pair: &opentelemetry_proto::tonic::common::v1::KeyValue| {
        pair.value.as_ref().and_then(|value| value.value.as_ref()).map(text).unwrap_or_default()
    };
    pairs.iter().map(|pair| (pair.key.as_str(), value(pair))).collect()
}

const GRANT: &str = "wallet.v1.AdminService/Grant";

mod a_call_continues_its_callers_trace_and_its_batch_links_to_it {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        given(Database::sqlite()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        given(Database::postgres()).await;
    }

    async fn given(database: Database) {
        let (collected, collector) = Collected::start().await;
        let server = Server::start_with(database, traced(&collector, 0)).await;
        let client = server.wallet("w", 100).await;
        let caller = client.with_metadata("traceparent", &parent("01")).unwrap();
        let caller = caller.with_metadata("x-request-id", "job-7").unwrap();
        caller.grant(gift("w", "a", credits(5))).await.unwrap();
        caller.grant(gift("nobody", "a", credits(5))).await.unwrap_err();
        server.stop().await;

        let spans = collected.spans();
        let calls = named(&spans, GRANT);
        let [granted, refused] = calls[..] else { panic!("{spans:#?}") };
        for call in [granted, refused] {
            assert_eq!(
                (hex(&call.trace_id), hex(&call.parent_span_id)),
                (TRACE.to_owned(), CALLER.to_owned())
            );
            assert_eq!(call.kind(), SpanKind::Server);
            assert_eq!(call.status.clone().unwrap_or_default().code(), status::StatusCode::Unset);
        }
        let of_call = attributes(&granted.attributes);
        assert_eq!(of_call["rpc.grpc.status_code"], "0");
        assert_eq!(of_call["wallet.request_id"], "job-7");
        assert_eq!(attributes(&refused.attributes)["rpc.grpc.status_code"], "5");
        let [decided] = &granted.events[..] else { panic!("{granted:#?}") };
        let decided = attributes(&decided.attributes);
        assert_eq!((decided["wallet.id"].as_str(), decided["wallet.command"].as_str()), ("w", "Grant"));
        let took: f64 = decided["wallet.batch_ms"].parse().unwrap();
        assert!(took > 0.0, "{decided:?}");

        let batches = named(&spans, "batch");
        let is_linked = |batch: &&&Span| batch.links.iter().any(|link| link.span_id == granted.span_id);
        let batch = batches.iter().find(is_linked).unwrap_or_else(|| panic!("{spans:#?}"));
        assert_ne!(batch.trace_id, granted.trace_id);
        assert_eq!(attributes(&batch.attributes)["wallet.commands"], "1");
        assert_eq!(batch.events[0].name, "decided");
        assert_eq!(spans.len(), calls.len() + batches.len(), "no call without a recorded caller is traced");
    }
}

#[tokio::test]
async fn a_caller_that_records_no_trace_is_not_traced_and_others_are_by_percentage() {
    let (collected, collector) = Collected::start().await;
    let server = Server::start_with(Database::sqlite(), traced(&collector, 100)).await;
    let client = server.wallet("w", 100).await;
    let silent = client.with_metadata("traceparent", &parent("00")).unwrap();
    silent.grant(gift("w", "a", credits(5))).await.unwrap();
    let odd = client.with_metadata("traceparent", "00-not-a-trace").unwrap();
    odd.grant(gift("w", "b", credits(5))).await.unwrap();
    server.stop().await;
    let spans = collected.spans();
    assert_eq!(named(&spans, "wallet.v1.AdminService/CreateWallet").len(), 1);
    let calls = named(&spans, GRANT);
    assert_eq!(calls.len(), 1, "{spans:#?}");
    assert!(calls[0].parent_span_id.is_empty() && hex(&calls[0].trace_id) != TRACE);
}

#[tokio::test]
async fn the_client_sends_the_trace_of_its_caller() {
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let (collected, collector) = Collected::start().await;
    let server = Server::start_with(Database::sqlite(), traced(&collector, 0)).await;
    let client = server.wallet("w", 100).await;
    let caller = SpanContext::new(
        TraceId::from_hex(TRACE).unwrap(),
        SpanId::from_hex(CALLER).unwrap(),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    );
    let reserve = explicit("w", "job", vec![credits(5)]);
    let caller = Context::new().with_remote_span_context(caller);
    client.reserve(reserve).with_context(caller).await.unwrap();
    server.stop().await;
    let spans = collected.spans();
    let calls = named(&spans, "wallet.v1.WalletService/Reserve");
    let [call] = calls[..] else { panic!("{spans:#?}") };
    assert_eq!((hex(&call.trace_id), hex(&call.parent_span_id)), (TRACE.to_owned(), CALLER.to_owned()));
}

#[tokio::test]
async fn a_collector_that_is_away_delays_neither_calls_nor_the_stop() {
    let begun = std::time::Instant::now();
    let server = Server::start_with(Database::sqlite(), traced("http://127.0.0.1:1", 100)).await;
    server.wallet("w", 100).await;
    server.stop().await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
}

/// A collector that closes each connection at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_takes_nothing_is_logged_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let collector = format!("http://{}", listener.local_addr().unwrap());
    let arguments = ["--traces-collector", &collector];
    let (database, often) = (Database::sqlite(), [("OTEL_BSP_SCHEDULE_DELAY", "50")]);
    let (mut server, log) = Process::start_logged_with(&database, &arguments, &often);
    let client = WalletClient::connect(ClientConfig::new(server.endpoint())).await.unwrap();
    // More connections than one export makes.
    for n in 0..16 {
        client.create_wallet(v1::CreateWalletRequest::new(format!("w-{n}"))).await.unwrap();
        drop(listener.accept().await.unwrap());
    }
    drop(listener);
    server.stop();
    let log = log.join().unwrap();
    let about = |text: &str| log.lines().filter(|line| line.contains(text)).count();
    assert_eq!((about("spans are lost"), about("Export")), (1, 0), "{log}");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
