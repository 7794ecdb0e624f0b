//! Calls with gzip: bounded before and after decompression, over both versions of HTTP, by gRPC and without it.

use std::collections::HashMap;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use prost::Message;
use serde_json::json;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::transport::Endpoint;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use wallet_client::v1;
use wallet_client::v1::wallet_service_client::WalletServiceClient;

use super::{Answered, Curl};
use crate::harness::{Database, Server, credits};

const TOP_UP: &str = "wallet.v1.WalletService/TopUp";
const ENTRIES: &str = "wallet.v1.WalletService/ListEntries";

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
    plain
}

/// A top-up with a label of this length.
fn top_up(id: usize, label: usize) -> v1::TopUpRequest {
    let labels = HashMap::from([("l".to_owned(), "a".repeat(label))]);
    v1::TopUpRequest { labels, ..v1::TopUpRequest::amount("w", id.to_string(), credits(1)) }
}

fn text(request: &v1::TopUpRequest) -> Vec<u8> {
    let amount = json!({ "unit": "credits", "amount": 1 });
    let text = json!({
        "walletId": "w", "topUpId": request.top_up_id, "amount": amount, "labels": request.labels
    });
    text.to_string().into_bytes()
}

/// The reason of a refusal and the limit that it names.
fn refusal(answer: &Answered) -> (String, Option<String>) {
    let info = &answer.body()["details"][0]["debug"];
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    (text(&info["reason"]).unwrap_or_default(), text(&info["metadata"]["limit"]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_and_long_replies_without_grpc_may_have_gzip() {
    let server = Server::start(Database::sqlite()).await;
    server.wallet("w", 5).await;
    for (n, version) in ["--http1.1", "--http2-prior-knowledge"].into_iter().enumerate() {
        let curl = Curl::new(server.endpoint(), version);
        let with_gzip = curl.clone().with(&["-H", "content-encoding: gzip"]);
        let (json, proto) = (top_up(2 * n, 0), top_up(2 * n + 1, 0));
        let answer = with_gzip.post(TOP_UP, "application/json", &packed(&text(&json)));
        assert_eq!(answer.status, 200, "{}", answer.body());
        let answer = with_gzip.post(TOP_UP, "application/proto", &packed(&proto.encode_to_vec()));
        assert_eq!(answer.status, 200);
        let call =
            |accepted: &str| curl.clone().with(&["-H", accepted]).json(ENTRIES, "{\"walletId\": \"w\"}");
        let (plain, short) = (call("accept-encoding: gzip;q=0"), call("accept-encoding: gzip"));
        assert_eq!(
            (plain.header("content-encoding"), short.header("content-encoding")),
            (None, Some("gzip"))
        );
        assert_eq!(unpacked(&short.bytes), plain.bytes);
        assert!(plain.bytes.len() > 2 * short.bytes.len());
    }
    assert!(server.verify().await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_bounded_after_decompression_and_garbage_is_the_callers_fault() {
    let server = Server::start(Database::sqlite()).await;
    server.wallet("w", 5).await;
    let before = server.verify().await;
    let bomb = top_up(1, 32 << 20);
    let curl = Curl::new(server.endpoint(), "--http1.1").with(&["-H", "content-encoding: gzip"]);
    for (content_type, bytes, limit) in [
        ("application/json", packed(&text(&bomb)), "131072"),
        ("application/proto", packed(&bomb.encode_to_vec()), "65536"),
    ] {
        assert!(bytes.len() < 64 << 10, "{}", bytes.len());
        let answer = curl.post(TOP_UP, content_type, &bytes);
        assert_eq!(answer.status, 400, "{content_type}");
        assert_eq!(refusal(&answer), ("MESSAGE_TOO_LARGE".to_owned(), Some(limit.to_owned())));
        let garbage = curl.post(TOP_UP, content_type, &bytes[..bytes.len() / 2]);
        // The part that is whole is above the limit already.
        assert_eq!((garbage.status, refusal(&garbage).0.as_str()), (400, "MESSAGE_TOO_LARGE"));
        let garbage = curl.post(TOP_UP, content_type, b"{}");
        assert_eq!((garbage.status, refusal(&garbage).0.as_str()), (400, "MALFORMED_MESSAGE"));
    }
    let after = server.verify().await;
    assert_eq!((before.entries, before.digest), (after.entries, after.digest));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_grpc_the_limit_of_the_method_applies_after_decompression_too() {
    let server = Server::start(Database::sqlite()).await;
    server.wallet("w", 5).await;
    let channel = Endpoint::new(server.endpoint()).unwrap().connect().await.unwrap();
    let mut client = WalletServiceClient::new(channel).send_compressed(Gzip);
    client.top_up(top_up(1, 0)).await.unwrap();
    let reason = |status: &Status| {
        let info = status.get_error_details().error_info().unwrap().clone();
        (status.code(), info.reason, info.metadata.get("limit").cloned())
    };
    // Other methods of the service take 4 MiB.
    for label in [65 << 10, 1 << 20, 32 << 20] {
        let refused = client.top_up(top_up(2, label)).await.unwrap_err();
        let expected = (Code::InvalidArgument, "MESSAGE_TOO_LARGE".to_owned(), Some("65536".to_owned()));
        assert_eq!(reason(&refused), expected, "{label}");
    }
    assert!(client.top_up(top_up(1, 0)).await.unwrap().into_inner().replayed);
}
