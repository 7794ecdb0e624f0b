//! The HTTP server of the metrics and of the checks of orchestrators.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::Monitoring;

/// The most connections at the same time. Others wait.
const CONNECTIONS: usize = 32;

/// The time for the headers of a request, and the longest time between two requests of a connection.
const HEADER_TIME: Duration = Duration::from_secs(30);

/// The time after which a connection is closed, also a busy one.
const CONNECTION_TIME: Duration = Duration::from_secs(600);

/// The pause after the operating system has refused a connection.
const PAUSE: Duration = Duration::from_millis(100);

const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Serves until `end`.
pub(crate) async fn serve(listener: TcpListener, monitoring: Arc<Monitoring>, end: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let accept = async {
        while let Ok(place) = Arc::clone(&places).acquire_owned().await {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let (monitoring, end) = (Arc::clone(&monitoring), end.clone());
            tokio::spawn(async move {
                let answer = service_fn(|request| {
                    let monitoring = Arc::clone(&monitoring);
                    async move { Ok::<_, Infallible>(monitoring.answer(&request).await) }
                });
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEADER_TIME)
                    .serve_connection(TokioIo::new(stream), answer);
                tokio::select! {
                    // A connection that breaks concerns only its peer.
                    _ = tokio::time::timeout(CONNECTION_TIME, connection) => {}
                    () = end.cancelled() => {}
                }
                drop(place);
            });
        }
    };
    tokio::select! {
        () = accept => {}
        () = end.cancelled() => {}
    }
}

impl Monitoring {
    async fn answer(&self, request: &Request<Incoming>) -> Response<String> {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n".to_owned());
        }
        match request.uri().path() {
            "/metrics" => {
                let mut page = Response::new(self.metrics().await);
                page.headers_mut().insert(header::CONTENT_TYPE, OPEN_METRICS);
                page
            }
            "/livez" => text(StatusCode::OK, "alive\n".to_owned()),
            "/readyz" => match self.health.failing().await.as_slice() {
                [] => text(StatusCode::OK, "ready\n".to_owned()),
                failing => {
                    let lines: String = failing
                        .iter()
                        .map(|condition| format!("not ready: {}\n", condition.failure()))
                        .collect();
                    text(StatusCode::SERVICE_UNAVAILABLE, lines)
                }
            },
            _ => text(StatusCode::NOT_FOUND, "there are /metrics, /livez and /readyz\n".to_owned()),
        }
    }
}

fn text(status: StatusCode, text: String) -> Response<String> {
    let mut answer = Response::new(text);
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, TEXT);
    answer
}

#[cfg(test)]
mod tests {
    use prometheus_client::registry::Registry;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;
    use crate::grpc::{Condition, Health};

    async fn get(address: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_server_is_ready_while_all_conditions_hold() {
        let health = Health::starting().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (monitoring, end) =
            (Monitoring::new(Registry::default(), health.clone()), CancellationToken::new());
        let server = tokio::spawn(serve(listener, Arc::new(monitoring), end.clone()));
        let starting = get(&address, "/readyz").await;
        assert!(starting.starts_with("HTTP/1.1 503"), "{starting}");
        assert!(starting.ends_with("not ready: the server starts or stops\n"), "{starting}");
        assert!(get(&address, "/livez").await.starts_with("HTTP/1.1 200"));
        health.report(Condition::Running, true).await;
        assert!(get(&address, "/readyz").await.starts_with("HTTP/1.1 200"));
        health.report(Condition::Database, false).await;
        health.report(Condition::Clock, false).await;
        let failing = get(&address, "/readyz").await;
        assert_eq!(failing.matches("not ready: ").count(), 2, "{failing}");
        end.cancel();
        server.await.unwrap();
    }
}
