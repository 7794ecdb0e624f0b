//! The reply to a call whose handler panicked: INTERNAL, with the panic in the log. Other calls continue.

use std::any::Any;
use std::convert::Infallible;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use http::Response;
use tonic::Status;
use tonic::body::Body;

use crate::call_name::in_call;

/// Runs a handler. After a panic it is dropped, and the call is answered with INTERNAL.
pub(crate) async fn catch_panic(
    handler: impl Future<Output = Result<Response<Body>, Infallible>>,
) -> Response<Body> {
    let mut handler = pin!(handler);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(cx))) {
        Ok(polled) => polled.map(|response| response.unwrap_or_else(|never| match never {})),
        Err(panic) => Poll::Ready(answer(panic.as_ref())),
    })
    .await
}

/// Logs the panic and returns INTERNAL.
fn answer(panic: &(dyn Any + Send)) -> Response<Body> {
    let what = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text.as_str(),
        (None, None) => "no text",
    };
    in_call(|| tracing::error!(panic = what, "a handler panicked"));
    Status::internal("internal error").into_http()
}
