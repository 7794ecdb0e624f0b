//! Streams of the Connect protocol over HTTP/1.1, which has no timer per stream.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use wallet_server::{Config, Limits};

use crate::harness::{Database, Server};

/// A server on which a call other than a stream ends after 2 seconds.
async fn impatient() -> Server {
    let limits = Limits { longest_call: Duration::from_secs(1), ..Limits::default() };
    Server::start_with(Database::sqlite(), Config { limits, ..Config::default() }).await
}

/// Opens a stream and reads it until a text has come this many times. Returns all that was read.
async fn read(server: &Server, method: &str, body: &str, text: &[u8], times: usize) -> String {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    let message = [&[0][..], &length, body.as_bytes()].concat();
    let head = format!(
        "POST /{method} HTTP/1.1\r\nhost: {}\r\n\
         content-type: application/connect+json\r\ncontent-length: {}\r\n\r\n",
        server.address,
        message.len()
    );
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&[head.as_bytes(), &message].concat()).await.unwrap();
    let (mut seen, mut piece) = (Vec::new(), [0; 4_096]);
    while seen.windows(text.len()).filter(|bytes| *bytes == text).count() < times {
        let read = stream.read(&mut piece).await.unwrap();
        assert!(read > 0, "the stream ended: {}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&piece[..read]);
    }
    String::from_utf8_lossy(&seen).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_read_lasts_longer_than_the_longest_call() {
    let server = impatient().await;
    server.wallet("w", 100).await;
    // The first message has the balance; the sign of life, an empty one, comes after 5 s.
    let watch = "wallet.v1.EventService/WatchWallet";
    let seen = read(&server, watch, r#"{"walletId": "w"}"#, b"\0\0\0\0\x02{}", 1).await;
    assert!(seen.contains("\"balance\""), "{seen}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_watch_of_the_health_repeats_its_status_and_lasts() {
    let server = impatient().await;
    let watch = "grpc.health.v1.Health/Watch";
    let seen = read(&server, watch, "{}", br#"{"status":"SERVING"}"#, 2).await;
    assert!(!seen.contains("error"), "{seen}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_of_the_health_learns_of_the_stop_and_does_not_delay_it() {
    let limits = Limits { drain: Duration::from_secs(60), ..Limits::default() };
    let server = Server::start_with(Database::sqlite(), Config { limits, ..Config::default() }).await;
    let channel = Endpoint::from_shared(server.endpoint()).unwrap().connect().await.unwrap();
    let mut health = HealthClient::new(channel);
    let mut watch = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let begun = Instant::now();
    let stopping = tokio::spawn(server.stop());
    let mut last = ServingStatus::Serving;
    while let Some(status) = watch.message().await.unwrap() {
        last = status.status();
    }
    assert_eq!(last, ServingStatus::NotServing);
    stopping.await.unwrap();
    // The drain time is a minute, so the server did not wait for it.
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}
