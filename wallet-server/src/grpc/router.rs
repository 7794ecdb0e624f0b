//! The list of all services and of the layers around them.

mod other;

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use http::{Request, Response, StatusCode, header};
use prost::bytes::Bytes;
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::server::NamedService;
use tonic_reflection::server as reflection;
use tower::{BoxError, Service};
use wallet_proto::v1::admin_service_server::AdminServiceServer;
use wallet_proto::v1::catalog_service_server::CatalogServiceServer;
use wallet_proto::v1::event_service_server::EventServiceServer;
use wallet_proto::v1::key_service_server::KeyServiceServer;
use wallet_proto::v1::tenant_service_server::TenantServiceServer;
use wallet_proto::v1::test_clock_service_server::TestClockServiceServer;
use wallet_proto::v1::wallet_service_server::WalletServiceServer;
use wallet_proto::v1::webhook_service_server::WebhookServiceServer;

use super::admin::AdminRpcs;
use super::catalog::CatalogRpcs;
use super::connect::Methods;
use super::error::RpcError;
use super::event::EventRpcs;
use super::key::KeyRpcs;
use super::layers::{
    CallMetrics, CallPlaces, CallerCheck, HEALTH_WATCH, InProgress, Messages, Protocol, REQUEST_ID, Reply,
    RequestIds, catch_panic, framed, in_time, log_end, protocol, time_left,
};
use super::origins::Origins;
use super::tenant::TenantRpcs;
use super::test_clock::TestClockRpcs;
use super::transport::{CertificateKey, Peer};
use super::wallet::WalletRpcs;
use super::webhook::WebhookRpcs;
use super::{Health, Services};
use crate::call_name::{CallName, Safe};
use crate::settings::Limits;
use crate::traces::Traces;

/// The body of a request, as the transport delivers it.
pub(super) trait RequestBody:
    http_body::Body<Data = Bytes, Error: Into<BoxError>> + Unpin + Send + 'static
{
}

impl<B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Unpin + Send + 'static> RequestBody for B {}

/// The methods whose replies last as long as the caller reads them.
const STREAMS: [&str; 3] =
    ["/wallet.v1.EventService/WatchFeed", "/wallet.v1.EventService/WatchWallet", HEALTH_WATCH];

type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// The work of a handler, or the reply to a call that has none.
type Work = Result<Answering, Box<Response<Body>>>;

/// A service that is called without knowing its type.
trait Rpcs<B>: Send + Sync {
    fn call(&self, request: Request<Messages<B>>) -> Answering;
}

impl<B, S> Rpcs<B> for S
where
    S: Service<Request<Messages<B>>, Response = Response<Body>, Error = Infallible, Future = Answering>
        + Clone
        + Send
        + Sync,
{
    fn call(&self, request: Request<Messages<B>>) -> Answering {
        // The services of tonic are always ready.
        Service::call(&mut self.clone(), request)
    }
}

/// The services by name, the most used one first.
pub(super) struct Routes<B>(Vec<(&'static str, Box<dyn Rpcs<B>>)>);

impl<B: RequestBody> Routes<B> {
    #[expect(private_bounds, reason = "all services of tonic have it")]
    pub(super) fn with<S: Rpcs<B> + NamedService + 'static>(mut self, service: S) -> Self {
        self.0.push((S::NAME, Box::new(service)));
        self
    }

    /// Returns the service of a path of the form /service/method.
    fn find(&self, path: &str) -> Option<&dyn Rpcs<B>> {
        let (service, _) = path.strip_prefix('/')?.split_once('/')?;
        self.0.iter().find(|(name, _)| *name == service).map(|(_, rpcs)| rpcs.as_ref())
    }
}

impl<B> Default for Routes<B> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Returns the routes of all services, reflection and health included.
pub(super) fn routes<B: RequestBody>(
    services: Services,
    health: &Health,
    limits: &Limits,
) -> Result<Routes<B>, reflection::Error> {
    let services = Arc::new(services);
    let wallet = WalletServiceServer::new(WalletRpcs(Arc::clone(&services)));
    let admin = AdminServiceServer::new(AdminRpcs(Arc::clone(&services)));
    let catalog = CatalogServiceServer::new(CatalogRpcs(Arc::clone(&services)));
    let event = EventServiceServer::new(EventRpcs(Arc::clone(&services)));
    let key = KeyServiceServer::new(KeyRpcs(Arc::clone(&services)));
    let webhook = WebhookServiceServer::new(WebhookRpcs(Arc::clone(&services)));
    let tenant = TenantServiceServer::new(TenantRpcs(Arc::clone(&services)));
    let test_clock = TestClockServiceServer::new(TestClockRpcs(services));
    let mut routes = Routes::default();
    // The limits of tonic are per service and apply after decompression. `framed` applies the limits per method.
    macro_rules! add {
        ($($service:expr, $bytes:expr;)+) => {$(
            routes = routes.with(
                $service
                    .max_decoding_message_size($bytes)
                    .accept_compressed(Gzip)
                    .send_compressed(Gzip),
            );
        )+};
    }
    add! {
        wallet, limits.many_message_bytes;
        admin, limits.message_bytes;
        event, limits.message_bytes;
        key, limits.message_bytes;
        webhook, limits.message_bytes;
        tenant, limits.message_bytes;
        test_clock, limits.message_bytes;
        catalog, limits.catalog_message_bytes;
        health.server(), limits.message_bytes;
        reflector().build_v1()?, limits.message_bytes;
        reflector().build_v1alpha()?, limits.message_bytes;
    }
    Ok(routes)
}

/// Returns the description of the services.
fn reflector() -> reflection::Builder<'static> {
    reflection::Builder::configure()
        .register_encoded_file_descriptor_set(wallet_proto::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

/// Answers calls: the services and everything around them. Cheap to clone.
pub(super) struct Calls<B>(Arc<Shared<B>>);

struct Shared<B> {
    routes: Routes<B>,
    /// The methods that can be called without gRPC.
    methods: Methods,
    /// The web pages that may call.
    origins: Origins,
    caller_check: CallerCheck,
    limits: Limits,
    request_ids: RequestIds,
    places: Arc<CallPlaces>,
    metrics: Arc<CallMetrics>,
    traces: Traces,
}

impl<B: RequestBody> Calls<B> {
    pub(super) fn new(
        routes: Routes<B>,
        methods: Methods,
        origins: Origins,
        caller_check: CallerCheck,
        limits: Limits,
        metrics: Arc<CallMetrics>,
        traces: Traces,
    ) -> Self {
        let (request_ids, places) = (RequestIds::new(), CallPlaces::new(limits.calls_in_progress));
        Self(Arc::new(Shared {
            routes,
            methods,
            origins,
            caller_check,
            limits,
            request_ids,
            places,
            metrics,
            traces,
        }))
    }

    /// Answers a call within its deadline. The returned future runs within `limited`, and is moved into a task. It is
    /// small, because the request is already in the boxed future of its handler.
    pub(super) fn answer(
        &self,
        peer: Option<&Arc<Peer>>,
        mut request: Request<B>,
    ) -> impl Future<Output = Response<Reply>> + Send + use<B> {
        let started = Instant::now();
        let request_id = self.0.request_ids.of_call(request.headers(), started);
        if let Some(secret) = request.headers_mut().get_mut(header::AUTHORIZATION) {
            secret.set_sensitive(true);
        }
        if let Some(key) = peer.and_then(|peer| peer.key()) {
            request.extensions_mut().insert(key.clone());
        }
        let mut observed = self.0.metrics.begin(request.uri().path(), started);
        let id = Safe(request_id.header().as_bytes());
        let trace = self.0.traces.call(observed.method(), id, request.headers());
        observed.trace(trace.clone());
        let name = CallName::new(request.uri().clone(), request_id.clone(), trace);
        let (handler, deadline, rendering) = match protocol(&request) {
            Ok(Protocol::Grpc) => {
                let (handler, deadline) = self.grpc(request, started);
                (handler, deadline, None)
            }
            other => self.other(request, other, started),
        };
        let (places, peer) = (Arc::clone(&self.0.places), peer.cloned());
        async move {
            let mut response = match handler {
                Ok(handler) => {
                    let answer = counted(&places, peer, &name, handler);
                    let answer = name.clone().scope(in_time(deadline, answer)).await;
                    answer.unwrap_or_else(|late| late.map(Reply::from))
                }
                Err(refused) => refused.map(Reply::from),
            };
            // The code of a reply with messages is in its trailers.
            if response.headers().contains_key(Status::GRPC_STATUS) || response.status() != StatusCode::OK {
                log_end(&name, started, response.headers());
            }
            observed.record_reply(&response);
            response = response.map(|reply| reply.logged(name, started, observed));
            if let Some(rendering) = rendering {
                response = Box::pin(rendering.render(response)).await;
            }
            response.headers_mut().insert(REQUEST_ID, request_id.header().clone());
            response
        }
    }

    /// Returns the work of the handler of a gRPC call, and its deadline.
    fn grpc(&self, request: Request<B>, started: Instant) -> (Work, Instant) {
        let deadline = started + time_left(request.headers(), self.0.limits.longest_call);
        let most = self.0.limits.request_bytes(request.uri().path());
        (self.handler(framed(request, most), deadline), deadline)
    }

    /// Returns the work of the handler, which has not begun, or UNIMPLEMENTED. The check of the caller's key is part of
    /// the work: it is bounded by the deadline and by the places for calls in progress, and comes before the handler.
    fn handler(&self, mut request: Request<Messages<B>>, deadline: Instant) -> Work {
        let service = self.0.routes.find(request.uri().path());
        let service = service
            .ok_or_else(|| Box::new(Status::unimplemented("the server has no such method").into_http()))?;
        if let Some(caller) = self.0.caller_check.at_once(request.uri().path(), deadline) {
            request.extensions_mut().insert(caller);
            return Ok(service.call(request));
        }
        let calls = self.clone();
        Ok(Box::pin(async move {
            let (path, headers) = (request.uri().path(), request.headers());
            let key = request.extensions().get::<CertificateKey>();
            let caller = calls.0.caller_check.caller(path, headers, key, deadline).await;
            let service = calls.0.routes.find(request.uri().path());
            match (caller, service) {
                (Ok(Some(caller)), Some(service)) => {
                    request.headers_mut().remove(header::AUTHORIZATION);
                    request.extensions_mut().insert(caller);
                    service.call(request).await
                }
                (Err(refused), _) => Ok(Status::from(refused).into_http()),
                (Ok(_), _) => Ok(Status::unimplemented("the server has no such method").into_http()),
            }
        }))
    }
}

/// Answers a call, which counts as in progress until its reply has been read, or refuses it if the server is full.
async fn counted(
    places: &Arc<CallPlaces>,
    peer: Option<Arc<Peer>>,
    name: &CallName,
    handler: Answering,
) -> Response<Reply> {
    let path = name.uri().path();
    let Some(in_progress) = InProgress::begin(places, peer.as_ref(), path).await else {
        // UNAVAILABLE, not RESOURCE_EXHAUSTED: the call can be repeated.
        return Status::from(RpcError::shed()).into_http::<Body>().map(Reply::from);
    };
    let response = Reply::until_read(catch_panic(handler).await, in_progress);
    let is_refused = response.headers().contains_key(Status::GRPC_STATUS);
    if is_refused || !STREAMS.contains(&path) { response } else { response.map(Reply::streamed) }
}

impl<B> Clone for Calls<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B> fmt::Debug for Calls<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").field("limits", &self.0.limits).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderMap;
    use prometheus_client::registry::Registry;
    use tonic::Code;
    use tonic_types::StatusExt;

    use super::*;
    use crate::grpc::test_service::Misbehaving;
    use crate::grpc::transport::limited;

    fn calls() -> Calls<Body> {
        let limits = Limits { calls_in_progress: 2, ..Limits::default() };
        let methods = Methods::new().unwrap();
        let routes = Routes::default().with(Misbehaving);
        let metrics = Arc::new(CallMetrics::register(&mut Registry::default(), methods.paths(), true));
        Calls::new(routes, methods, Origins::default(), CallerCheck::Open, limits, metrics, Traces::default())
    }

    /// Answers a call as a task of the transport does.
    async fn answer(calls: &Calls<Body>, request: Request<Body>) -> Response<Reply> {
        limited(Duration::from_secs(60), calls.answer(None, request)).await.unwrap()
    }

    fn request(how: &str, timeout: &str) -> Request<Body> {
        Request::builder()
            .method("POST")
            .version(http::Version::HTTP_2)
            .uri(format!("/test.Misbehaving/{how}"))
            .header("content-type", "application/grpc")
            .header("grpc-timeout", timeout)
            .body(Body::default())
            .unwrap()
    }

    fn status(headers: &HeaderMap) -> Status {
        Status::from_header_map(headers).unwrap()
    }

    #[tokio::test]
    async fn a_panic_is_an_internal_error_and_other_calls_go_on() {
        let calls = calls();
        for _ in 0..3 {
            let answer = answer(&calls, request("panic", "1S")).await;
            assert_eq!(status(answer.headers()).code(), Code::Internal);
            assert!(
                answer.headers().contains_key("x-request-id"),
                "the id under which the log has the panic"
            );
        }
    }

    #[tokio::test]
    async fn handlers_know_the_tenant_and_callers_their_request_id() {
        let mut request = request("fine", "1S");
        request.headers_mut().insert("x-request-id", "mine".parse().unwrap());
        let answer = answer(&calls(), request).await;
        assert_eq!(status(answer.headers()).message(), "tenant");
        assert_eq!(answer.headers()["x-request-id"], "mine");
    }

    #[tokio::test]
    async fn an_unknown_service_is_unimplemented_and_a_late_answer_is_refused() {
        for path in ["/test.Other/fine", "/test.Misbehaving", "/", "/test.Misbehavingx/fine"] {
            let mut request = request("fine", "1S");
            *request.uri_mut() = path.parse().unwrap();
            assert_eq!(
                status(answer(&calls(), request).await.headers()).code(),
                Code::Unimplemented,
                "{path}"
            );
        }
        let late = answer(&calls(), request("hang", "1m")).await;
        assert_eq!(status(late.headers()).code(), Code::DeadlineExceeded);
        assert!(late.headers().contains_key("x-request-id"));
    }

    #[tokio::test]
    async fn a_full_server_refuses_at_once_and_recovers() {
        let calls = calls();
        let hanging: Vec<_> = (0..2)
            .map(|_| {
                let calls = calls.clone();
                tokio::spawn(async move { answer(&calls, request("hang", "20S")).await })
            })
            .collect();
        tokio::task::yield_now().await;
        let shed = answer(&calls, request("fine", "20S"));
        let shed = tokio::time::timeout(Duration::from_secs(10), shed).await.expect("at once");
        let shed = status(shed.headers());
        assert_eq!(shed.code(), Code::Unavailable);
        assert_eq!(shed.get_error_details().error_info().unwrap().reason, "OVERLOADED");
        assert!(shed.get_error_details().retry_info().is_some());
        for hung in hanging {
            hung.abort();
            assert!(hung.await.unwrap_err().is_cancelled());
        }
        let answer = answer(&calls, request("fine", "1S")).await;
        assert_eq!(status(answer.headers()).code(), Code::Ok);
    }

    #[test]
    fn the_descriptors_fit_together() {
        assert!(reflector().build_v1().is_ok());
        assert!(reflector().build_v1alpha().is_ok());
    }
}
