//! The reply to a call on its way to the peer. It is the body that the transport sends.
//!
//! The path of a reply, in order:
//!
//! 1. The transport gives the call its time: `longest_call` and `reading_time` (`transport/call_time.rs`).
//! 2. The call takes a place ([`InProgress::begin`]). Its handler runs until its deadline ([`super::in_time`]).
//! 3. The handler returns a body. [`Reply::until_read`] puts it into a [`Reply`], which owns the place from then on.
//!    The reply to a call of another protocol is converted: read and [replaced](Reply::replaced), or in another
//!    [`Form`].
//! 4. The transport takes a piece of the reply whenever the peer has room, and renews the time of a stream. A frame of
//!    the body counts as unread by the peer (`transport/peers.rs`) until the next frame is polled.
//! 5. The reply is dropped: it was read, the peer has left or reset the call, or its time is over. The place is free.
//!
//! A frame is the unit in which the body comes, usually a message or the trailers. Its data is sent in pieces, which
//! are smaller: the transport keeps a piece that it has taken until the peer has read it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{HeaderMap, Response};
use http_body::{Frame, SizeHint};
use prost::bytes::Bytes;
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;

use super::call_metrics::ObservedCall;
use super::in_progress::InProgress;
use super::trace::log_end;
use crate::call_name::CallName;
use crate::grpc::connect::Envelopes;
use crate::grpc::transport::renew;

/// The largest piece, in bytes.
const PIECE: usize = 16 * 1024;
/// The last piece of a frame, in bytes: the transport may still hold it when the call has ended for this server.
const LAST_PIECE: usize = 1024;
/// The longest time for which a peer may leave a message of a stream unread.
const UNREAD: Duration = Duration::from_secs(30);
/// The flag of a message of gRPC-Web that has the trailers.
const TRAILERS: u8 = 0x80;

/// A reply, in progress until it is dropped. It is sent in pieces, because the transport takes a whole piece as soon as
/// the peer has room for one byte.
#[derive(Debug)]
pub(crate) struct Reply {
    body: Body,
    /// The bytes of the current frame that the transport has not taken.
    rest: Bytes,
    /// `None`: the reply to a call that was refused before it took a place.
    in_progress: Option<InProgress>,
    form: Form,
    /// True: a stream, which may last as long as it is read.
    is_stream: bool,
    /// The call, its start for the log, and its observation.
    call: Option<(CallName, Instant, ObservedCall)>,
}

/// The form of a body.
#[derive(Debug)]
enum Form {
    Grpc,
    /// The trailers are sent as data at the end of the body, as in gRPC-Web.
    TrailersAsData,
    /// The messages of a stream of the Connect protocol.
    Enveloped(Box<Envelopes>),
}

impl From<Body> for Reply {
    fn from(body: Body) -> Self {
        Self { body, rest: Bytes::new(), in_progress: None, form: Form::Grpc, is_stream: false, call: None }
    }
}

impl Reply {
    /// Returns a response whose reply keeps the places of its call until it has been read.
    pub(crate) fn until_read(response: Response<Body>, in_progress: InProgress) -> Response<Self> {
        response.map(|body| Self { in_progress: Some(in_progress), ..Self::from(body) })
    }

    /// Returns the reply as a stream, which may last as long as it is read.
    pub(crate) fn streamed(self) -> Self {
        renew(UNREAD);
        Self { is_stream: true, ..self }
    }

    /// Returns the reply as the one of this call, which logs its end and notes its code.
    pub(crate) fn logged(mut self, call: CallName, started: Instant, observed: ObservedCall) -> Self {
        self.call = Some((call, started, observed));
        self
    }

    /// Returns the reply with its trailers as data at the end of its body.
    pub(crate) fn with_trailers_as_data(self) -> Self {
        Self { form: Form::TrailersAsData, ..self }
    }

    /// Returns the reply with its messages and trailers in the form of the Connect protocol.
    pub(crate) fn with_envelopes(self, envelopes: Envelopes) -> Self {
        Self { form: Form::Enveloped(Box::new(envelopes)), ..self }
    }

    /// Returns the reply with another body instead of this one, which was read. It keeps the places of its call.
    pub(crate) fn replaced(mut self, body: Bytes) -> Self {
        self.record_unread(body.len());
        Self { rest: body, in_progress: self.in_progress, ..Self::from(Body::empty()) }
    }

    fn record_unread(&mut self, bytes: usize) {
        if let Some(call) = &mut self.in_progress {
            call.record_unread(bytes);
        }
    }

    fn log_end(&mut self, trailers: &HeaderMap) {
        if let Some((call, started, observed)) = &mut self.call {
            observed.record_code(trailers);
            log_end(call, *started, trailers);
        }
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
            self.record_unread(bytes);
        }
        if self.is_stream {
            renew(UNREAD);
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
        match self.rest.len() {
            0 => self.body.size_hint(),
            rest if self.body.is_end_stream() => SizeHint::with_exact(rest as u64),
            _ => SizeHint::default(),
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

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use http_body::Body as _;

    use super::*;
    use crate::grpc::layers::CallPlaces;
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
        let (peer, places) = (peers.alone(), CallPlaces::new(2));
        let call = async || {
            let call = InProgress::begin(&places, Some(&peer), "/x/y").await?;
            Some(Reply::until_read(Response::new(Body::new("x".repeat(40 * 1024))), call))
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
