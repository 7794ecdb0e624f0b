//! Streams: messages about something that a caller watches, which a task of its own reads again and again.
//!
//! One message waits for the caller at a time, so a slow caller costs no memory. The next read comes after the caller
//! has taken it. The transport ends a stream whose caller takes nothing for 30 s.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::call::Call;
use super::error::RpcError;
use crate::feed::Wakeup;

/// The longest time without a message, and without a check of the caller's credential.
pub(super) const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// The messages of a stream.
pub(super) type Messages<M> = ReceiverStream<Result<M, Status>>;

/// Something that a caller watches.
pub(super) trait Watched: Send + 'static {
    type Message: Send + 'static;

    /// Waits for a change, at most for [`SIGN_OF_LIFE`].
    fn wait(&mut self) -> impl Future<Output = Wakeup> + Send;

    /// Returns the message after a change, or the sign of life after none.
    fn read(
        &mut self,
        call: &Call,
        wakeup: Wakeup,
    ) -> impl Future<Output = Result<Self::Message, RpcError>> + Send;
}

/// Returns a stream of the first message and those after it. It ends when the caller has gone, its credential is no
/// longer valid, a read fails, or the server stops.
pub(super) fn stream<W: Watched>(call: Call, first: W::Message, watched: W) -> Messages<W::Message> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(send_each(first, Watching { call, watched }, sender));
    ReceiverStream::new(receiver)
}

/// The messages of a stream after the first one.
trait Source: Send {
    type Message: Send;

    /// Returns the next message, or the error that ends the stream. `None` ends it too.
    fn next(&mut self) -> impl Future<Output = Option<Result<Self::Message, Status>>> + Send;
}

/// A call, and what it watches.
struct Watching<W> {
    call: Call,
    watched: W,
}

impl<W: Watched> Source for Watching<W> {
    type Message = W::Message;

    async fn next(&mut self) -> Option<Result<W::Message, Status>> {
        let wakeup = self.watched.wait().await;
        match (wakeup, self.call.check_credential().await) {
            (Wakeup::Stopping, _) => None,
            (_, Err(refused)) => Some(Err(refused.into())),
            (wakeup, Ok(())) => Some(self.watched.read(&self.call, wakeup).await.map_err(Status::from)),
        }
    }
}

/// Sends the first message, then each next one, until there is none, one is an error, or the caller has gone. The next
/// one is read when the caller has taken the one before.
async fn send_each<S: Source>(
    first: S::Message,
    mut source: S,
    sender: mpsc::Sender<Result<S::Message, Status>>,
) {
    let mut message = Ok(first);
    let Ok(mut place) = sender.reserve().await else { return };
    loop {
        let is_last = message.is_err();
        place.send(message);
        if is_last {
            return;
        }
        let Ok(free) = sender.reserve().await else { return };
        let next = tokio::select! {
            () = sender.closed() => return,
            next = source.next() => next,
        };
        let Some(next) = next else { return };
        (place, message) = (free, next);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Context, Waker};

    use super::*;

    /// Messages with the number of reads, of which the third is an error.
    struct Counted(Arc<AtomicU32>);

    impl Source for Counted {
        type Message = u32;

        async fn next(&mut self) -> Option<Result<u32, Status>> {
            let reads = self.0.fetch_add(1, Ordering::Relaxed) + 1;
            Some(if reads < 3 { Ok(reads) } else { Err(Status::aborted("the end")) })
        }
    }

    #[test]
    fn the_next_message_is_read_after_the_caller_has_taken_the_one_before() {
        let (sender, mut receiver) = mpsc::channel(1);
        let reads = Arc::new(AtomicU32::new(0));
        let mut sending = pin!(send_each(0, Counted(Arc::clone(&reads)), sender));
        let mut run = || sending.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        for taken in 0..3 {
            assert!(run().is_pending());
            assert_eq!(reads.load(Ordering::Relaxed), taken, "before message {taken} is taken");
            assert_eq!(receiver.try_recv().unwrap().unwrap(), taken);
        }
        assert!(run().is_ready());
        assert_eq!(receiver.try_recv().unwrap().unwrap_err().message(), "the end");
    }
}
