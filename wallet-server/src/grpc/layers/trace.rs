//! The layer for tracing: a span per call with its path and request id. Refusals are not failures.

use http::Request;
use tower_http::classify::{GrpcCode, GrpcErrorsAsFailures, SharedClassifier};
use tower_http::request_id::RequestId;
use tower_http::trace::{DefaultOnFailure, DefaultOnResponse, MakeSpan, TraceLayer};
use tracing::{Level, Span};

use super::request_id::safe;

/// The tracing layer.
pub(crate) type Tracing = TraceLayer<SharedClassifier<GrpcErrorsAsFailures>, RpcSpan, ()>;

/// Logs each call at `debug`, and failures of the server at `warn`.
pub(crate) fn tracing_layer() -> Tracing {
    let refusals = [
        GrpcCode::Cancelled,
        // The peer disconnected while its request was read.
        GrpcCode::Unknown,
        // Mostly caused by the caller's deadline; the log of the engine shows delays of the server.
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

/// The span of a call. It contains no headers and no message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RpcSpan;

impl<B> MakeSpan<B> for RpcSpan {
    fn make_span(&mut self, request: &Request<B>) -> Span {
        let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
        tracing::info_span!("rpc", path = safe(request.uri().path().as_bytes()), request_id = id)
    }
}
