//! The bodies of requests that are answered before all of their bytes have arrived.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use prost::bytes::Bytes;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// The most bytes that are read and discarded.
const MOST: usize = 64 * 1024;
/// The longest time for which bytes are read.
const LONGEST: Duration = Duration::from_secs(1);

/// A body that is read on for a moment when this is dropped. A stream of HTTP/2 would be reset otherwise, and curl then
/// reports an error instead of the reply.
#[derive(Debug)]
pub(crate) struct Unread<B> {
    body: Option<B>,
    read_on: fn(B),
}

impl<B> Unread<B> {
    pub(crate) fn new(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes> + Unpin + Send + 'static,
    {
        Self { body: Some(body), read_on }
    }

    /// Returns the body, unless its end was reached.
    pub(super) fn body(&mut self) -> Option<&mut B> {
        self.body.as_mut()
    }

    pub(super) fn end(&mut self) {
        self.body = None;
    }
}

impl<B> Drop for Unread<B> {
    fn drop(&mut self) {
        if let Some(body) = self.body.take() {
            (self.read_on)(body);
        }
    }
}

fn read_on<B>(mut body: B)
where
    B: http_body::Body<Data = Bytes> + Unpin + Send + 'static,
{
    // A server that ends has no runtime any more.
    let Some(runtime) = Handle::try_current().ok().filter(|_| !body.is_end_stream()) else { return };
    let reading = async move {
        let mut read = 0;
        while read < MOST {
            match poll_fn(|cx| http_body::Body::poll_frame(Pin::new(&mut body), cx)).await {
                Some(Ok(frame)) => read += frame.data_ref().map_or(0, Bytes::len),
                Some(Err(_)) | None => return,
            }
        }
    };
    runtime.spawn(async { timeout(LONGEST, reading).await });
}
