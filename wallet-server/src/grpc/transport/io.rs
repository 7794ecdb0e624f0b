//! The socket of a connection after its preface was read. It returns the preface to hyper, and records whether the
//! peer reads.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::Peer;

/// The preface with which every HTTP/2 connection begins.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The reply to a peer that uses HTTP/1.1.
const SPEAKS_HTTP_1: &[u8] = b"HTTP/1.1 505 HTTP Version Not Supported\r\n\
    content-type: text/plain\r\ncontent-length: 63\r\nconnection: close\r\n\r\n\
    This is a gRPC server: use HTTP/2, for example through grpcurl\n";

/// A socket whose preface was read.
#[derive(Debug)]
pub(super) struct Io<S> {
    stream: S,
    /// The bytes of the preface that hyper has not read.
    left: &'static [u8],
    peer: Arc<Peer>,
}

/// Reads the preface within `time`. `None`: the peer sent nothing, too little or something else.
pub(super) async fn read_preface<S>(mut stream: S, time: Duration, peer: Arc<Peer>) -> Option<Io<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut bytes = [0; PREFACE.len()];
    let mut read = 0;
    let complete = tokio::time::timeout(time, async {
        while read < bytes.len() {
            match stream.read(&mut bytes[read..]).await {
                Ok(0) | Err(_) => return false,
                Ok(n) => read += n,
            }
            if bytes[..read] != PREFACE[..read] {
                return false;
            }
        }
        true
    })
    .await;
    if complete == Ok(true) {
        return Some(Io { stream, left: PREFACE, peer });
    }
    if read > 0 && bytes[0].is_ascii_uppercase() && bytes[..read] != PREFACE[..read] {
        // A courtesy: the server does not wait until the peer has read it.
        let _ = stream.write(SPEAKS_HTTP_1).await;
    }
    None
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
        let (now, later) = self.left.split_at(buffer.remaining().min(self.left.len()));
        buffer.put_slice(now);
        self.left = later;
        Poll::Ready(Ok(()))
    }
}

impl<S> Io<S> {
    /// Records whether a write went through, and returns it.
    fn noted<T>(&self, written: Poll<T>) -> Poll<T> {
        self.peer.note_write(written.is_ready());
        written
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Io<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.noted(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.noted(written)
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
