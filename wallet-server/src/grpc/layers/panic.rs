//! Panics: a defect in one call is answered INTERNAL and logged, and ends nothing else.

use std::any::Any;

use http::Response;
use tonic::Status;
use tonic::body::Body;

/// The answer to a call whose handler panicked.
pub(crate) fn answer_panic(panic: Box<dyn Any + Send>) -> Response<Body> {
    let what = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text.as_str(),
        (None, None) => "no text",
    };
    tracing::error!(panic = what, "a handler panicked");
    Status::internal("internal error").into_http()
}
