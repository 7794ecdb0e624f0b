//! The calls of an HTTP/1.1 connection, which has one call at a time. They run in the task of the connection.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use thiserror::Error;
use tokio::time::Instant;

use super::Peer;
use super::peers::UNREAD;
use super::streams::limited;
use crate::grpc::layers::Reply;
use crate::grpc::router::Calls;

/// The call takes longer than any call may take. The connection is closed.
#[derive(Debug, Error)]
#[error("the call takes too long")]
pub(super) struct TooLong;

/// The begin of the current call of a connection, and the time that a call may take until its reply has been read.
#[derive(Debug)]
pub(super) struct OneCall {
    begun: Arc<Mutex<Instant>>,
    longest: Duration,
}

impl OneCall {
    pub(super) fn new(longest: Duration) -> Self {
        Self { begun: Arc::new(Mutex::new(Instant::now())), longest }
    }

    /// Returns the service of the connection.
    pub(super) fn service(
        &self,
        peer: Arc<Peer>,
        calls: Calls<Incoming>,
    ) -> impl Service<Request<Incoming>, Response = Response<Reply>, Error = TooLong, Future: Send> + Send + use<>
    {
        let (begun, longest) = (Arc::clone(&self.begun), self.longest);
        service_fn(move |request: Request<Incoming>| {
            *begun.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            let answer = calls.answer(Some(&peer), request);
            async move { limited(longest, answer).await.ok_or(TooLong) }
        })
    }

    /// Returns whether the current call takes too long. A stream does not, while it is read.
    pub(super) fn is_late(&self, peer: &Peer) -> bool {
        let begun = *self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let is_read = peer.streamed().is_some_and(|since| since <= UNREAD);
        peer.idle().is_none() && begun.elapsed() > self.longest && !is_read
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::transport::Peers;
    use crate::settings::Limits;

    #[tokio::test]
    async fn only_a_call_in_progress_can_be_late() {
        let peer = Peers::new(&Limits::default()).alone();
        let calls = OneCall::new(Duration::from_millis(5));
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(!calls.is_late(&peer), "the peer pauses");
        let call = peer.begin();
        assert!(calls.is_late(&peer));
        call.streams();
        assert!(!calls.is_late(&peer), "a stream that is read");
        drop(call);
        let call = peer.begin();
        assert!(calls.is_late(&peer), "the next call is no stream");
        drop(call);
        assert!(!calls.is_late(&peer));
    }
}
