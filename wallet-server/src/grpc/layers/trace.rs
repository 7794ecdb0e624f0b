//! The line of the log about a call that ended: at `debug`, and at `warn` if the server failed. Refusals are not
//! failures.

use http::HeaderMap;
use tokio::time::Instant;
use tonic::{Code, Status};

use crate::call_name::CallName;

/// Logs the end of a call, or of its reply if that is a stream.
pub(crate) fn log_end(call: &CallName, started: Instant, headers: &HeaderMap) {
    let code = code(headers);
    if is_failure(code) {
        let (path, request_id, latency) = (call.path(), call.request_id(), started.elapsed());
        let (principal, trace_id) = (call.principal(), call.trace_id());
        tracing::warn!(%path, %request_id, principal, trace_id, ?code, ?latency, "a call failed");
    } else if tracing::enabled!(tracing::Level::DEBUG) {
        let (path, request_id, latency) = (call.path(), call.request_id(), started.elapsed());
        let (principal, trace_id) = (call.principal(), call.trace_id());
        tracing::debug!(%path, %request_id, principal, trace_id, ?code, ?latency, "a call was answered");
    }
}

/// Returns the code of a reply that consists of headers, or of the trailers of another.
fn code(headers: &HeaderMap) -> Code {
    headers.get(Status::GRPC_STATUS).map_or(Code::Ok, |code| Code::from_bytes(code.as_bytes()))
}

/// Returns whether the code states a failure of the server. UNKNOWN does not: the peer disconnected while its request
/// was read. DEADLINE_EXCEEDED does not: usually the caller's deadline was too short, and the log of the engine shows
/// delays of the server.
pub(super) const fn is_failure(code: Code) -> bool {
    match code {
        Code::Internal | Code::Unavailable | Code::DataLoss => true,
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Unauthenticated => false,
    }
}
