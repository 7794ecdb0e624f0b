//! Streams: messages about something that a caller watches, which a task of its own reads again and again.
//!
//! One message waits for the caller at a time, so a slow caller costs no memory. The next read comes after the caller has
//! taken it. The transport ends a stream whose caller takes nothing for 30 s.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::call::Call;
use super::error::RpcError;
use crate::feed::News;

/// The longest time without a message, and without a check of the caller's credential.
pub(super) const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// The messages of a stream.
pub(super) type Messages<M> = ReceiverStream<Result<M, Status>>;

/// Something that a caller watches.
pub(super) trait Watched: Send + 'static {
    type Message: Send + 'static;

    /// Waits for news, at most for [`SIGN_OF_LIFE`].
    fn news(&mut self) -> impl Future<Output = News> + Send;

    /// Returns the message after news, or the sign of life after none.
    fn read(
        &mut self,
        call: &Call,
        news: News,
    ) -> impl Future<Output = Result<Self::Message, RpcError>> + Send;
}

/// Returns a stream of the first message and those after it. It ends when the caller has gone, its credential is no longer
/// valid, a read fails, or the server stops.
pub(super) fn stream<W: Watched>(call: Call, first: W::Message, watched: W) -> Messages<W::Message> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(run(call, first, watched, sender));
    ReceiverStream::new(receiver)
}

async fn run<W: Watched>(
    call: Call,
    first: W::Message,
    mut watched: W,
    sender: mpsc::Sender<Result<W::Message, Status>>,
) {
    let mut message = first;
    while sender.send(Ok(message)).await.is_ok() {
        let news = tokio::select! {
            () = sender.closed() => return,
            news = watched.news() => news,
        };
        let next = match (news, call.check_credential().await) {
            (News::Stopping, _) => return,
            (_, Err(refused)) => Err(refused),
            (news, Ok(())) => watched.read(&call, news).await,
        };
        match next {
            Ok(next) => message = next,
            Err(error) => {
                // Nothing is lost if the caller has gone.
                sender.send(Err(error.into())).await.ok();
                return;
            }
        }
    }
}
