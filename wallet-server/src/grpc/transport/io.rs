//! The socket of a connection after its first bytes were read. It returns them to hyper, and records whether the peer
//! reads.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use prost::bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use super::Peer;

/// The preface with which every HTTP/2 connection begins.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The protocol of a connection, which its first bytes show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    Http1,
    Http2,
}

/// A socket whose first bytes were read.
#[derive(Debug)]
pub(super) struct Io<S> {
    stream: S,
    /// The first bytes that hyper has not read.
    left: Bytes,
    peer: Arc<Peer>,
}

/// Reads the first bytes of a connection within `time`, until they show its protocol. `None`: the peer sent nothing,
/// too little or something else. A method of HTTP/1.1 begins with a capital letter.
pub(super) async fn read_preface<S>(
    mut stream: S,
    time: Duration,
    peer: Arc<Peer>,
) -> Option<(Io<S>, Version)>
where
    S: AsyncRead + Unpin,
{
    let mut bytes = [0; PREFACE.len()];
    let mut read = 0;
    let version = tokio::time::timeout(time, async {
        while read < bytes.len() {
            match stream.read(&mut bytes[read..]).await {
                Ok(0) | Err(_) => return None,
                Ok(n) => read += n,
            }
            if bytes[..read] != PREFACE[..read] {
                return bytes[0].is_ascii_uppercase().then_some(Version::Http1);
            }
        }
        Some(Version::Http2)
    })
    .await;
    let version = version.ok().flatten()?;
    let left = match version {
        Version::Http1 => Bytes::copy_from_slice(&bytes[..read]),
        Version::Http2 => Bytes::from_static(PREFACE),
    };
    Some((Io { stream, left, peer }, version))
}

impl<S: AsyncRead + Unpin> AsyncRead for Io<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let now = buffer.remaining().min(self.left.len());
        buffer.put_slice(&self.left.split_to(now));
        Poll::Ready(Ok(()))
    }
}

impl<S> Io<S> {
    /// Records whether a write went through, and returns it.
    fn recorded<T>(&self, written: Poll<T>) -> Poll<T> {
        self.peer.record_write(written.is_ready());
        written
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Io<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.recorded(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.recorded(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
