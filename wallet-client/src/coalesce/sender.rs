//! Sends the requests of a method's queue, and passes each answer to its caller.

use std::fmt;
use std::iter;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::queue::{Queue, Waiting};
use super::{Method, Route};
use crate::Error;
use crate::servers::Target;
use crate::v1::ErrorReason;

/// A handle to the queue of a method on a connection.
pub(crate) struct Sender<M: Method>(Arc<Shared<M>>);

struct Shared<M: Method> {
    route: Route,
    queue: Mutex<Queue<Call<M>>>,
}

/// A call and its caller.
struct Call<M: Method> {
    request: M::Request,
    caller: oneshot::Sender<Result<M::Response, Error>>,
}

impl<M: Method> Sender<M> {
    pub(super) fn new(route: Route) -> Self {
        Self(Arc::new(Shared { route, queue: Mutex::default() }))
    }

    /// Makes one attempt of a call of `bytes` bytes. The caller waits for at most `limit`; a call that was sent before is
    /// executed all the same.
    pub(crate) async fn send(
        &self,
        request: M::Request,
        bytes: usize,
        limit: Duration,
    ) -> Result<M::Response, Error> {
        let (caller, answer) = oneshot::channel();
        let call = Call { request, caller };
        let may_go = self.0.queue().push(Waiting { call, bytes, limit, deadline: Instant::now() + limit });
        if may_go {
            // In a task of its own, because it carries the calls of others that may outlive this caller.
            tokio::spawn(SendLoop { shared: Arc::clone(&self.0), has_ended: false }.run());
        }
        match timeout(limit, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(Error::no_answer(limit)),
        }
    }
}

/// Shows no requests, which are the caller's data.
impl<M: Method> fmt::Debug for Sender<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl<M: Method> Shared<M> {
    fn queue(&self) -> MutexGuard<'_, Queue<Call<M>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends one request and answers its callers.
    async fn carry(&self, calls: Vec<Waiting<Call<M>>>) {
        let deadline = calls.iter().map(|waiting| waiting.deadline).max();
        let limit = deadline.map_or(Duration::ZERO, |last| last.saturating_duration_since(Instant::now()));
        let (requests, callers): (Vec<_>, Vec<_>) =
            calls.into_iter().map(|Waiting { call, .. }| (call.request, call.caller)).unzip();
        let servers = &self.route.servers;
        let send = |target: Target| {
            let answers = M::send(&self.route, requests.clone(), target);
            async move { Ok((answers.await?, target.server)) }
        };
        match servers.attempt(limit, send).await {
            Ok((answers, server)) => {
                if answers.iter().any(is_clock_in_doubt) {
                    servers.leave(server);
                }
                let missing = iter::repeat_with(|| Err(Error::incomplete("the result of an item")));
                for (caller, answer) in callers.into_iter().zip(answers.into_iter().chain(missing)) {
                    // A caller that has gone away learns the outcome by repeating the call with the same ids.
                    let _ = caller.send(answer);
                }
            }
            Err(status) => {
                for caller in callers {
                    let _ = caller.send(Err(Error::from(status.clone())));
                }
            }
        }
    }
}

fn is_clock_in_doubt<A>(answer: &Result<A, Error>) -> bool {
    answer.as_ref().is_err_and(|error| error.reason() == Some(ErrorReason::ClockInDoubt))
}

/// A task that sends one request after the other, as long as calls wait.
struct SendLoop<M: Method> {
    shared: Arc<Shared<M>>,
    has_ended: bool,
}

impl<M: Method> SendLoop<M> {
    async fn run(mut self) {
        while let Some(calls) = self.next() {
            self.shared.carry(calls).await;
        }
    }

    fn next(&mut self) -> Option<Vec<Waiting<Call<M>>>> {
        let calls = self.shared.queue().next(|call| call.caller.is_closed());
        self.has_ended = calls.is_none();
        calls
    }
}

/// Gives the request up if the task is dropped: its runtime may end while the client is still used in another one.
impl<M: Method> Drop for SendLoop<M> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.shared.queue().give_up();
        }
    }
}
