//! A stream of the server that is opened again after it was lost.

use std::time::Duration;

use tonic::Streaming;
use tracing::debug;

use crate::Error;
use crate::servers::Servers;

/// The time without any message after which a stream counts as lost. The server sends one at least every 5 seconds.
const SILENCE: Duration = Duration::from_secs(20);
/// The pause after a stream that ended before its first message.
const PAUSE: Duration = Duration::from_millis(100);

/// A stream that is open, or will be opened by the next [`next`](Self::next).
pub(crate) struct ResumedStream<M>(Option<OpenStream<M>>);

/// A stream that is open, and its server.
pub(crate) struct OpenStream<M> {
    messages: Streaming<M>,
    servers: Servers,
    server: usize,
    has_answered: bool,
}

impl<M> OpenStream<M> {
    pub(crate) const fn new(messages: Streaming<M>, servers: Servers, server: usize) -> Self {
        Self { messages, servers, server, has_answered: false }
    }
}

impl<M> ResumedStream<M> {
    /// Returns a stream that is not open.
    pub(crate) const fn new() -> Self {
        Self(None)
    }

    /// Returns the next message. `None`: the stream was lost and can be opened again.
    ///
    /// Cancel safe: a dropped future loses no message.
    pub(crate) async fn next(
        &mut self,
        open: impl Future<Output = Result<OpenStream<M>, Error>>,
    ) -> Result<Option<M>, Error> {
        let stream = match &mut self.0 {
            Some(stream) => stream,
            None => self.0.insert(open.await?),
        };
        let answer = tokio::time::timeout(SILENCE, stream.messages.message()).await;
        let has_answered = stream.has_answered;
        let error = match answer {
            Ok(Ok(Some(message))) => {
                stream.has_answered = true;
                return Ok(Some(message));
            }
            Ok(Ok(None)) => None,
            Ok(Err(status)) => Some(Error::from(status)),
            Err(_silence) => {
                stream.servers.leave(stream.server);
                Some(Error::no_answer(SILENCE))
            }
        };
        debug!(?error, "a stream ended");
        self.0 = None;
        if let Some(error) = error.filter(|error| !error.is_retryable()) {
            return Err(error);
        }
        if !has_answered {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(None)
    }
}
