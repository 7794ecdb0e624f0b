//! HTTP/2 frames written by hand, for peers that break rules which every library keeps.
#![allow(dead_code, reason = "unit tests and integration tests use different parts")]

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
pub(crate) const GO_AWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// A connection whose frames are written and read one by one.
pub(crate) struct Raw {
    stream: TcpStream,
    next: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Raw {
    /// Connects. Lets the server send `window` bytes per stream; the window is never raised.
    pub(crate) async fn connect(address: &str, window: u32) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server takes connections");
        let mut raw = Self { stream, next: 1 };
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        // SETTINGS_INITIAL_WINDOW_SIZE
        let window = [&[0, 4][..], &window.to_be_bytes()].concat();
        bytes.extend(frame(SETTINGS, 0, 0, &window));
        // The window of the connection is as large as possible: those of the streams are under test.
        bytes.extend(frame(WINDOW_UPDATE, 0, 0, &0x7fff_0000_u32.to_be_bytes()));
        raw.send(&bytes).await;
        raw
    }

    /// Sends these bytes. Does not fail if the server has closed the connection, which the next read detects.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// Sends these bytes. Returns `false` once the server has closed the connection.
    pub(crate) async fn takes(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// The frames of a call with this message, and its stream number.
    pub(crate) fn call(&mut self, path: &str, message: &[u8]) -> (u32, Vec<u8>) {
        let (stream, mut bytes) = self.begin(path, "application/grpc");
        let length = u32::try_from(message.len()).expect("a short message");
        bytes.extend(end(stream, &[&[0][..], &length.to_be_bytes(), message].concat()));
        (stream, bytes)
    }

    /// The first frame of a call, and its stream number.
    pub(crate) fn begin(&mut self, path: &str, content_type: &str) -> (u32, Vec<u8>) {
        let stream = self.next;
        self.next += 2;
        let headers = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "test"),
            ("content-type", content_type),
            ("te", "trailers"),
        ];
        let block: Vec<u8> = headers.iter().flat_map(|(name, value)| literal(name, value)).collect();
        (stream, frame(HEADERS, END_HEADERS, stream, &block))
    }

    /// The next frame other than SETTINGS and PING, which are answered; `None` once the server has closed the
    /// connection.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            let mut head = [0; 9];
            self.stream.read_exact(&mut head).await.ok()?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; length.try_into().expect("a length")];
            self.stream.read_exact(&mut payload).await.ok()?;
            let [_, _, _, kind, flags, a, b, c, d] = head;
            match kind {
                SETTINGS if flags & ACK == 0 => self.send(&frame(SETTINGS, ACK, 0, &[])).await,
                PING if flags & ACK == 0 => self.send(&frame(PING, ACK, 0, &payload)).await,
                SETTINGS | PING => {}
                _ => return Some(Frame { kind, stream: u32::from_be_bytes([a & 0x7f, b, c, d]), payload }),
            }
        }
    }

    /// The first frame of this kind on this stream; `None` if the server closes the connection first.
    pub(crate) async fn until(&mut self, kind: u8, stream: u32) -> Option<Frame> {
        loop {
            let frame = self.next().await?;
            if (frame.kind, frame.stream) == (kind, stream) {
                return Some(frame);
            }
        }
    }
}

/// The last frame of a call.
pub(crate) fn end(stream: u32, data: &[u8]) -> Vec<u8> {
    frame(DATA, END_STREAM, stream, data)
}

/// The frame that resets a stream with CANCEL.
pub(crate) fn reset(stream: u32) -> Vec<u8> {
    frame(RESET, 0, stream, &8_u32.to_be_bytes())
}

/// A PING frame, which a live server answers.
pub(crate) fn ping() -> Vec<u8> {
    frame(PING, 0, 0, &[0; 8])
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header field without compression and without indexing (RFC 7541, 6.2.2).
fn literal(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| {
        let length = u8::try_from(text.len()).ok().filter(|length| *length < 127).expect("a short text");
        [&[length], text.as_bytes()].concat()
    };
    [vec![0], text(name), text(value)].concat()
}
