//! The time of a call, from the headers of its request until its reply has been read.
//!
//! [`limited`] runs a call with one timer. While the handler runs, it rings at the deadline of the call; afterwards it
//! rings when the time for reading the reply is over. The time is local to the task, so that the handler and the reply
//! can change it: each message of a stream renews it.
//!
//! A call of HTTP/2 has a task of its own. The calls of an HTTP/1.1 connection run in the task of the connection, one
//! after another; it looks at their time once a second.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, ready};
use std::time::Duration;

use hyper::rt::Executor;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::TaskTracker;

tokio::task_local! {
    static TIME: CallTime;
}

/// The instants at which the timer of a call rings.
struct CallTime {
    /// The deadline of the handler, while it runs.
    deadline: Cell<Option<Instant>>,
    has_passed: Cell<bool>,
    /// The time until which the reply must have been read. `None`: it has no limit.
    end: Cell<Option<Instant>>,
}

impl CallTime {
    const fn until(end: Option<Instant>) -> Self {
        Self { deadline: Cell::new(None), has_passed: Cell::new(false), end: Cell::new(end) }
    }
}

/// Gives the call that runs in this task this much time from now on.
pub(crate) fn renew(time: Duration) {
    TIME.try_with(|of_call| of_call.end.set(Some(Instant::now() + time))).ok();
}

/// Runs a handler until its deadline, and drops it if that passes. `None`: it has passed. The caller runs within
/// [`limited`].
pub(crate) async fn run_until<T>(deadline: Instant, handler: impl Future<Output = T>) -> Option<T> {
    let mut handler = pin!(handler);
    TIME.with(|time| time.deadline.set(Some(deadline)));
    let done = poll_fn(|cx| match handler.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if TIME.with(|time| time.has_passed.get()) => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    });
    let done = done.await;
    TIME.with(|time| time.deadline.set(None));
    done
}

/// Runs a call for at most this time, unless it is renewed. `None`: it took longer.
pub(crate) async fn limited<T>(longest: Duration, call: impl Future<Output = T>) -> Option<T> {
    let end = Instant::now() + longest;
    let ringing = async {
        let (mut call, mut timer) = (pin!(call), pin!(sleep_until(end)));
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(done) = call.as_mut().poll(cx) {
                    return Poll::Ready(Some(done));
                }
                let deadline = TIME.with(|time| time.deadline.get().filter(|_| !time.has_passed.get()));
                let Some(next) = deadline.or_else(|| TIME.with(|time| time.end.get())) else {
                    return Poll::Pending;
                };
                if timer.deadline() != next {
                    timer.as_mut().reset(next);
                }
                ready!(timer.as_mut().poll(cx));
                if deadline.is_none() {
                    return Poll::Ready(None);
                }
                TIME.with(|time| time.has_passed.set(true));
            }
        })
        .await
    };
    TIME.scope(CallTime::until(Some(end)), ringing).await
}

/// Runs a connection of HTTP/1.1. [`renew`] gives time to its current call, and [`is_over`] looks at it.
pub(super) async fn one_by_one<T>(connection: impl Future<Output = T>) -> T {
    TIME.scope(CallTime::until(None), connection).await
}

/// Returns whether the time of the last call in this task is over. `false` if it has run none.
pub(super) fn is_over() -> bool {
    let has_passed = |time: &CallTime| time.end.get().is_some_and(|end| end < Instant::now());
    TIME.try_with(has_passed).unwrap_or(false)
}

/// The executor of HTTP/2: it runs each call in its own task for a limited time. A call that takes longer is dropped,
/// which resets its HTTP/2 stream and frees the reply.
#[derive(Debug, Clone)]
pub(super) struct CallTasks {
    pub(super) tasks: TaskTracker,
    pub(super) longest: Duration,
}

impl<F> Executor<F> for CallTasks
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
        let passed = async || run_until(Instant::now() + SOON, pending::<()>()).await.is_none();
        assert_eq!(limited(LATE, passed()).await, Some(true));
        let unread = async {
            assert!(passed().await);
            pending::<()>().await;
        };
        assert_eq!(limited(SOON * 2, unread).await, None);
        let in_time = async { run_until(Instant::now() + LATE, async { 7 }).await };
        assert_eq!(limited(LATE, in_time).await, Some(Some(7)));
        let read = async {
            for _ in 0..5 {
                renew(SOON * 5);
                tokio::time::sleep(SOON).await;
            }
            renew(SOON);
            pending::<()>().await;
        };
        let started = Instant::now();
        assert_eq!(limited(SOON * 2, read).await, None, "it ends when it is not renewed any more");
        assert!(started.elapsed() >= SOON * 6, "and not before");
    }

    #[tokio::test]
    async fn the_time_of_a_connection_is_that_of_its_current_call() {
        assert!(!is_over(), "no call runs in this task");
        let connection = async {
            assert!(!is_over(), "no call has begun");
            renew(SOON);
            tokio::time::sleep(SOON * 2).await;
            assert!(is_over());
            assert_eq!(limited(LATE, async { is_over() }).await, Some(false), "the handler has its own time");
            renew(LATE);
            assert!(!is_over(), "a message was read, or the next call has begun");
        };
        one_by_one(connection).await;
    }
}
