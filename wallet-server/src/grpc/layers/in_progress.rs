//! The layer that counts calls in progress. A call and the bytes of its reply count until the peer has read the reply.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::{Frame, SizeHint};
use prost::bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use crate::grpc::error::RpcError;
use crate::grpc::transport::{CallInProgress, Peer, open_ended};

/// The largest piece of a reply, in bytes. The transport takes a piece as soon as the peer has room for one byte.
const PIECE: usize = 16 * 1024;
/// The last piece of a reply, in bytes: the part that the transport may still hold when the call has ended for this
/// server.
const LAST_PIECE: usize = 1024;

/// A layer that refuses calls above a number in progress, and counts calls and bytes of replies by peer.
#[derive(Debug, Clone)]
pub(crate) struct InProgressLayer {
    room: Arc<Semaphore>,
}

impl InProgressLayer {
    pub(crate) fn new(calls: usize) -> Self {
        Self { room: Arc::new(Semaphore::new(calls)) }
    }
}

impl<S> Layer<S> for InProgressLayer {
    type Service = InProgress<S>;

    fn layer(&self, inner: S) -> Self::Service {
        InProgress { inner, room: Arc::clone(&self.room) }
    }
}

/// A service with a bound on its calls in progress.
#[derive(Debug, Clone)]
pub(crate) struct InProgress<S> {
    inner: S,
    room: Arc<Semaphore>,
}

impl<S, B> Service<Request<B>> for InProgress<S>
where
    S: Service<Request<B>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            // UNAVAILABLE, not RESOURCE_EXHAUSTED: the call can be repeated.
            let full = Status::from(RpcError::shed()).into_http();
            return Box::pin(async move { Ok(full) });
        };
        let peer = request.extensions().get::<Arc<Peer>>().cloned();
        let in_progress = peer.as_ref().map(Peer::begin);
        let pages = peer.filter(|_| answers_with_a_page(request.uri().path())).map(|peer| peer.pages.clone());
        // `poll_ready` made this instance ready, so it serves the call; a clone replaces it.
        let next = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, next);
        let watches = request.uri().path() == "/grpc.health.v1.Health/Watch";
        Box::pin(async move {
            if watches {
                open_ended();
            }
            let page = match pages {
                Some(pages) => pages.acquire_owned().await.ok(),
                None => None,
            };
            let response = ready.call(request).await?;
            let held = |body| Reply { body, rest: Bytes::new(), in_progress, _room: room, _page: page };
            Ok(response.map(|body| Body::new(held(body))))
        })
    }
}

/// Returns whether the replies of a method may have megabytes.
fn answers_with_a_page(path: &str) -> bool {
    let (service, method) = path.rsplit_once('/').unwrap_or_default();
    let many = ["List", "Summarize", "GetPriceTable", "GetCatalog"];
    let is_long = method.ends_with("Many") || many.iter().any(|name| method.starts_with(name));
    is_long || service.starts_with("/grpc.reflection.")
}

/// A reply that counts until it has been read. It is sent in pieces, because the transport takes a whole piece as
/// soon as the peer has room for one byte, and keeps it until the peer has read it.
struct Reply {
    body: Body,
    /// The bytes of the current frame that the transport has not taken.
    rest: Bytes,
    in_progress: Option<CallInProgress>,
    _room: OwnedSemaphorePermit,
    _page: Option<OwnedSemaphorePermit>,
}

impl http_body::Body for Reply {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.rest.is_empty() {
            let frame = match ready!(http_body::Body::poll_frame(Pin::new(&mut self.body), cx)) {
                Some(Ok(frame)) => frame,
                end => return Poll::Ready(end),
            };
            match frame.into_data() {
                Ok(data) => self.rest = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
            let bytes = self.rest.len();
            if let Some(call) = &mut self.in_progress {
                call.replies(bytes);
            }
        }
        let piece = match self.rest.len() {
            short @ ..=LAST_PIECE => short,
            long => (long - LAST_PIECE).min(PIECE),
        };
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.rest.is_empty() { self.body.size_hint() } else { SizeHint::default() }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tower::ServiceExt;
    use tower::service_fn;

    use http_body::Body as _;

    use super::*;
    use crate::grpc::GrpcLimits;
    use crate::grpc::transport::Peers;

    #[tokio::test]
    async fn a_long_reply_is_sent_in_pieces_and_counts_until_it_is_dropped() {
        let text = "x".repeat(40 * 1024);
        let answer = service_fn(move |_: Request<()>| {
            let body = Body::new(text.clone());
            async move { Ok::<_, std::convert::Infallible>(Response::new(body)) }
        });
        let peers = Peers::new(&GrpcLimits { unread_bytes: 64 * 1024, ..GrpcLimits::default() });
        let peer = peers.alone();
        let service = InProgressLayer::new(2).layer(answer);
        let call = || {
            let request = Request::builder().extension(peer.clone()).uri("/x/y").body(()).unwrap();
            service.clone().oneshot(request)
        };
        let mut first = call().await.unwrap().into_body();
        let mut pieces = Vec::new();
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut first).poll_frame(cx)).await {
            pieces.push(frame.unwrap().into_data().unwrap().len());
        }
        assert_eq!(pieces, [PIECE, PIECE, 40 * 1024 - 2 * PIECE - LAST_PIECE, LAST_PIECE]);
        let second = call().await.unwrap();
        let shed = call().await.unwrap();
        assert_eq!(
            shed.headers()["grpc-status"],
            "14",
            "two calls are in progress until both replies are read"
        );
        drop((first, second));
        assert!(!call().await.unwrap().headers().contains_key("grpc-status"));
    }
}
