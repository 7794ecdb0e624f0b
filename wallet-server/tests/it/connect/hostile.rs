//! Hostile peers with HTTP/1.1 on real sockets: each is answered or closed, and other clients are served.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Database, Server};
use crate::shorthand::credits_of;

const CHECK: &str =
    "POST /grpc.health.v1.Health/Check HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";

/// Sends bytes and returns all that the server answers until it closes the connection, which it does soon.
async fn exchange(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // The server may close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut answer)).await;
    let _ = read.expect("the server closes the connection");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Returns the statuses of the answers in a text.
fn statuses(text: &str) -> Vec<&str> {
    text.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_follow_each_other_are_answered_in_order() {
    let server = Server::start(Database::sqlite()).await;
    let call = format!("{CHECK}content-length: 2\r\n\r\n{{}}");
    let last = format!("{CHECK}connection: close\r\ncontent-length: 2\r\n\r\n{{}}");
    let wrong = format!("{CHECK}content-length: 2\r\n\r\n[]");
    let answers = exchange(&server, [call.as_str(), &wrong, &call, &last].concat().as_bytes()).await;
    assert_eq!(statuses(&answers), ["200", "400", "200", "200"], "{answers}");
    let many = call.repeat(500) + &last;
    assert_eq!(statuses(&exchange(&server, many.as_bytes()).await).len(), 501);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_has_one_length_and_a_second_one_ends_the_connection() {
    let server = Server::start(Database::sqlite()).await;
    let client = server.wallet("w", 5).await;
    let hidden = "POST /wallet.v1.AdminService/CloseWallet HTTP/1.1\r\ncontent-type: application/json\r\n\
                  content-length: 17\r\n\r\n{\"walletId\": \"w\"}";
    for (lengths, begin, expected) in [
        ("content-length: 2\r\ntransfer-encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n", &["200"][..]),
        ("transfer-encoding: chunked\r\ncontent-length: 2\r\n", "2\r\n{}\r\n0\r\n\r\n", &["200"]),
        ("content-length: 2\r\ncontent-length: 3\r\n", "{}", &["400"]),
        ("content-length: 2, 2\r\n", "{}", &["400"]),
        ("content-length: +2\r\n", "{}", &["400"]),
        ("transfer-encoding: chunked, identity\r\n", "{}", &["400"]),
        ("transfer-encoding: gzip\r\n", "{}", &["400"]),
        ("content-length : 2\r\n", "{}", &["400"]),
        ("content-length: 2\r\n folded: 1\r\n", "{}", &["400"]),
    ] {
        let bytes = format!("{CHECK}{lengths}\r\n{begin}{hidden}");
        let answers = exchange(&server, bytes.as_bytes()).await;
        assert_eq!(statuses(&answers), expected, "{lengths}: {answers}");
    }
    assert_eq!(credits_of(&client, "w").await.0, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_never_comes_is_answered_at_the_deadline_and_the_connection_ends() {
    let server = Server::start(Database::sqlite()).await;
    let call = "POST /wallet.v1.WalletService/Reserve HTTP/1.1\r\nconnect-timeout-ms: 50\r\n\
                content-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let answer = exchange(&server, call.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 504 ") && answer.contains("deadline_exceeded"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_or_too_long_headers_and_garbage_end_the_connection() {
    let server = Server::start(Database::sqlite()).await;
    let long = format!("{CHECK}x-long: {}\r\n\r\n", "x".repeat(20_000));
    assert_eq!(statuses(&exchange(&server, long.as_bytes()).await), ["431"]);
    let path = format!("POST /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000));
    let refused = exchange(&server, path.as_bytes()).await;
    assert!(["414", "431", "400"].contains(&statuses(&refused)[0]), "{refused}");
    let many = format!("{CHECK}{}\r\n", "x: y\r\n".repeat(200));
    assert_eq!(statuses(&exchange(&server, many.as_bytes()).await), ["431"]);
    for garbage in
        [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], b"\0\0\0\0", b"hello\r\n\r\n", b"\r\n\r\n"]
    {
        assert_eq!(exchange(&server, garbage).await, "", "{garbage:?}");
    }
    for garbage in
        [&b"HELLO\r\n\r\n"[..], b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", b"GET /\xff\x00 HTTP/9.9\r\n\r\n"]
    {
        let answer = exchange(&server, garbage).await;
        assert!(answer.is_empty() || statuses(&answer) == ["400"], "{answer}");
    }
    let chunks = format!("{CHECK}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n");
    let refused = exchange(&server, chunks.as_bytes()).await;
    assert!(refused.is_empty() || statuses(&refused)[0] != "200", "{refused}");
    let upgrade =
        "GET / HTTP/1.1\r\nconnection: upgrade, close\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n";
    assert_eq!(statuses(&exchange(&server, upgrade.as_bytes()).await), ["405"]);
    server.wallet("w", 5).await;
}
