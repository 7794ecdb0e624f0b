//! One connection, from its preface to its end.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::io::read_preface;
use super::peers::Connected;
use super::streams::Streams;
use crate::grpc::GrpcLimits;
use crate::grpc::router::Calls;

/// The interval at which a connection is checked.
const LOOK: Duration = Duration::from_secs(1);
/// The interval while the server stops.
const LOOK_AT_THE_END: Duration = Duration::from_millis(50);

/// Returns the HTTP/2 protocol with the limits of this server.
pub(super) fn protocol(limits: &GrpcLimits, streams: Streams) -> http2::Builder<Streams> {
    let mut http2 = http2::Builder::new(streams);
    http2
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_per_connection)
        .max_send_buf_size(limits.send_buffer_bytes)
        .initial_stream_window_size(limits.stream_window_bytes)
        .initial_connection_window_size(limits.connection_window_bytes)
        .max_header_list_size(limits.header_list_bytes)
        .keep_alive_interval(limits.keepalive_interval)
        .keep_alive_timeout(limits.keepalive_timeout)
        .max_pending_accept_reset_streams(limits.pending_resets)
        .max_local_error_reset_streams(limits.own_resets);
    http2
}

/// Serves a connection until the peer disconnects or violates a limit, or the server stops.
pub(super) async fn serve<S>(
    stream: S,
    connected: Connected,
    calls: Calls<Incoming>,
    http2: http2::Builder<Streams>,
    limits: &GrpcLimits,
    shutdown: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let peer = &connected.0;
    let preface = read_preface(stream, limits.preface_time, peer.clone());
    let io = tokio::select! {
        io = preface => io,
        () = peer.close.cancelled() => None,
        () = shutdown.cancelled() => None,
    };
    let Some(io) = io else {
        tracing::debug!("a connection is closed: no HTTP/2 preface");
        return;
    };
    let caller = Arc::clone(peer);
    let service = service_fn(move |request| {
        let answer = calls.answer(Some(&caller), request);
        async { Ok::<_, Infallible>(answer.await) }
    });
    let mut connection = std::pin::pin!(http2.serve_connection(TokioIo::new(io), service));
    let begun = Instant::now();
    let too_old = limits.connection_age.map(|age| begun + age);
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
                if peer.stalled() > limits.stalled_time {
                    tracing::debug!("a connection is closed: its peer reads no replies");
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
            connection.as_mut().graceful_shutdown();
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
