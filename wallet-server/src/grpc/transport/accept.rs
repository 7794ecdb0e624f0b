//! Accepts connections, up to a limit, and pauses when the system has no descriptors left.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use rustix::process::{Resource, getrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::call_time::CallTasks;
use super::connection::{Protocols, serve};
use super::peers::Peers;
use super::tls::Tls;
use crate::grpc::router::Calls;
use crate::settings::Limits;

/// The pause after the first failed accept; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The time in which closed connections must end.
const GONE: Duration = Duration::from_secs(1);

/// Returns the number of descriptors that this process may open, if it is limited.
pub(crate) fn descriptor_limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// The server side of all connections.
#[derive(Debug)]
pub(crate) struct Front {
    limits: Limits,
    /// The most connections at a time.
    connections: usize,
    peers: Peers,
    tasks: TaskTracker,
    tls: Option<Arc<Tls>>,
}

impl Front {
    pub(crate) fn new(limits: Limits, descriptors: Option<u64>, tls: Option<Arc<Tls>>) -> Self {
        let connections = limits.connections_within(descriptors);
        tracing::debug!(connections, ?descriptors, "limit of connections");
        Self { peers: Peers::new(&limits), tasks: TaskTracker::new(), connections, limits, tls }
    }

    /// Serves all connections until `shutdown`, then lets the calls in progress finish within the drain time.
    pub(crate) async fn serve(
        self,
        listener: TcpListener,
        calls: Calls<Incoming>,
        shutdown: CancellationToken,
    ) {
        let longest = self.limits.longest_call + self.limits.reading_time;
        let protocols = Protocols::new(&self.limits, CallTasks { tasks: self.tasks.clone(), longest });
        let mut pause = FIRST_PAUSE;
        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, address)) if self.make_room(address.ip()) => {
                    pause = FIRST_PAUSE;
                    let connected = self.peers.connect(address.ip());
                    let (calls, protocols) = (calls.clone(), protocols.clone());
                    let (limits, shutdown, tls) = (self.limits.clone(), shutdown.clone(), self.tls.clone());
                    self.tasks.spawn(async move {
                        prepare(&stream);
                        let Some(tls) = tls else {
                            return serve(stream, connected, calls, protocols, &limits, shutdown).await;
                        };
                        let shaken = tokio::select! {
                            shaken = tls.accept(stream, limits.preface_time) => shaken,
                            () = connected.0.close.cancelled() => None,
                            () = shutdown.cancelled() => None,
                        };
                        if let Some(stream) = shaken {
                            connected.0.record_key(tls.key_of(&stream));
                            serve(stream, connected, calls, protocols, &limits, shutdown).await;
                        }
                    });
                }
                Ok((stream, _)) => {
                    // A peer cannot fill the log: the limit of all connections is reached by calls in progress.
                    if self.peers.count() < self.connections {
                        tracing::debug!("a new connection is closed: its address has as many as it may have");
                    } else {
                        tracing::warn!(
                            connections = self.connections,
                            "a new connection is closed: the limit is reached and all connections have calls in progress"
                        );
                    }
                    drop(stream);
                }
                // The peer left before it was accepted.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::warn!(%error, ?pause, "cannot accept connections; the next attempt follows after a pause");
                    tokio::select! {
                        () = shutdown.cancelled() => break,
                        () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
                    }
                }
            }
        }
        // New peers are refused at once.
        drop(listener);
        self.drain().await;
    }

    /// Makes room for one more connection from an address, if necessary by closing one without a call.
    /// Returns whether there is room.
    fn make_room(&self, address: IpAddr) -> bool {
        if self.limits.connections_per_address.is_some_and(|most| self.peers.count_of(address) >= most) {
            return self.peers.close_the_most_idle(Some(address));
        }
        self.peers.count() < self.connections || self.peers.close_the_most_idle(None)
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
            "calls are still in progress at the end of the drain time; their connections are closed"
        );
        self.peers.close_all();
        if timeout(GONE, self.tasks.wait()).await.is_err() {
            tracing::warn!("calls on closed connections have not ended yet");
        }
    }
}

/// Sets TCP_NODELAY, so that small frames are sent at once.
fn prepare(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
}
