//! The checks of request messages as they arrive: the size limit and the gRPC framing. A message that fails a check is
//! an error of the caller.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, Request};
use http_body::{Frame, SizeHint};
use prost::bytes::{Buf, BufMut, Bytes, BytesMut};
use tonic::Status;
use tower::BoxError;

use crate::grpc::connect::Converted;
use crate::grpc::error::RpcError;
use crate::grpc::gzip::{GZIP, inflate};

/// The size of the prefix of a message in bytes: a flag and a length.
pub(crate) const PREFIX: usize = 5;

/// The header with the encoding of compressed messages.
const ENCODING: &str = "grpc-encoding";

/// The gRPC messages of a request.
#[derive(Debug)]
pub(crate) enum Messages<B> {
    /// They arrive as such.
    Framed(Framed<B>),
    /// They arrive with gzip.
    Inflated(Box<Inflated<B>>),
    /// There is one, which is made from a request of another protocol.
    Converted(Box<Converted<B>>),
}

/// Limits the size of the messages of a request, in bytes, and checks their framing. Messages with gzip are
/// decompressed within the limit of their method, and invalid gzip is an error of the caller.
pub(crate) fn framed<B>(mut request: Request<B>, limit: usize) -> Request<Messages<B>> {
    let compressed = names_an_encoding(request.headers());
    let is_gzip = request.headers().get(ENCODING).is_some_and(|encoding| encoding == GZIP);
    // A stream of requests may be empty; the methods of the wallet need one message.
    let required = request.uri().path().starts_with("/wallet.v1.");
    if is_gzip {
        request.headers_mut().remove(ENCODING);
    }
    request.map(|body| {
        let framed = Framed { body, limit, compressed, required, state: State::default() };
        match is_gzip {
            true => Messages::Inflated(Box::new(Inflated { framed, read: BytesMut::new() })),
            false => Messages::Framed(framed),
        }
    })
}

impl<B> http_body::Body for Messages<B>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Framed(framed) => Pin::new(framed).poll_frame(cx),
            Self::Inflated(inflated) => Pin::new(inflated.as_mut()).poll_frame(cx),
            Self::Converted(converted) => Pin::new(converted.as_mut()).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Framed(framed) => framed.is_end_stream(),
            Self::Inflated(inflated) => inflated.is_end_stream(),
            Self::Converted(converted) => converted.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Framed(framed) => framed.size_hint(),
            Self::Inflated(inflated) => inflated.size_hint(),
            Self::Converted(converted) => converted.size_hint(),
        }
    }
}

/// Returns whether the header allows compressed messages.
fn names_an_encoding(headers: &HeaderMap) -> bool {
    headers.get(ENCODING).is_some_and(|encoding| encoding != "identity")
}

/// The body of a request, whose messages are checked as they arrive.
#[derive(Debug)]
pub(crate) struct Framed<B> {
    body: B,
    limit: usize,
    compressed: bool,
    required: bool,
    state: State,
}

#[derive(Debug, Default)]
struct State {
    prefix: [u8; PREFIX],
    /// The bytes of the prefix that have arrived.
    arrived: usize,
    /// The bytes of the message that have not arrived.
    missing: usize,
    messages: usize,
}

impl<B> Framed<B> {
    /// Checks the next bytes of the request.
    fn follow(&mut self, data: &Bytes) -> Result<(), RpcError> {
        let mut data: &[u8] = data;
        while data.has_remaining() {
            let state = &mut self.state;
            if state.missing > 0 {
                let now = state.missing.min(data.len());
                state.missing -= now;
                data.advance(now);
                continue;
            }
            state.prefix[state.arrived] = data.get_u8();
            state.arrived += 1;
            if state.arrived == PREFIX {
                let [flag, length @ ..] = state.prefix;
                state.arrived = 0;
                state.messages += 1;
                state.missing = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
                match flag {
                    0 => {}
                    1 if self.compressed => {}
                    1 => {
                        return Err(RpcError::malformed(
                            "is compressed, but grpc-encoding names no encoding",
                        ));
                    }
                    _ => return Err(RpcError::malformed("begins with a flag that is neither 0 nor 1")),
                }
                if state.missing > self.limit {
                    return Err(RpcError::too_large(state.missing, self.limit));
                }
            }
        }
        Ok(())
    }

    /// Checks that the request may end here.
    fn end(&self) -> Result<(), RpcError> {
        match &self.state {
            State { arrived: 1.., .. } => Err(RpcError::malformed("ends within its five-byte prefix")),
            State { missing: 1.., .. } => Err(RpcError::malformed("is shorter than its prefix states")),
            State { messages: 0, .. } if self.required => Err(RpcError::malformed("is missing")),
            _ => Ok(()),
        }
    }
}

impl<B> http_body::Body for Framed<B>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(http_body::Body::poll_frame(Pin::new(&mut self.body), cx));
        let checked = match &frame {
            Some(Ok(frame)) => match frame.data_ref() {
                Some(data) => self.follow(data),
                None => self.end(),
            },
            None => self.end(),
            Some(Err(_)) => Ok(()),
        };
        match checked {
            Ok(()) => Poll::Ready(frame.map(|frame| frame.map_err(Into::into))),
            Err(error) => Poll::Ready(Some(Err(Status::from(error).into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        // The end of the body must be polled, to check that the last message is complete.
        false
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of a request with gzip. Each message is decompressed when all of it has arrived.
#[derive(Debug)]
pub(crate) struct Inflated<B> {
    framed: Framed<B>,
    read: BytesMut,
}

impl<B> Inflated<B> {
    /// Returns the next message that has arrived, with its prefix.
    fn message(&mut self) -> Result<Option<Bytes>, RpcError> {
        let Some((&[flag, a, b, c, d], rest)) = self.read.split_first_chunk::<PREFIX>() else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if rest.len() < length {
            return Ok(None);
        }
        let message = self.read.split_to(PREFIX + length).freeze();
        if flag == 0 {
            return Ok(Some(message));
        }
        prefixed(&inflate(&message[PREFIX..], self.framed.limit)?).map(Some)
    }
}

/// Returns a message with its prefix.
pub(crate) fn prefixed(message: &[u8]) -> Result<Bytes, RpcError> {
    let length = u32::try_from(message.len()).map_err(|_| RpcError::too_large_inflated(u32::MAX as usize))?;
    let mut framed = BytesMut::with_capacity(PREFIX + message.len());
    framed.put_u8(0);
    framed.put_u32(length);
    framed.put_slice(message);
    Ok(framed.freeze())
}

impl<B> http_body::Body for Inflated<B>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            match self.message() {
                Ok(Some(message)) => return Poll::Ready(Some(Ok(Frame::data(message)))),
                Ok(None) => {}
                Err(error) => return Poll::Ready(Some(Err(Status::from(error).into()))),
            }
            match ready!(http_body::Body::poll_frame(Pin::new(&mut self.framed), cx)) {
                Some(Ok(frame)) if frame.is_data() => {
                    self.read.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
                }
                // The end of the framed messages has been checked: no part of one is left.
                other => return Poll::Ready(other),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        false
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use tonic::body::Body;
    use tonic_types::StatusExt;

    use super::*;

    fn follow(path: &str, encoding: Option<&str>, parts: &[&[u8]]) -> Option<String> {
        let mut headers = HeaderMap::new();
        if let Some(encoding) = encoding {
            headers.insert("grpc-encoding", encoding.parse().unwrap());
        }
        let mut framed = Framed {
            body: Body::default(),
            limit: 4,
            compressed: names_an_encoding(&headers),
            required: path.starts_with("/wallet.v1."),
            state: State::default(),
        };
        let read = parts.iter().try_for_each(|part| framed.follow(&Bytes::copy_from_slice(part)));
        let status = Status::from(read.and_then(|()| framed.end()).err()?);
        let reason = status.get_error_details().error_info().unwrap().reason.clone();
        Some(format!("{:?} {reason}: {}", status.code(), status.message()))
    }

    #[test]
    fn complete_messages_pass_in_pieces_of_any_size() {
        let path = "/wallet.v1.WalletService/Reserve";
        let message = [0, 0, 0, 0, 3, 7, 7, 7];
        for cut in 0..=message.len() {
            let (head, tail) = message.split_at(cut);
            assert_eq!(follow(path, None, &[head, tail]), None, "{cut}");
        }
        assert_eq!(follow(path, None, &[&[0, 0, 0, 0, 0]]), None, "an empty message is a message");
        assert_eq!(follow(path, Some("gzip"), &[&[1, 0, 0, 0, 1, 9]]), None);
        assert_eq!(follow("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", None, &[]), None);
    }

    #[test]
    fn a_malformed_message_is_refused_with_its_fault() {
        let path = "/wallet.v1.WalletService/Reserve";
        for (encoding, bytes, fault) in [
            (None, &[][..], "is missing"),
            (None, &[0, 0], "ends within its five-byte prefix"),
            (None, &[0, 0, 0, 0, 3, 7], "is shorter than its prefix states"),
            (None, &[2, 0, 0, 0, 0], "begins with a flag that is neither 0 nor 1"),
            (None, &[1, 0, 0, 0, 0], "is compressed, but grpc-encoding names no encoding"),
            (Some("identity"), &[1, 0, 0, 0, 0], "is compressed, but grpc-encoding names no encoding"),
        ] {
            let answer = follow(path, encoding, &[bytes]).unwrap();
            assert_eq!(answer, format!("InvalidArgument MALFORMED_MESSAGE: the request message {fault}"));
        }
        let answer = follow(path, None, &[&[0, 0, 0, 0, 5, 1]]).unwrap();
        assert_eq!(
            answer,
            "InvalidArgument MESSAGE_TOO_LARGE: the request message has 5 bytes, at most 4 are allowed for this method"
        );
    }
}
