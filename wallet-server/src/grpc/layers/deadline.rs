//! The layer for deadlines: every call has one, and is answered with DEADLINE_EXCEEDED when it passes.
//!
//! Dropping a handler at its deadline loses nothing: its command runs in a task of the engine, and the caller learns
//! the outcome by repeating the call with the same ids.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, Request, Response};
use tokio::time::{Instant, timeout_at};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use crate::grpc::error::RpcError;

/// The deadline of a call: a request extension for handlers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadline(pub(crate) Instant);

/// A layer that gives every call the deadline that its caller set, but at most the ceiling.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeadlineLayer {
    ceiling: Duration,
}

impl DeadlineLayer {
    pub(crate) const fn new(ceiling: Duration) -> Self {
        Self { ceiling }
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = WithDeadline<S>;

    fn layer(&self, inner: S) -> Self::Service {
        WithDeadline { inner, ceiling: self.ceiling }
    }
}

/// A service whose calls have a deadline.
#[derive(Debug, Clone)]
pub(crate) struct WithDeadline<S> {
    inner: S,
    ceiling: Duration,
}

impl<S, B> Service<Request<B>> for WithDeadline<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let deadline = Instant::now() + time_left(request.headers(), self.ceiling);
        request.extensions_mut().insert(Deadline(deadline));
        let answer = self.inner.call(request);
        Box::pin(async move {
            // The command may have been executed: only the engine knows that it certainly was not.
            timeout_at(deadline, answer)
                .await
                .unwrap_or_else(|_| Ok(Status::from(RpcError::no_answer()).into_http()))
        })
    }
}

/// Returns the time for which the caller waits, at most `ceiling`.
fn time_left(headers: &HeaderMap, ceiling: Duration) -> Duration {
    let asked = headers.get("grpc-timeout").and_then(|value| parse(value.to_str().ok()?));
    asked.map_or(ceiling, |asked| asked.min(ceiling))
}

/// Parses a `grpc-timeout`: one to eight digits and a unit.
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tonic_types::StatusExt;
    use tower::{ServiceBuilder, ServiceExt, service_fn};

    use super::*;

    #[test]
    fn the_callers_deadline_applies_up_to_the_ceiling() {
        let ceiling = Duration::from_secs(30);
        for (header, expected) in [
            (None, ceiling),
            (Some("2S"), Duration::from_secs(2)),
            (Some("250m"), Duration::from_millis(250)),
            (Some("1u"), Duration::from_micros(1)),
            (Some("99999999H"), ceiling),
            (Some("5"), ceiling),
            (Some("S"), ceiling),
            (Some(""), ceiling),
            (Some("-5S"), ceiling),
            (Some("123456789S"), ceiling),
            (Some("5D"), ceiling),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(header) = header {
                headers.insert("grpc-timeout", header.parse().unwrap());
            }
            assert_eq!(time_left(&headers, ceiling), expected, "{header:?}");
        }
    }

    #[tokio::test]
    async fn a_call_that_takes_too_long_is_answered_deadline_exceeded() {
        let never = service_fn(|request: Request<Body>| async move {
            assert!(request.extensions().get::<Deadline>().is_some(), "handlers know the deadline");
            std::future::pending::<()>().await;
            Ok::<_, Infallible>(Response::new(Body::default()))
        });
        let service = ServiceBuilder::new().layer(DeadlineLayer::new(Duration::from_secs(30))).service(never);
        let request = Request::builder().header("grpc-timeout", "20m").body(Body::default()).unwrap();
        let answer = service.oneshot(request).await.unwrap();
        assert_eq!(answer.headers()["grpc-status"], "4");
        let status = Status::from_header_map(answer.headers()).unwrap();
        assert_eq!(status.get_error_details().error_info().unwrap().reason, "OUTCOME_UNKNOWN");
    }
}
