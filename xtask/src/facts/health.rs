//! One call of the gRPC health service, as bytes. A gRPC client would be most of the time that xtask takes to build.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// The longest wait for the next bytes of the answer.
const TIMEOUT: Duration = Duration::from_secs(1);

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The types and flags of HTTP/2 frames.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A gRPC message with an empty `HealthCheckRequest`.
const EMPTY: [u8; 5] = [0; 5];
/// A gRPC message with `HealthCheckResponse { status: SERVING }`.
const SERVING: [u8; 7] = [0, 0, 0, 0, 2, 8, 1];

/// Returns whether the health service of a local port answers SERVING.
pub(super) fn serves(port: u16) -> bool {
    answers(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).unwrap_or(false)
}

fn answers(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(&request())?;
    let (mut answer, mut bytes) = (Vec::new(), [0; 1024]);
    loop {
        let length = stream.read(&mut bytes)?;
        answer.extend_from_slice(&bytes[..length]);
        let serves = answer.windows(SERVING.len()).any(|window| window == SERVING);
        if serves || length == 0 {
            return Ok(serves);
        }
    }
}

/// The bytes of a connection with one call of `grpc.health.v1.Health/Check`.
fn request() -> Vec<u8> {
    // Indices of HPACK's static table: 3 is POST, 6 is http.
    let mut headers = vec![0x80 | 3, 0x80 | 6];
    // Literals without indexing, with a name of the static table: 4 is :path, 1 is :authority, 31 is content-type.
    headers.extend([&[4][..], &text("/grpc.health.v1.Health/Check")].concat());
    headers.extend([&[1][..], &text("localhost")].concat());
    headers.extend([&[15, 31 - 15][..], &text("application/grpc")].concat());
    headers.extend([&[0][..], &text("te"), &text("trailers")].concat());
    [
        PREFACE,
        &frame(SETTINGS, 0, 0, &[]),
        &frame(HEADERS, END_HEADERS, 1, &headers),
        &frame(DATA, END_STREAM, 1, &EMPTY),
    ]
    .concat()
}

/// A frame of at most 255 bytes.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    [&[0, 0, length(payload), kind, flags, 0, 0, 0, stream], payload].concat()
}

/// A string of HPACK, at most 126 bytes.
fn text(text: &str) -> Vec<u8> {
    [&[length(text.as_bytes())], text.as_bytes()].concat()
}

fn length(bytes: &[u8]) -> u8 {
    u8::try_from(bytes.len()).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn only_the_answer_serving_counts() {
        let not_serving = [0, 0, 0, 0, 2, 8, 2];
        for (answer, expected) in [(SERVING, true), (not_serving, false)] {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = listener.local_addr().unwrap().port();
            let server = thread::spawn(move || {
                let mut stream = listener.accept().unwrap().0;
                let mut preface = vec![0; request().len()];
                stream.read_exact(&mut preface).unwrap();
                stream.write_all(&frame(DATA, 0, 1, &answer)).unwrap();
                preface
            });
            assert_eq!(serves(port), expected);
            assert_eq!(server.join().unwrap(), request());
        }
    }

    #[test]
    fn a_closed_port_does_not_serve() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        assert!(!serves(port));
    }
}
