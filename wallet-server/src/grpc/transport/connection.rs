//! One connection, from its first bytes to its end.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Peer;
use super::call_time::{CallTasks, is_over, limited, one_by_one, renew};
use super::io::{Version, read_preface};
use super::peers::Connected;
use crate::grpc::router::Calls;
use crate::settings::Limits;

/// The interval at which a connection is checked.
const LOOK: Duration = Duration::from_secs(1);
/// The interval while the server stops.
const LOOK_AT_THE_END: Duration = Duration::from_millis(50);

/// HTTP/1.1 and HTTP/2 with the limits of this server.
#[derive(Debug, Clone)]
pub(super) struct Protocols {
    http1: http1::Builder,
    http2: http2::Builder<CallTasks>,
    /// The longest time of a call, with the time for reading its reply.
    longest: Duration,
}

/// The call takes longer than any call may take. The connection of HTTP/1.1 is closed.
#[derive(Debug, Error)]
#[error("the call takes too long")]
struct TooLong;

impl Protocols {
    pub(super) fn new(limits: &Limits, tasks: CallTasks) -> Self {
        let longest = tasks.longest;
        let mut http1 = http1::Builder::new();
        http1
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_time)
            .max_headers(limits.headers)
            .max_header_size(limits.header_list_bytes as usize)
            .max_buf_size(limits.send_buffer_bytes);
        let mut http2 = http2::Builder::new(tasks);
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams_per_connection)
            .max_send_buf_size(limits.send_buffer_bytes)
            .initial_stream_window_size(limits.stream_window_bytes)
            .initial_connection_window_size(limits.connection_window_bytes)
            .max_header_list_size(limits.header_list_bytes)
            .keep_alive_interval(limits.keepalive_interval)
            .keep_alive_timeout(limits.keepalive_timeout)
            .max_pending_accept_reset_streams(limits.pending_resets())
            .max_local_error_reset_streams(limits.own_resets);
        Self { http1, http2, longest }
    }
}

/// Serves a connection until the peer disconnects or violates a limit, or the server stops.
pub(super) async fn serve<S>(
    stream: S,
    connected: Connected,
    calls: Calls<Incoming>,
    protocols: Protocols,
    limits: &Limits,
    shutdown: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let peer = &connected.0;
    let preface = read_preface(stream, limits.preface_time, peer.clone());
    let accepted = tokio::select! {
        accepted = preface => accepted,
        () = peer.close.cancelled() => None,
        () = shutdown.cancelled() => None,
    };
    let Some((io, version)) = accepted else {
        tracing::debug!("a connection is closed: it begins with neither HTTP/2 nor HTTP/1.1");
        return;
    };
    peer.record_begin();
    match version {
        Version::Http2 => {
            let caller = Arc::clone(peer);
            let service = service_fn(move |request| {
                let answer = calls.answer(Some(&caller), request);
                async { Ok::<_, Infallible>(answer.await) }
            });
            let connection = protocols.http2.serve_connection(TokioIo::new(io), service);
            let leave = http2::Connection::graceful_shutdown;
            watch(pin!(connection), leave, peer, limits, shutdown).await;
        }
        Version::Http1 => {
            let (caller, longest) = (Arc::clone(peer), protocols.longest);
            let service = service_fn(move |request| {
                renew(longest);
                let answer = calls.answer(Some(&caller), request);
                async move { limited(longest, answer).await.ok_or(TooLong) }
            });
            let connection = protocols.http1.serve_connection(TokioIo::new(io), service);
            let leave = http1::Connection::graceful_shutdown;
            one_by_one(watch(pin!(connection), leave, peer, limits, shutdown)).await;
        }
    }
}

/// Drives a connection, and ends it if a limit is violated or the server stops. `leave` makes the connection end after
/// the calls in progress.
async fn watch<C: Future<Output = Result<(), hyper::Error>>>(
    mut connection: Pin<&mut C>,
    leave: impl Fn(Pin<&mut C>),
    peer: &Arc<Peer>,
    limits: &Limits,
    shutdown: CancellationToken,
) {
    let started = Instant::now();
    // After the end of its certificate the peer needs a new connection with a new one.
    let age = limits.connection_age.map(|age| started + age);
    let too_old = age.into_iter().chain(peer.certificate_end()).min();
    let (mut asked_to_leave, mut stopping) = (None, false);
    loop {
        let ask = tokio::select! {
            end = &mut connection => {
                if let Err(error) = end {
                    tracing::debug!(%error, "a connection ended with an error");
                }
                return;
            }
            () = peer.close.cancelled() => return,
            () = shutdown.cancelled(), if !stopping => {
                stopping = true;
                true
            }
            () = at(too_old), if asked_to_leave.is_none() => true,
            () = sleep(if stopping { LOOK_AT_THE_END } else { LOOK }) => {
                // The calls of HTTP/2 have tasks with timers of their own.
                let is_late = peer.idle().is_none() && is_over();
                if peer.stalled() > limits.stalled_time || is_late {
                    tracing::debug!("a connection is closed: its peer does not read the replies");
                    return;
                }
                let longest_idle = if asked_to_leave.is_some() { limits.farewell } else { limits.idle_time };
                let since = asked_to_leave.map_or(Duration::MAX, |asked: Instant| asked.elapsed());
                match peer.idle().map(|idle| idle.min(since)) {
                    Some(idle) if idle > longest_idle && asked_to_leave.is_some() => return,
                    Some(idle) => idle > longest_idle,
                    None => false,
                }
            }
        };
        if ask && asked_to_leave.is_none() {
            asked_to_leave = Some(Instant::now());
            leave(connection.as_mut());
        }
    }
}

/// Waits for an instant, or forever if there is none.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
