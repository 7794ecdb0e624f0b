//! Requests of the Connect protocol on their way to a gRPC service.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use http_body::{Frame, SizeHint};
use prost::bytes::{Buf, BufMut, Bytes, BytesMut};
use prost_reflect::MessageDescriptor;
use tonic::Status;
use tower::BoxError;

use super::json::to_message;
use super::{Codec, Method, Unread};
use crate::grpc::error::RpcError;
use crate::grpc::gzip::{GZIP, inflate};
use crate::grpc::layers::{PREFIX, prefixed};

/// The most bytes of a JSON text per byte of the largest message. A field has its name, quotes and escapes in JSON.
const JSON_PER_BYTE: usize = 2;

const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("connect-protocol-version");
/// The header with the encoding of messages with a flag and a length.
const MESSAGE_ENCODING: HeaderName = HeaderName::from_static("connect-content-encoding");
const TIMEOUT: HeaderName = HeaderName::from_static("connect-timeout-ms");
/// The most digits of a timeout in milliseconds.
const TIMEOUT_DIGITS: usize = 10;

/// Returns the time for which the caller waits, at most `ceiling`. A value that is not a number of milliseconds counts
/// as absent, as in gRPC.
pub(crate) fn time_left(headers: &HeaderMap, ceiling: Duration) -> Duration {
    let requested = headers.get(TIMEOUT).and_then(|value| {
        let digits = value.to_str().ok()?;
        let fits = digits.len() <= TIMEOUT_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| fits).map(Duration::from_millis)
    });
    requested.map_or(ceiling, |requested| requested.min(ceiling))
}

/// The form of a request's message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encoding {
    pub(crate) codec: Codec,
    pub(crate) is_gzip: bool,
    /// True: the message has a flag and a length, as for methods with streams.
    pub(crate) is_enveloped: bool,
}

/// Checks the headers of a call, and replaces those of its protocol by those of gRPC. Returns whether the message has
/// gzip.
pub(crate) fn grpc_headers(headers: &mut HeaderMap, is_enveloped: bool) -> Result<bool, Status> {
    if headers.get(PROTOCOL_VERSION).is_some_and(|version| version != "1") {
        return Err(RpcError::malformed("has a connect-protocol-version other than 1").into());
    }
    let name = if is_enveloped { MESSAGE_ENCODING } else { header::CONTENT_ENCODING };
    let mut encodings = headers.get_all(&name).iter();
    let is_gzip = match (encodings.next(), encodings.next()) {
        (None, _) => false,
        (Some(encoding), None) if encoding == "identity" => false,
        (Some(encoding), None) if encoding == GZIP => true,
        _ => return Err(Status::unimplemented(format!("{name} must be gzip or identity, or absent"))),
    };
    headers.remove(name);
    // These headers would describe the gRPC message that this server makes, not that of the caller.
    for name in ["grpc-encoding", "grpc-accept-encoding", "grpc-timeout"] {
        headers.remove(name);
    }
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    Ok(is_gzip)
}

/// Returns whether the caller accepts a reply with gzip.
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let texts = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).any(|item| {
        let (encoding, weight) = item.split_once(';').unwrap_or((item, ""));
        let weight = weight.trim().strip_prefix("q=").map(|weight| weight.parse::<f32>());
        encoding.trim().eq_ignore_ascii_case(GZIP)
            && weight.is_none_or(|weight| weight.is_ok_and(|weight| weight > 0.0))
    })
}

/// The body of a request, which becomes a gRPC message when all of it has arrived.
#[derive(Debug)]
pub(crate) struct Converted<B> {
    body: Unread<B>,
    /// True: the body has become a message or an error.
    ended: bool,
    read: BytesMut,
    encoding: Encoding,
    request: MessageDescriptor,
    /// The most bytes of the message.
    limit: usize,
    /// True: the message was in the URL, so the body is empty.
    is_by_get: bool,
}

impl<B> Converted<B> {
    pub(crate) fn new(body: Unread<B>, encoding: Encoding, method: &Method, limit: usize) -> Self {
        let (read, request) = (BytesMut::new(), method.request.clone());
        Self { body, ended: false, read, encoding, request, limit, is_by_get: false }
    }

    /// Returns the body of a request whose message was in the URL.
    pub(crate) fn with_message(self, message: &Bytes) -> Self {
        Self { read: message.as_ref().into(), is_by_get: true, ..self }
    }

    /// Returns the most bytes of the body, before and after decompression.
    fn most(&self) -> usize {
        let prefix = if self.encoding.is_enveloped { PREFIX } else { 0 };
        prefix
            + match self.encoding.codec {
                Codec::Json => self.limit * JSON_PER_BYTE,
                Codec::Proto => self.limit,
            }
    }

    fn read(&mut self, data: &Bytes) -> Result<(), RpcError> {
        if self.is_by_get && !data.is_empty() {
            return Err(RpcError::malformed("is in the URL, and there is a body, too"));
        }
        let most = self.most();
        let bytes = self.read.len() + data.len();
        if bytes > most {
            return Err(RpcError::too_large(bytes, most));
        }
        self.read.put_slice(data);
        Ok(())
    }

    /// Returns the gRPC message.
    fn message(&mut self) -> Result<Bytes, RpcError> {
        let mut read = std::mem::take(&mut self.read).freeze();
        if read.len() > self.most() {
            return Err(RpcError::too_large(read.len(), self.most()));
        }
        let mut is_gzip = self.encoding.is_gzip;
        if self.encoding.is_enveloped {
            is_gzip = opened(&mut read, is_gzip)?;
        }
        // An empty body is an empty message with any encoding.
        let read = if is_gzip && !read.is_empty() { inflate(&read, self.most())? } else { read };
        let message = match self.encoding.codec {
            Codec::Json => to_message(&read, &self.request)?.into(),
            Codec::Proto => read,
        };
        if message.len() > self.limit {
            return Err(RpcError::too_large(message.len(), self.limit));
        }
        prefixed(&message)
    }
}

/// Removes the flag and the length before the only message of a body. Returns whether the message has gzip.
fn opened(body: &mut Bytes, allows_gzip: bool) -> Result<bool, RpcError> {
    let Some((&[flag, a, b, c, d], rest)) = body.split_first_chunk::<PREFIX>() else {
        return Err(RpcError::malformed("is missing"));
    };
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    let is_gzip = match flag {
        0 => false,
        1 if allows_gzip => true,
        1 => {
            return Err(RpcError::malformed("is compressed, but connect-content-encoding names no encoding"));
        }
        _ => return Err(RpcError::malformed("begins with a flag that is neither 0 nor 1")),
    };
    if rest.len() != length {
        return Err(RpcError::malformed("is not one message of the length in its prefix"));
    }
    body.advance(PREFIX);
    Ok(is_gzip)
}

impl<B> http_body::Body for Converted<B>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let ended = self.ended;
        loop {
            let Some(body) = self.body.body().filter(|_| !ended) else { return Poll::Ready(None) };
            let step = match ready!(http_body::Body::poll_frame(Pin::new(body), cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.read(&data).map(|()| None),
                    Err(_) => Ok(None),
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                None => {
                    self.body.end();
                    self.message().map(Some)
                }
            };
            match step {
                Ok(None) => {}
                Ok(Some(message)) => {
                    self.ended = true;
                    return Poll::Ready(Some(Ok(Frame::data(message))));
                }
                Err(error) => {
                    self.ended = true;
                    return Poll::Ready(Some(Err(Status::from(error).into())));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_accepted_unless_it_is_left_out_or_weighs_nothing() {
        for (header, expected) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("deflate, gzip; q=1", true),
            ("gzip;q=0", false),
            ("gzip;q=x", false),
            ("x-gzip, identity", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, header.parse().unwrap())]);
            assert_eq!(accepts_gzip(&headers), expected, "{header:?}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn the_callers_deadline_applies_up_to_the_ceiling() {
        let ceiling = Duration::from_secs(30);
        for (header, expected) in [
            ("250", Duration::from_millis(250)),
            ("0", Duration::ZERO),
            ("9999999999", ceiling),
            ("00000000001", ceiling),
            ("+5", ceiling),
            ("5S", ceiling),
            ("", ceiling),
        ] {
            let headers = HeaderMap::from_iter([(TIMEOUT, header.parse().unwrap())]);
            assert_eq!(time_left(&headers, ceiling), expected, "{header:?}");
        }
        assert_eq!(time_left(&HeaderMap::new(), ceiling), ceiling);
    }
}
