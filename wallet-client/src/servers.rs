//! The servers of a client: any number that share one database. Calls go to one of them at a time, and to the next one
//! when it does not serve: no connection, no answer within the deadline, a proxy's UNAVAILABLE or a clock in doubt. A
//! server that answers with another reason, such as OVERLOADED, is kept: the next one has the same database.
//!
//! Each client begins with a server at random, its home, and returns to it once it serves again. Otherwise all clients
//! would stay with the server that was restarted first.

use std::error::Error as _;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use tokio::time::{Instant, timeout};
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint, Error};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tower::util::Oneshot;
use tower::{Service, ServiceExt};
use wallet_proto::reasons::DOMAIN;

use crate::error::{never_connected, no_response};
use crate::v1::ErrorReason;

/// The time after a failure until one call tries the home again.
const AWAY: Duration = Duration::from_secs(30);

/// The connections to all servers. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Servers {
    channels: Arc<[Channel]>,
    choice: Arc<Mutex<Choice>>,
}

/// The server of a request, and the time for its response. An extension of the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) server: usize,
    pub(crate) limit: Duration,
}

/// The server of the next call.
#[derive(Clone, Copy, Debug)]
struct Choice {
    home: usize,
    /// Another server, and the time of the next call to the home.
    away: Option<(usize, Instant)>,
}

impl Servers {
    /// Connects to these endpoints, at least one, with the first calls.
    pub(crate) fn lazy(endpoints: &[Endpoint]) -> Self {
        let channels: Vec<Channel> = endpoints.iter().map(Endpoint::connect_lazy).collect();
        let choice = Choice { home: at_random(channels.len()), away: None };
        Self { channels: channels.into(), choice: Arc::new(Mutex::new(choice)) }
    }

    /// Connects to the first of these endpoints, at least one, that answers; to the others with the first calls.
    pub(crate) async fn connect(endpoints: &[Endpoint]) -> Result<Self, Error> {
        let servers = Self::lazy(endpoints);
        let mut server = servers.choose();
        let mut tried = 1;
        loop {
            match endpoints[server].connect().await {
                Ok(channel) => {
                    let mut channels = servers.channels.to_vec();
                    channels[server] = channel;
                    return Ok(Self { channels: channels.into(), ..servers });
                }
                Err(error) if tried == endpoints.len() => return Err(error),
                Err(_) => servers.leave(server),
            }
            server = servers.after(server);
            tried += 1;
        }
    }

    /// Makes one attempt of a call, which may take `limit`, the wait for connections included. A server without a
    /// connection has not executed the call, so the attempt continues with the next one until all are tried.
    pub(crate) async fn attempt<A, F>(&self, limit: Duration, send: impl Fn(Target) -> F) -> Result<A, Status>
    where
        F: Future<Output = Result<A, Status>>,
    {
        let end = Instant::now() + limit;
        let mut server = self.choose();
        let (mut tried, mut left) = (1, limit);
        loop {
            let Ok(response) = timeout(left, send(Target { server, limit: left })).await else {
                self.leave(server);
                return Err(no_response(limit));
            };
            match response {
                Err(status) if does_not_serve(&status) => {
                    self.leave(server);
                    let is_over = tried == self.channels.len() || Instant::now() >= end;
                    if is_over || !never_connected(&status) {
                        return Err(status);
                    }
                }
                response => {
                    self.choice().has_served(server);
                    return response;
                }
            }
            server = self.after(server);
            tried += 1;
            left = end.saturating_duration_since(Instant::now());
        }
    }

    /// Lets later calls go to the server after this one, unless an earlier failure has done so.
    pub(crate) fn leave(&self, server: usize) {
        self.choice().leave(server, self.after(server), Instant::now());
    }

    /// Returns the server of a call.
    fn choose(&self) -> usize {
        self.choice().at(Instant::now())
    }

    fn after(&self, server: usize) -> usize {
        (server + 1) % self.channels.len()
    }

    fn choice(&self) -> MutexGuard<'_, Choice> {
        self.choice.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Choice {
    /// Returns the server of a call at this time. One call per [`AWAY`] tries the home.
    fn at(&mut self, now: Instant) -> usize {
        match &mut self.away {
            None => self.home,
            Some((server, until)) if now < *until => *server,
            Some((_, until)) => {
                *until = now + AWAY;
                self.home
            }
        }
    }

    fn leave(&mut self, server: usize, next: usize, now: Instant) {
        let current = self.away.map_or(self.home, |(server, _)| server);
        if server == current {
            self.away = Some((next, now + AWAY));
        }
    }

    fn has_served(&mut self, server: usize) {
        if server == self.home {
            self.away = None;
        }
    }
}

/// Sends each request to its [`Target`].
impl Service<Request<Body>> for Servers {
    type Response = Response<Body>;
    type Error = Error;
    type Future = Oneshot<Channel, Request<Body>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let target = request.extensions().get::<Target>();
        let server = target.map_or_else(|| self.choose(), |target| target.server);
        self.channels[server].clone().oneshot(request)
    }
}

/// Returns whether an error shows that its server serves no calls at present, whichever wallet they are about.
fn does_not_serve(status: &Status) -> bool {
    // A status from a server has no source: here the connection failed or the deadline passed.
    if status.source().is_some() {
        return true;
    }
    let details = status.get_error_details();
    let reason = details.error_info().filter(|info| info.domain == DOMAIN).map(|info| info.reason.as_str());
    status.code() == Code::Unavailable
        && reason.is_none_or(|reason| reason == ErrorReason::ClockInDoubt.short_name())
}

/// Returns a random number below `bound`.
fn at_random(bound: usize) -> usize {
    let below = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
    usize::try_from(RandomState::new().hash_one(0) % below).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tonic::ConnectError;
    use tonic_types::ErrorDetails;
    use wallet_proto::reasons::REASONS;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    fn servers(count: usize, home: usize) -> Servers {
        let servers = Servers::lazy(&vec![Endpoint::from_static("http://127.0.0.1:1"); count]);
        *servers.choice() = Choice { home, away: None };
        servers
    }

    fn not_connected() -> Status {
        Status::from_error(Box::new(ConnectError("connection refused".into())))
    }

    fn with_reason(code: Code, reason: &str, domain: &str) -> Status {
        Status::with_error_details(code, "", ErrorDetails::with_error_info(reason, domain, HashMap::new()))
    }

    #[tokio::test]
    async fn a_server_that_failed_is_left_by_one_failure_only() {
        let begun = Instant::now();
        let mut choice = Choice { home: 1, away: None };
        choice.leave(1, 2, begun);
        // Other calls that were under way fail, too.
        choice.leave(1, 2, begun);
        assert_eq!(choice.at(begun), 2);
        choice.leave(2, 0, begun);
        assert_eq!(choice.at(begun + AWAY - Duration::from_millis(1)), 0);
    }

    #[tokio::test]
    async fn one_call_tries_the_home_again_and_others_follow_once_it_serves() {
        let begun = Instant::now();
        let mut choice = Choice { home: 0, away: None };
        choice.leave(0, 1, begun);
        let again = begun + AWAY;
        assert_eq!([choice.at(again), choice.at(again)], [0, 1]);
        choice.leave(0, 1, again);
        assert_eq!(choice.at(again), 1, "the failure of that call moves no other");
        let again = again + AWAY;
        assert_eq!([choice.at(again), choice.at(again)], [0, 1]);
        choice.has_served(1);
        assert_eq!(choice.at(again), 1);
        choice.has_served(0);
        assert_eq!(choice.at(again), 0);
    }

    #[tokio::test]
    async fn a_single_server_is_never_left() {
        let servers = servers(1, 0);
        servers.leave(0);
        assert_eq!(servers.choose(), 0);
    }

    #[tokio::test]
    async fn an_attempt_continues_with_every_server_that_it_cannot_connect_to() {
        for down in 0..=3 {
            let (servers, tried) = (servers(3, 2), AtomicUsize::new(0));
            let send = |target: Target| {
                let is_down = tried.fetch_add(1, Ordering::Relaxed) < down;
                async move { if is_down { Err(not_connected()) } else { Ok(target.server) } }
            };
            let answer = servers.attempt(LIMIT, send).await;
            assert_eq!(answer.ok(), [Some(2), Some(0), Some(1), None][down]);
            assert_eq!(tried.into_inner(), (down + 1).min(3), "each server once");
        }
    }

    #[tokio::test]
    async fn a_lost_response_ends_the_attempt_and_leaves_the_server() {
        let servers = servers(2, 0);
        let send = |_| async { Err::<(), _>(Status::from_error("connection reset".into())) };
        assert!(servers.attempt(LIMIT, send).await.is_err());
        assert_eq!(servers.choose(), 1);
    }

    #[tokio::test]
    async fn a_silent_server_is_left_when_the_deadline_of_an_attempt_passes() {
        let servers = servers(2, 0);
        let silent = |_| std::future::pending::<Result<(), Status>>();
        let error = servers.attempt(Duration::from_millis(10), silent).await.unwrap_err();
        assert_eq!(error.code(), Code::DeadlineExceeded);
        assert_eq!(servers.choose(), 1);
    }

    #[tokio::test]
    async fn a_call_that_its_caller_gives_up_leaves_no_server() {
        let servers = servers(2, 0);
        let silent = |_| std::future::pending::<Result<(), Status>>();
        let given_up = timeout(Duration::from_millis(10), servers.attempt(LIMIT, silent)).await;
        assert!(given_up.is_err());
        assert_eq!(servers.choose(), 0);
    }

    #[test]
    fn a_server_that_answers_with_a_reason_is_kept_unless_its_clock_is_in_doubt() {
        for spec in REASONS {
            for code in spec.codes {
                let status = with_reason(*code, spec.reason.short_name(), DOMAIN);
                let is_left = spec.reason == ErrorReason::ClockInDoubt;
                assert_eq!(does_not_serve(&status), is_left, "{:?}", spec.reason);
            }
        }
        assert!(!does_not_serve(&with_reason(Code::Unavailable, "OF_A_LATER_VERSION", DOMAIN)));
    }

    #[test]
    fn without_a_reason_of_the_wallet_only_unavailable_is_the_answer_of_a_proxy() {
        assert!(does_not_serve(&with_reason(Code::Unavailable, "OVERLOADED", "proxy.example")));
        assert!(does_not_serve(&Status::unavailable("no healthy upstream")));
        assert!(!does_not_serve(&Status::internal("internal error")));
        assert!(does_not_serve(&not_connected()));
    }

    #[test]
    fn clients_begin_with_different_servers() {
        let mut begun = [0; 3];
        (0..100).for_each(|_| begun[at_random(3)] += 1);
        assert!(begun.iter().all(|clients| *clients > 0), "{begun:?}");
    }
}
