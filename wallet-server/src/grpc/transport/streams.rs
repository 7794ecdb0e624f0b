//! The tasks of calls, one per call, from the headers of the request until the reply has been read.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use hyper::rt::Executor;
use tokio_util::task::TaskTracker;

tokio::task_local! {
    static OPEN_ENDED: Cell<bool>;
}

/// Lifts the time limit of the call that runs in this task, for calls that watch something.
pub(crate) fn open_ended() {
    // Outside the task of a call there is no limit to lift.
    let _ = OPEN_ENDED.try_with(|open_ended| open_ended.set(true));
}

/// The executor of calls: it runs each in its own task for a limited time. A call that takes longer is dropped, which
/// resets its stream and frees the reply.
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
