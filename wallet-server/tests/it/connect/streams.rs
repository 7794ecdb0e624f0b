//! Streams of the Connect protocol over HTTP/1.1, which has no timer per stream.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wallet_server::{Config, Limits};

use crate::harness::{Database, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_read_lasts_longer_than_the_longest_call() {
    let limits = Limits { longest_call: Duration::from_secs(1), ..Limits::default() };
    let config = Config { limits, ..Config::default() };
    let server = Server::start_with(Database::sqlite(), config).await;
    server.wallet("w", 100).await;
    let body = br#"{"walletId": "w"}"#;
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    let message = [&[0][..], &length, body].concat();
    let head = format!(
        "POST /wallet.v1.EventService/WatchWallet HTTP/1.1\r\nhost: {}\r\n\
         content-type: application/connect+json\r\ncontent-length: {}\r\n\r\n",
        server.address,
        message.len()
    );
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&[head.as_bytes(), &message].concat()).await.unwrap();

    // The first message has the balance; the sign of life, an empty one, comes after 5 s.
    let (mut seen, mut piece) = (Vec::new(), [0; 4_096]);
    let sign_of_life = b"\0\0\0\0\x02{}";
    while !seen.windows(sign_of_life.len()).any(|bytes| bytes == sign_of_life) {
        let read = stream.read(&mut piece).await.unwrap();
        assert!(read > 0, "the stream ended: {}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&piece[..read]);
    }
    assert!(String::from_utf8_lossy(&seen).contains("\"balance\""), "{}", String::from_utf8_lossy(&seen));
}
