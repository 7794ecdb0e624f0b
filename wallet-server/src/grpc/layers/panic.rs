//! The reply to a call whose handler panicked: INTERNAL, with the panic in the log. Other calls go on.

use std::any::Any;

use http::Response;
use tonic::Status;
use tonic::body::Body;

/// Logs the panic and returns INTERNAL.
pub(crate) fn answer_panic(panic: Box<dyn Any + Send>) -> Response<Body> {
    let what = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text.as_str(),
        (None, None) => "no text",
    };
    tracing::error!(panic = what, "a handler panicked");
    Status::internal("internal error").into_http()
}
