//! The server on a bound listener, until it is ordered to stop.

use std::sync::Arc;

use hyper::body::Incoming;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::connect::Methods;
use super::layers::{CallMetrics, CallerCheck, KeyGate, Rates};
use super::origins::Origins;
use super::router::Calls;
use super::transport::{Front, Tls, descriptor_limit};
use super::{Health, Services, router};
use crate::settings::Limits;

/// An error that keeps the server from starting.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The descriptors for reflection are inconsistent.
    #[error("the descriptors for reflection are inconsistent")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The descriptors for calls with JSON are inconsistent.
    #[error("the descriptors for calls with JSON are inconsistent")]
    Descriptors(#[from] prost_reflect::DescriptorError),
}

/// Registers the metrics of the calls of all methods.
pub(crate) fn call_metrics(registry: &mut Registry, is_monitored: bool) -> Result<CallMetrics, ServeError> {
    Ok(CallMetrics::register(registry, Methods::new()?.paths(), is_monitored))
}

/// Serves until `shutdown`. Then health checks return "not serving", no connections are accepted, and calls in
/// progress finish within the drain time. The caller sets `health` to serving.
pub(crate) async fn serve(
    listener: TcpListener,
    services: Services,
    health: Health,
    limits: Limits,
    tls: Option<Arc<Tls>>,
    origins: Origins,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let caller_check = match &services.key_check {
        Some(check) => {
            let (check, catalogs) = (check.clone(), services.catalogs.clone());
            let rates = Rates::new(&limits);
            CallerCheck::Keys(Box::new(KeyGate { check, rates, catalogs }))
        }
        None => CallerCheck::Open,
    };
    let (metrics, traces) = (Arc::clone(&services.call_metrics), services.traces.clone());
    let routes = router::routes(services, &health, &limits)?;
    let calls = Calls::new(routes, Methods::new()?, origins, caller_check, limits.clone(), metrics, traces);
    serve_calls(listener, calls, health, limits, tls, shutdown).await;
    Ok(())
}

async fn serve_calls(
    listener: TcpListener,
    calls: Calls<Incoming>,
    health: Health,
    limits: Limits,
    tls: Option<Arc<Tls>>,
    shutdown: CancellationToken,
) {
    let not_serving = async {
        shutdown.cancelled().await;
        health.stop().await;
    };
    let front = Front::new(limits, descriptor_limit(), tls);
    tokio::join!(front.serve(listener, calls, shutdown.clone()), not_serving);
}

#[cfg(test)]
#[path = "../../tests/it/harness/frames.rs"]
mod frames;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::task::JoinHandle;

    use super::frames::{HEADERS, RESET, Raw, end, ping};
    use super::*;
    use crate::grpc::router::Routes;
    use crate::grpc::test_service::Misbehaving;
    use crate::traces::Traces;

    /// Starts a server. Returns its address, its order to stop and its task.
    async fn serving(limits: Limits) -> (String, CancellationToken, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shutdown = CancellationToken::new();
        let health = Health::starting().await;
        let routes = Routes::default().with(Misbehaving);
        let server = tokio::spawn(serve_calls(
            listener,
            calls(routes, limits.clone()),
            health,
            limits,
            None,
            shutdown.clone(),
        ));
        (address, shutdown, server)
    }

    fn calls(routes: Routes<Incoming>, limits: Limits) -> Calls<Incoming> {
        let metrics = Arc::new(call_metrics(&mut Registry::default(), true).unwrap());
        let (methods, origins) = (Methods::new().unwrap(), Origins::default());
        Calls::new(routes, methods, origins, CallerCheck::Open, limits, metrics, Traces::default())
    }

    async fn soon<T>(event: impl Future<Output = T>) -> T {
        tokio::time::timeout(Duration::from_secs(20), event).await.expect("the event happens within 20 s")
    }

    /// Waits for the end of the stream or its reset.
    async fn closed(stream: &mut TcpStream) {
        while !matches!(soon(stream.read(&mut [0; 1024])).await, Ok(0) | Err(_)) {}
    }

    #[tokio::test]
    async fn connections_without_calls_do_not_delay_the_stop() {
        let (address, shutdown, server) = serving(Limits::default()).await;
        let mut silent = TcpStream::connect(&address).await.unwrap();
        shutdown.cancel();
        soon(server).await.unwrap();
        closed(&mut silent).await;
    }

    #[tokio::test]
    async fn a_connection_that_sends_nothing_is_closed() {
        let limits = Limits { preface_time: Duration::from_millis(20), ..Limits::default() };
        let (address, ..) = serving(limits).await;
        let mut silent = TcpStream::connect(&address).await.unwrap();
        closed(&mut silent).await;
    }

    #[tokio::test]
    async fn slow_headers_of_http_1_and_long_pauses_between_requests_close_the_connection() {
        let limits = Limits { header_time: Duration::from_millis(50), ..Limits::default() };
        let (address, ..) = serving(limits).await;
        for begin in ["POST / HTTP/1.1\r\nhost: x\r\n", "POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n"] {
            let mut slow = TcpStream::connect(&address).await.unwrap();
            slow.write_all(begin.as_bytes()).await.unwrap();
            closed(&mut slow).await;
        }
    }

    #[tokio::test]
    async fn a_request_that_is_answered_early_is_read_on_and_its_stream_is_not_reset() {
        let (address, ..) = serving(Limits::default()).await;
        let mut peer = Raw::connect(&address, 65_535).await;
        for (content_type, path) in [
            ("text/plain", "/x"),
            ("application/json", "/x"),
            ("application/json", "/grpc.health.v1.Health/Check"),
        ] {
            // There is no such method, and the health service is not there.
            let (early, frames) = peer.begin(path, content_type);
            peer.send(&frames).await;
            soon(peer.until(HEADERS, early)).await.expect("an answer before the body");
            peer.send(&end(early, b"{}")).await;
            let (next, frames) = peer.call("/test.Misbehaving/fine", &[]);
            peer.send(&frames).await;
            let follows = async {
                loop {
                    let frame = peer.next().await.expect("the connection serves on");
                    assert!((frame.kind, frame.stream) != (RESET, early), "{path} {content_type}");
                    if (frame.kind, frame.stream) == (HEADERS, next) {
                        break;
                    }
                }
            };
            soon(follows).await;
        }
    }

    #[tokio::test]
    async fn a_reply_that_is_not_read_in_time_is_reset_and_the_connection_serves_on() {
        let limits = Limits {
            longest_call: Duration::from_millis(50),
            reading_time: Duration::from_millis(50),
            ..Limits::default()
        };
        let (address, ..) = serving(limits).await;
        let mut peer = Raw::connect(&address, 0).await;
        let (large, frames) = peer.call("/test.Misbehaving/large", &[]);
        peer.send(&frames).await;
        assert!(soon(peer.until(HEADERS, large)).await.is_some());
        assert!(soon(peer.until(RESET, large)).await.is_some());
        let (small, frames) = peer.call("/test.Misbehaving/fine", &[]);
        peer.send(&frames).await;
        assert!(soon(peer.until(HEADERS, small)).await.is_some());
    }

    #[tokio::test]
    async fn a_connection_without_calls_is_asked_to_leave_and_then_closed() {
        let limits = Limits {
            idle_time: Duration::from_millis(20),
            farewell: Duration::from_millis(20),
            ..Limits::default()
        };
        let (address, ..) = serving(limits).await;
        let mut peer = Raw::connect(&address, 65_535).await;
        while soon(peer.next()).await.is_some() {}
    }

    /// A request of gRPC-Web with HTTP/1.1.
    fn web(how: &str) -> Vec<u8> {
        let head = "HTTP/1.1\r\nhost: x\r\ncontent-type: application/grpc-web\r\ncontent-length: 5\r\n\r\n";
        [format!("POST /test.Misbehaving/{how} {head}").as_bytes(), &[0; 5]].concat()
    }

    /// Makes a call with HTTP/1.1 and reads until this text has come.
    async fn reads(stream: &mut TcpStream, how: &str, text: &str) {
        stream.write_all(&web(how)).await.unwrap();
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains(text) {
            let mut piece = [0; 1024];
            let read = soon(stream.read(&mut piece)).await.unwrap();
            assert!(read > 0, "{how}: the connection is closed after {}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&piece[..read]);
        }
    }

    #[tokio::test]
    async fn a_call_of_http_1_has_its_own_time_and_an_unread_reply_ends_the_connection() {
        let limits = Limits {
            longest_call: Duration::from_millis(50),
            reading_time: Duration::from_millis(50),
            stalled_time: Duration::from_secs(600),
            ..Limits::default()
        };
        let (address, ..) = serving(limits).await;
        let mut patient = TcpStream::connect(&address).await.unwrap();
        reads(&mut patient, "fine", "grpc-message: tenant").await;
        let mut late = TcpStream::connect(&address).await.unwrap();
        late.write_all(&web("large")).await.unwrap();
        let closed = async {
            while late.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        soon(closed).await;
        // The time of its first call is over, and the server has looked at the connection since.
        reads(&mut patient, "fine", "grpc-message: tenant").await;
        reads(&mut patient, "hang", "grpc-status: 4").await;
        reads(&mut patient, "fine", "grpc-message: tenant").await;
    }

    #[tokio::test]
    async fn a_connection_of_http_1_is_closed_after_its_idle_time() {
        let limits = Limits { idle_time: Duration::from_millis(20), ..Limits::default() };
        let (address, ..) = serving(limits).await;
        let mut peer = TcpStream::connect(&address).await.unwrap();
        reads(&mut peer, "fine", "grpc-message: tenant").await;
        closed(&mut peer).await;
    }

    #[tokio::test]
    async fn calls_in_progress_finish_within_the_drain_time() {
        let limits = Limits { drain: Duration::from_millis(200), ..Limits::default() };
        for (how, answered) in [("slow", true), ("hang", false)] {
            let (address, shutdown, server) = serving(limits.clone()).await;
            let mut peer = Raw::connect(&address, 65_535).await;
            let (call, frames) = peer.call(&format!("/test.Misbehaving/{how}"), &[]);
            let (began, begin) = peer.call("/test.Misbehaving/fine", &[]);
            peer.send(&[frames, begin].concat()).await;
            soon(peer.until(HEADERS, began)).await.expect("both calls have begun");
            shutdown.cancel();
            assert_eq!(soon(peer.until(HEADERS, call)).await.is_some(), answered, "{how}");
            soon(server).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_peer_that_reads_nothing_is_disconnected() {
        let limits = Limits { stalled_time: Duration::from_millis(100), ..Limits::default() };
        let (address, ..) = serving(limits).await;
        // With the largest window only the buffers of the socket hold the reply up.
        let mut peer = Raw::connect(&address, 0x7fff_ffff).await;
        let (_, frames) = peer.call("/test.Misbehaving/large", &[]);
        peer.send(&frames).await;
        soon(async {
            while peer.takes(&ping()).await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }
}
