//! Accepting: below the limit of descriptors, and with a pause where the system has none left.

use std::io;
use std::time::Duration;

use http::{Request, Response};
use rustix::process::{Resource, getrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use tower::{BoxError, Service};

use super::connection::{protocol, serve};
use super::peers::Peers;
use super::streams::Streams;
use crate::grpc::GrpcLimits;

/// The pause after the first failed accept; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long closed connections may take to be gone.
const GONE: Duration = Duration::from_secs(1);

/// The descriptors that this process may open, if there is a limit.
pub(crate) fn descriptor_limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// The server's side of all connections.
#[derive(Debug)]
pub(crate) struct Front {
    limits: GrpcLimits,
    /// The most connections at a time.
    connections: usize,
    peers: Peers,
    tasks: TaskTracker,
}

impl Front {
    pub(crate) fn new(limits: GrpcLimits, descriptors: Option<u64>) -> Self {
        let connections = limits.connections_within(descriptors);
        tracing::debug!(connections, ?descriptors, "the most connections at a time");
        Self { peers: Peers::new(&limits), tasks: TaskTracker::new(), connections, limits }
    }

    /// Serves all connections until `shutdown`, then lets the calls in progress finish within the drain time.
    pub(crate) async fn serve<S>(self, listener: TcpListener, service: S, shutdown: CancellationToken)
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = BoxError, Future: Send>
            + Clone
            + Send
            + 'static,
    {
        let longest = self.limits.longest_call + self.limits.reading_time;
        let http2 = protocol(&self.limits, Streams { tasks: self.tasks.clone(), longest });
        let mut pause = FIRST_PAUSE;
        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) if self.has_room() => {
                    pause = FIRST_PAUSE;
                    let connected = self.peers.connect();
                    let (service, http2) = (service.clone(), http2.clone());
                    let (limits, shutdown) = (self.limits.clone(), shutdown.clone());
                    self.tasks.spawn(async move {
                        prepare(&stream);
                        serve(stream, connected, service, http2, &limits, shutdown).await;
                    });
                }
                Ok((stream, _)) => {
                    tracing::warn!(
                        connections = self.connections,
                        "too many connections, all with calls in progress: a new one is closed"
                    );
                    drop(stream);
                }
                // The peer left before it was accepted.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::warn!(%error, ?pause, "cannot accept connections; trying again after a pause");
                    tokio::select! {
                        () = shutdown.cancelled() => break,
                        () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
                    }
                }
            }
        }
        // New peers learn at once that nobody listens.
        drop(listener);
        self.drain().await;
    }

    /// Whether one more connection may be served, if need be in place of one without a call.
    fn has_room(&self) -> bool {
        self.peers.count() < self.connections || self.peers.close_the_most_idle()
    }

    async fn drain(self) {
        self.tasks.close();
        if timeout(self.limits.drain, self.tasks.wait()).await.is_ok() {
            return;
        }
        let (connections, calls) = self.peers.busy();
        tracing::warn!(
            drain = ?self.limits.drain,
            connections,
            calls,
            "calls were still in progress at the end of the drain time; their connections are closed"
        );
        self.peers.close_all();
        if timeout(GONE, self.tasks.wait()).await.is_err() {
            tracing::warn!("calls that were cut off have not ended yet");
        }
    }
}

/// Small frames go out at once.
fn prepare(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
}
