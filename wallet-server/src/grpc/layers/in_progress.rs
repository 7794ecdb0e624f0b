//! The calls in progress and their number. A call and the bytes of its reply count until the peer has read the reply.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use http::{HeaderMap, Response};
use http_body::{Frame, SizeHint};
use prost::bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;

use super::call_metrics::ObservedCall;
use super::trace::log_end;
use crate::call_name::CallName;
use crate::grpc::connect::Envelopes;
use crate::grpc::transport::{CallInProgress, Peer, UNREAD, renew};

/// The largest piece of a reply, in bytes. The transport takes a piece as soon as the peer has room for one byte.
const PIECE: usize = 16 * 1024;
/// The last piece of a reply, in bytes: the part that the transport may still hold when the call has ended for this
/// server.
const LAST_PIECE: usize = 1024;

/// The method that streams the health of the server.
pub(crate) const HEALTH_WATCH: &str = "/grpc.health.v1.Health/Watch";
/// The most watchers of the health.
const HEALTH_WATCHERS: usize = 256;

/// The flag of a message of gRPC-Web that has the trailers.
const TRAILERS: u8 = 0x80;

/// The form of a body.
#[derive(Debug)]
enum Form {
    Grpc,
    /// The trailers are sent as the last part of the body, as in gRPC-Web.
    TrailersAsData,
    /// The messages of a stream of the Connect protocol.
    Enveloped(Box<Envelopes>),
}

/// The places for calls in progress.
#[derive(Debug)]
pub(crate) struct Places {
    most: usize,
    taken: AtomicUsize,
    /// The permits for watchers of the health, who need no key.
    health: Arc<Semaphore>,
}

/// The place of a call, which is free again when this is dropped.
#[derive(Debug)]
struct Place(Arc<Places>);

/// A call that counts as in progress, with its place, and a permit if its reply is a page or watches the health.
#[derive(Debug)]
pub(crate) struct InProgress {
    of_peer: Option<CallInProgress>,
    _place: Place,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Places {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, taken: AtomicUsize::new(0), health: Arc::new(Semaphore::new(HEALTH_WATCHERS)) })
    }

    fn take(self: &Arc<Self>) -> Option<Place> {
        let place = Place(Arc::clone(self));
        (self.taken.fetch_add(1, Ordering::Relaxed) < self.most).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts a call to the method with this path. `None` if the server, or the part of it for such calls, is full. A call whose
/// reply is a page waits for the other pages of its peer.
pub(crate) async fn begin(places: &Arc<Places>, peer: Option<&Arc<Peer>>, path: &str) -> Option<InProgress> {
    let place = places.take()?;
    let of_peer = peer.map(Peer::begin);
    let permit = match peer.filter(|_| answers_with_a_page(path)) {
        Some(peer) => Arc::clone(&peer.pages).acquire_owned().await.ok(),
        None if path == HEALTH_WATCH => Some(Arc::clone(&places.health).try_acquire_owned().ok()?),
        None => None,
    };
    Some(InProgress { of_peer, _place: place, _permit: permit })
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
#[derive(Debug)]
pub(crate) struct Reply {
    body: Body,
    /// The bytes of the current frame that the transport has not taken.
    rest: Bytes,
    in_progress: Option<InProgress>,
    form: Form,
    /// True: a stream, which may last as long as it is read.
    is_stream: bool,
    /// The call and its begin for the log, and its observation.
    call: Option<(CallName, Instant, ObservedCall)>,
}

impl Reply {
    /// Returns the reply as the one of this call, which logs the end of a stream and notes its code.
    pub(crate) fn logged(mut self, call: CallName, begun: Instant, observed: ObservedCall) -> Self {
        self.call = Some((call, begun, observed));
        self
    }

    /// Returns the reply as a stream, which may last as long as it is read.
    pub(crate) fn streamed(self) -> Self {
        let reply = Self { is_stream: true, ..self };
        reply.renew();
        reply
    }

    /// Lets a stream go on: the peer has made room for its next message.
    fn renew(&self) {
        if !self.is_stream {
            return;
        }
        renew(UNREAD);
        if let Some(call) = self.in_progress.as_ref().and_then(|call| call.of_peer.as_ref()) {
            call.streams();
        }
    }

    /// Returns the reply with its trailers as the last part of its body.
    pub(crate) fn with_trailers_as_data(self) -> Self {
        Self { form: Form::TrailersAsData, ..self }
    }

    /// Returns the reply with its messages and trailers in the form of the Connect protocol.
    pub(crate) fn with_envelopes(self, envelopes: Envelopes) -> Self {
        Self { form: Form::Enveloped(Box::new(envelopes)), ..self }
    }

    /// Returns the reply with another body instead of this one, which was read. It counts in its place.
    pub(crate) fn replaced(mut self, body: Bytes) -> Self {
        if let Some(call) = self.in_progress.as_mut().and_then(|call| call.of_peer.as_mut()) {
            call.replies(body.len());
        }
        Self { rest: body, in_progress: self.in_progress, ..Self::from(Body::empty()) }
    }

    fn log_end(&mut self, trailers: &HeaderMap) {
        if let Some((call, begun, observed)) = &mut self.call {
            observed.note(trailers);
            log_end(call, *begun, trailers);
        }
    }
}

impl Form {
    /// Returns the bytes to send for the next bytes of the gRPC body.
    fn data(&mut self, data: Bytes) -> Result<Bytes, Status> {
        match self {
            Self::Grpc | Self::TrailersAsData => Ok(data),
            Self::Enveloped(envelopes) => envelopes.messages(data),
        }
    }

    /// Returns the last bytes to send for the trailers. `None`: they are sent as trailers.
    fn end(&self, trailers: &HeaderMap) -> Option<Bytes> {
        match self {
            Self::Grpc => None,
            Self::TrailersAsData => Some(as_data(trailers)),
            Self::Enveloped(envelopes) => Some(envelopes.end(trailers)),
        }
    }
}

/// Returns trailers as a message of gRPC-Web.
fn as_data(trailers: &HeaderMap) -> Bytes {
    let mut lines = Vec::new();
    for (name, value) in trailers {
        lines.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    let length = u32::try_from(lines.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&[TRAILERS][..], &length, &lines].concat().into()
}

impl From<Body> for Reply {
    fn from(body: Body) -> Self {
        Self { body, rest: Bytes::new(), in_progress: None, form: Form::Grpc, is_stream: false, call: None }
    }
}

impl InProgress {
    /// Returns a response whose reply is in progress until it has been read.
    pub(crate) fn until_read(self, response: Response<Body>) -> Response<Reply> {
        response.map(|body| Reply { in_progress: Some(self), ..Reply::from(body) })
    }
}

impl http_body::Body for Reply {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        while self.rest.is_empty() {
            let frame = match ready!(http_body::Body::poll_frame(Pin::new(&mut self.body), cx)) {
                Some(Ok(frame)) => frame,
                end => return Poll::Ready(end),
            };
            match frame.into_data() {
                Ok(data) => self.rest = self.form.data(data)?,
                Err(frame) => {
                    if let Some(trailers) = frame.trailers_ref() {
                        self.log_end(trailers);
                    }
                    let end = frame.trailers_ref().and_then(|trailers| self.form.end(trailers));
                    match end {
                        Some(end) => self.rest = end,
                        None => return Poll::Ready(Some(Ok(frame))),
                    }
                }
            }
            let bytes = self.rest.len();
            if let Some(call) = self.in_progress.as_mut().and_then(|call| call.of_peer.as_mut()) {
                call.replies(bytes);
            }
        }
        self.renew();
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
        match self.rest.len() {
            0 => self.body.size_hint(),
            rest if self.body.is_end_stream() => SizeHint::with_exact(rest as u64),
            _ => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use http_body::Body as _;

    use super::*;
    use crate::grpc::transport::Peers;
    use crate::settings::Limits;

    #[test]
    fn trailers_become_lines_of_a_message() {
        let trailers = HeaderMap::from_iter([("grpc-status".parse().unwrap(), "0".parse().unwrap())]);
        assert_eq!(as_data(&trailers).as_ref(), b"\x80\0\0\0\x10grpc-status: 0\r\n");
    }

    #[tokio::test]
    async fn a_long_reply_is_sent_in_pieces_and_counts_until_it_is_dropped() {
        let peers = Peers::new(&Limits { unread_bytes: 64 * 1024, ..Limits::default() });
        let (peer, places) = (peers.alone(), Places::new(2));
        let call = async || {
            let call = begin(&places, Some(&peer), "/x/y").await?;
            Some(call.until_read(Response::new(Body::new("x".repeat(40 * 1024)))))
        };
        let mut first = call().await.unwrap().into_body();
        let mut pieces = Vec::new();
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut first).poll_frame(cx)).await {
            pieces.push(frame.unwrap().into_data().unwrap().len());
        }
        assert_eq!(pieces, [PIECE, PIECE, 40 * 1024 - 2 * PIECE - LAST_PIECE, LAST_PIECE]);
        let second = call().await.unwrap();
        assert!(call().await.is_none(), "two calls are in progress until both replies are read");
        drop((first, second));
        assert!(call().await.is_some());
    }
}
