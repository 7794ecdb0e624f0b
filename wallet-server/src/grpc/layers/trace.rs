//! Tracing: a span per call, with its path and request id. Refusals are answers, not failures.

use http::Request;
use tower_http::classify::{GrpcCode, GrpcErrorsAsFailures, SharedClassifier};
use tower_http::request_id::RequestId;
use tower_http::trace::{DefaultOnFailure, DefaultOnResponse, MakeSpan, TraceLayer};
use tracing::{Level, Span};

use super::request_id::safe;

/// The tracing layer.
pub(crate) type Tracing = TraceLayer<SharedClassifier<GrpcErrorsAsFailures>, RpcSpan, ()>;

/// Logs each call at `debug`, and at `warn` those that failed for a reason of our own.
pub(crate) fn tracing_layer() -> Tracing {
    let refusals = [
        GrpcCode::Cancelled,
        // No answer of ours: the peer left while its request was read.
        GrpcCode::Unknown,
        // Mostly a caller's own: one that the server is to blame for shows in the engine's log.
        GrpcCode::DeadlineExceeded,
        GrpcCode::InvalidArgument,
        GrpcCode::NotFound,
        GrpcCode::AlreadyExists,
        GrpcCode::PermissionDenied,
        GrpcCode::ResourceExhausted,
        GrpcCode::FailedPrecondition,
        GrpcCode::Aborted,
        GrpcCode::OutOfRange,
        GrpcCode::Unimplemented,
        GrpcCode::Unauthenticated,
    ];
    let classifier =
        refusals.into_iter().fold(GrpcErrorsAsFailures::new(), GrpcErrorsAsFailures::with_success);
    TraceLayer::new(SharedClassifier::new(classifier))
        .make_span_with(RpcSpan)
        .on_request(())
        .on_response(DefaultOnResponse::new().level(Level::DEBUG))
        .on_failure(DefaultOnFailure::new().level(Level::WARN))
}

/// The span around a call. Headers and messages stay out of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RpcSpan;

impl<B> MakeSpan<B> for RpcSpan {
    fn make_span(&mut self, request: &Request<B>) -> Span {
        let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
        tracing::info_span!("rpc", path = safe(request.uri().path().as_bytes()), request_id = id)
    }
}
