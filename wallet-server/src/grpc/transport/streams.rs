//! The tasks of calls, one per call, from the headers of the request until the reply has been read.
//!
//! A task has one timer. While the handler runs, it rings at the deadline of the call; afterwards it rings when the time
//! for reading the reply is over.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, ready};
use std::time::Duration;

use hyper::rt::Executor;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::TaskTracker;

tokio::task_local! {
    static TIMES: Times;
}

/// The instants at which the timer of a task rings.
struct Times {
    /// The deadline of the handler, while it runs.
    deadline: Cell<Option<Instant>>,
    has_passed: Cell<bool>,
    /// The end of the task. `None`: it has no limit.
    end: Cell<Option<Instant>>,
}

/// Lifts the time limit of the call that runs in this task, for a stream that may be silent for days.
pub(crate) fn open_ended() {
    TIMES.with(|times| times.end.set(None));
}

/// Gives the call that runs in this task this much time from now on. On HTTP/1.1, calls have no task, and this does nothing.
pub(crate) fn renew(time: Duration) {
    TIMES.try_with(|times| times.end.set(Some(Instant::now() + time))).ok();
}

/// Runs a handler until its deadline, and drops it if that passes. `None`: it has passed. The caller runs within
/// [`limited`].
pub(crate) async fn before<T>(deadline: Instant, handler: impl Future<Output = T>) -> Option<T> {
    let mut handler = pin!(handler);
    TIMES.with(|times| times.deadline.set(Some(deadline)));
    let done = poll_fn(|cx| match handler.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if TIMES.with(|times| times.has_passed.get()) => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    });
    let done = done.await;
    TIMES.with(|times| times.deadline.set(None));
    done
}

/// Runs a call for at most this time, unless it is open-ended. `None`: it took longer.
pub(crate) async fn limited<T>(longest: Duration, call: impl Future<Output = T>) -> Option<T> {
    let end = Instant::now() + longest;
    let times = Times { deadline: Cell::new(None), has_passed: Cell::new(false), end: Cell::new(Some(end)) };
    let ringing = async {
        let (mut call, mut timer) = (pin!(call), pin!(sleep_until(end)));
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(done) = call.as_mut().poll(cx) {
                    return Poll::Ready(Some(done));
                }
                let deadline = TIMES.with(|times| times.deadline.get().filter(|_| !times.has_passed.get()));
                let Some(next) = deadline.or_else(|| TIMES.with(|times| times.end.get())) else {
                    return Poll::Pending;
                };
                if timer.deadline() != next {
                    timer.as_mut().reset(next);
                }
                ready!(timer.as_mut().poll(cx));
                if deadline.is_none() {
                    return Poll::Ready(None);
                }
                TIMES.with(|times| times.has_passed.set(true));
            }
        })
        .await
    };
    TIMES.scope(times, ringing).await
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
        // Unboxed, each future around it would hold it twice, and all of that would be moved into the task.
        let call = Box::pin(call);
        self.tasks.spawn(async move {
            if limited(longest, call).await.is_none() {
                tracing::debug!("a reply was not read in time; its stream is reset");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    const SOON: Duration = Duration::from_millis(10);
    const LATE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn the_timer_rings_at_the_deadline_and_then_at_the_end() {
        let passed = async || before(Instant::now() + SOON, pending::<()>()).await.is_none();
        assert_eq!(limited(LATE, passed()).await, Some(true));
        let unread = async {
            assert!(passed().await);
            pending::<()>().await;
        };
        assert_eq!(limited(SOON * 2, unread).await, None);
        let in_time = async { before(Instant::now() + LATE, async { 7 }).await };
        assert_eq!(limited(LATE, in_time).await, Some(Some(7)));
        let watching = async {
            open_ended();
            tokio::time::sleep(SOON * 3).await;
        };
        assert_eq!(limited(SOON, watching).await, Some(()));
        let read = async {
            for _ in 0..5 {
                renew(SOON * 5);
                tokio::time::sleep(SOON).await;
            }
            renew(SOON);
            pending::<()>().await;
        };
        let begun = Instant::now();
        assert_eq!(limited(SOON * 2, read).await, None, "it ends when it is not renewed any more");
        assert!(begun.elapsed() >= SOON * 6, "and not before");
    }
}
