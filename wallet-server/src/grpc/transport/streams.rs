//! Calls as the transport runs them: one task each, from the request's headers until the reply has been read.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use hyper::rt::Executor;
use tokio_util::task::TaskTracker;

tokio::task_local! {
    static OPEN_ENDED: Cell<bool>;
}

/// The call whose task this is may last: it watches something.
pub(crate) fn open_ended() {
    // Elsewhere than in a call's task there is no bound to lift.
    let _ = OPEN_ENDED.try_with(|open_ended| open_ended.set(true));
}

/// Runs each call in a task of its own, for a bounded time. A call whose time is over is dropped, which resets its
/// stream and frees the reply.
#[derive(Debug, Clone)]
pub(super) struct Streams {
    pub(super) tasks: TaskTracker,
    pub(super) longest: Duration,
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, call: F) {
        let longest = self.longest;
        self.tasks.spawn(OPEN_ENDED.scope(Cell::new(false), async move {
            let mut call = pin!(call);
            if tokio::time::timeout(longest, &mut call).await.is_ok() {
                return;
            }
            if OPEN_ENDED.with(Cell::get) {
                call.await;
            } else {
                tracing::debug!("a reply was not read in time; its stream is reset");
            }
        }));
    }
}
