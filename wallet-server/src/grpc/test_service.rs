//! A service for tests of the layers and the transport, which panics, hangs or sends large replies on request.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::Service;

use super::layers::Caller;

/// The size of a large reply in bytes, more than socket buffers hold.
const LARGE: usize = 32 * 1024 * 1024;

/// A service that panics, hangs, or answers slowly or with a large reply, as the last part of the path demands. For
/// other paths it answers whether the request has a tenant.
#[derive(Clone)]
pub(super) struct Misbehaving;

impl NamedService for Misbehaving {
    const NAME: &'static str = "test.Misbehaving";
}

impl<B> Service<Request<B>> for Misbehaving {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let how = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        let tenant = request.extensions().get::<Caller>().is_some();
        Box::pin(async move {
            match how.as_str() {
                "panic" => panic!("on purpose"),
                "hang" => std::future::pending().await,
                "slow" => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    Ok(Status::ok("slow").into_http())
                }
                "large" => Ok(Response::new(Body::new("x".repeat(LARGE)))),
                _ => Ok(Status::ok(if tenant { "tenant" } else { "no tenant" }).into_http()),
            }
        })
    }
}
