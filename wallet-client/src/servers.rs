//! The servers of a client: any number that share one database. Calls go to one of them at a time, and to the next one
//! when it cannot be reached or is unavailable. A retry therefore meets another server.
//!
//! Each client begins with a server at random, its home, and returns to it after a while. Otherwise all clients would
//! stay with the server that was restarted first.

use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, Request, Response};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint, Error};
use tonic::{Code, Status};
use tower::{Service, ServiceExt};

/// The time after a failure until the home is tried again.
const AWAY: Duration = Duration::from_secs(30);

/// The connections to all servers. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Servers {
    channels: Arc<[Channel]>,
    choice: Arc<Mutex<Choice>>,
}

/// The server of the next call.
#[derive(Clone, Copy, Debug)]
struct Choice {
    home: usize,
    /// Another server, until this time.
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
        let mut tried = 1;
        loop {
            let server = servers.current();
            match endpoints[server].connect().await {
                Ok(channel) => {
                    let mut channels = servers.channels.to_vec();
                    channels[server] = channel;
                    return Ok(Self { channels: channels.into(), ..servers });
                }
                Err(error) if tried == endpoints.len() => return Err(error),
                Err(_) => servers.leave(server),
            }
            tried += 1;
        }
    }

    /// Returns the server of the next call.
    fn current(&self) -> usize {
        self.choice().at(Instant::now())
    }

    /// Lets later calls go to the next server, unless an earlier failure has done so.
    fn leave(&self, server: usize) {
        self.choice().leave(server, self.channels.len(), Instant::now());
    }

    fn choice(&self) -> MutexGuard<'_, Choice> {
        self.choice.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Choice {
    fn at(&mut self, now: Instant) -> usize {
        self.away = self.away.filter(|(_, until)| now < *until);
        self.away.map_or(self.home, |(server, _)| server)
    }

    fn leave(&mut self, server: usize, servers: usize, now: Instant) {
        if self.at(now) == server && servers > 1 {
            self.away = Some(((server + 1) % servers, now + AWAY));
        }
    }
}

impl Service<Request<Body>> for Servers {
    type Response = Response<Body>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let servers = self.clone();
        Box::pin(async move {
            let server = servers.current();
            let answer = servers.channels[server].clone().oneshot(request).await;
            if answer.as_ref().map_or(true, |answer| is_unavailable(answer.headers())) {
                servers.leave(server);
            }
            answer
        })
    }
}

/// Returns whether a server answers that it does not execute calls at present.
fn is_unavailable(headers: &HeaderMap) -> bool {
    Status::from_header_map(headers).is_some_and(|status| status.code() == Code::Unavailable)
}

/// Returns a random number below `bound`.
fn at_random(bound: usize) -> usize {
    let below = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
    usize::try_from(RandomState::new().hash_one(0) % below).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_failed_is_left_for_a_while_and_by_one_failure_only() {
        let begun = Instant::now();
        let mut choice = Choice { home: 1, away: None };
        assert_eq!(choice.at(begun), 1);
        choice.leave(1, 3, begun);
        // Other calls that were under way fail, too.
        choice.leave(1, 3, begun);
        assert_eq!(choice.at(begun), 2);
        choice.leave(2, 3, begun);
        assert_eq!(choice.at(begun + AWAY - Duration::from_millis(1)), 0);
        assert_eq!(choice.at(begun + AWAY), 1, "the home is tried again");
    }

    #[tokio::test]
    async fn a_single_server_is_never_left() {
        let mut choice = Choice { home: 0, away: None };
        choice.leave(0, 1, Instant::now());
        assert_eq!(choice.at(Instant::now()), 0);
    }

    #[test]
    fn clients_begin_with_different_servers() {
        let mut begun = [0; 3];
        (0..100).for_each(|_| begun[at_random(3)] += 1);
        assert!(begun.iter().all(|clients| *clients > 0), "{begun:?}");
    }
}
