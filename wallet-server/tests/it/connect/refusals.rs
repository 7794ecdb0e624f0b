//! Requests that are no calls, and messages that do not fit: each is answered with its fault, and nothing is executed.

use prost::Message;
use wallet_client::v1;

use super::Curl;
use crate::harness::{Database, Server};

const TOP_UP: &str = "wallet.v1.WalletService/TopUp";

fn reason(answer: &super::Answered) -> String {
    answer.body()["details"][0]["debug"]["reason"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_no_calls_get_a_clear_http_error() {
    let server = Server::start(Database::sqlite()).await;
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let curl = Curl::new(server.endpoint(), version);
        let get = curl.run(TOP_UP, b"");
        assert_eq!(get.status, 405);
        for wrong in ["text/plain", "application/connect+xml", "application/x-www-form-urlencoded", ""] {
            let answer = curl.post(TOP_UP, wrong, b"{}");
            assert_eq!(answer.status, 415, "{wrong}");
            assert!(String::from_utf8_lossy(&answer.bytes).contains("application/json"));
        }
        for path in ["wallet.v1.WalletService/Steal", "nothing", "", "grpc.health.v1.Health/Watch"] {
            let answer = curl.json(path, "{}");
            assert_eq!(
                (answer.status, answer.body()["code"].as_str()),
                (404, Some("unimplemented")),
                "{path}"
            );
        }
        let unary = curl.post(TOP_UP, "application/connect+json", b"\0\0\0\0\x02{}");
        assert_eq!((unary.status, unary.body()["code"].as_str()), (404, Some("unimplemented")));
        let packed = curl.clone().with(&["-H", "content-encoding: br"]).json(TOP_UP, "{}");
        assert_eq!((packed.status, packed.body()["code"].as_str()), (501, Some("unimplemented")));
        let next = curl.clone().with(&["-H", "connect-protocol-version: 2"]).json(TOP_UP, "{}");
        assert_eq!((next.status, reason(&next).as_str()), (400, "MALFORMED_MESSAGE"));
    }
    let grpc = Curl::new(server.endpoint(), "--http1.1").post(TOP_UP, "application/grpc", b"\0\0\0\0\0");
    assert_eq!(grpc.status, 505);
    assert!(String::from_utf8_lossy(&grpc.bytes).contains("gRPC needs HTTP/2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_does_not_fit_is_refused_with_its_faults_and_changes_nothing() {
    let server = Server::start(Database::sqlite()).await;
    server.wallet("w", 5).await;
    let before = server.verify().await;
    let curl = Curl::new(server.endpoint(), "--http1.1");
    let good = r#""walletId": "w", "topUpId": "t", "amount": {"unit": "credits", "amount": "5"}"#;
    for (text, expected, field) in [
        (format!("{{{good}, \"amonut\": 5}}"), "INVALID_FIELD", Some("amonut")),
        (format!("{{{good}, \"topUpId\": \"u\"}}"), "INVALID_FIELD", Some("top_up_id")),
        (good.replace("\"5\"", "\"5.5\""), "INVALID_FIELD", Some("amount.amount")),
        (good.replace("\"5\"", "1e30"), "INVALID_FIELD", Some("amount.amount")),
        (format!("{{{good}"), "MALFORMED_MESSAGE", None),
        (format!("{{{good}}} x"), "MALFORMED_MESSAGE", None),
        (format!("{{{good}, \"packId\": \"p\"}}"), "MALFORMED_MESSAGE", None),
        ("[]".to_owned(), "MALFORMED_MESSAGE", None),
        (String::new(), "MALFORMED_MESSAGE", None),
    ] {
        let text = if text.starts_with('"') { format!("{{{text}}}") } else { text };
        let answer = curl.json(TOP_UP, &text);
        assert_eq!((answer.status, reason(&answer).as_str()), (400, expected), "{text}: {}", answer.body());
        let violations = &answer.body()["details"][1]["debug"]["fieldViolations"];
        assert_eq!(violations[0]["field"].as_str(), field, "{text}: {violations}");
    }
    for (content_type, bytes) in [("application/json", 140_000), ("application/proto", 70_000)] {
        let large = format!("{{{good}, \"actor\": \"{}\"}}", "x".repeat(bytes));
        for chunks in ["", "transfer-encoding: chunked"] {
            let answer = curl.clone().with(&["-H", chunks]).post(TOP_UP, content_type, large.as_bytes());
            assert_eq!(
                (answer.status, reason(&answer).as_str()),
                (400, "MESSAGE_TOO_LARGE"),
                "{content_type}"
            );
        }
    }
    let bytes = curl.post(TOP_UP, "application/proto", b"\x0a\xff");
    assert_eq!((bytes.status, reason(&bytes).as_str()), (400, "MALFORMED_MESSAGE"));
    let late = curl.clone().with(&["-H", "connect-timeout-ms: 0"]).json(TOP_UP, &format!("{{{good}}}"));
    assert_eq!((late.status, reason(&late).as_str()), (504, "OUTCOME_UNKNOWN"));
    let after = server.verify().await;
    assert_eq!((before.entries, before.digest), (after.entries, after.digest));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bare_messages_are_answered_with_bare_messages() {
    let server = Server::start(Database::sqlite()).await;
    server.wallet("w", 5).await;
    let curl = Curl::new(server.endpoint(), "--http1.1");
    let request = v1::GetBalanceRequest::new("w").encode_to_vec();
    let answer = curl.post("wallet.v1.WalletService/GetBalance", "application/proto", &request);
    assert_eq!((answer.status, answer.content_type.as_str()), (200, "application/proto"));
    let balance = v1::GetBalanceResponse::decode(answer.bytes.as_slice()).unwrap();
    assert_eq!(balance.balances[0].available.as_ref().unwrap().amount, 5);
    let missing = v1::GetBalanceRequest::new("nobody").encode_to_vec();
    let answer = curl.post("wallet.v1.WalletService/GetBalance", "application/proto", &missing);
    assert_eq!((answer.status, answer.content_type.as_str()), (404, "application/json"));
    assert_eq!(reason(&answer), "WALLET_NOT_FOUND");
}

/// A message with its flag and its length.
fn enveloped(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flag][..], &length, message].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_refused_ends_with_its_error() {
    const WATCH: &str = "wallet.v1.EventService/WatchWallet";
    let server = Server::start(Database::sqlite()).await;
    let nobody = br#"{"walletId": "nobody"}"#;
    let packed = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, nobody).unwrap();
        encoder.finish().unwrap()
    };
    let gzip = ["-H", "connect-content-encoding: gzip"];
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let curl = Curl::new(server.endpoint(), version);
        for (curl, body, code, expected) in [
            (curl.clone(), enveloped(0, nobody), "not_found", "WALLET_NOT_FOUND"),
            (curl.clone().with(&gzip), enveloped(1, &packed), "not_found", "WALLET_NOT_FOUND"),
            (curl.clone().with(&gzip), enveloped(0, nobody), "not_found", "WALLET_NOT_FOUND"),
            (curl.clone(), enveloped(1, &packed), "invalid_argument", "MALFORMED_MESSAGE"),
            (curl.clone(), enveloped(2, nobody), "invalid_argument", "MALFORMED_MESSAGE"),
            (curl.clone(), enveloped(0, b"{}"), "invalid_argument", "INVALID_FIELD"),
            (curl.clone(), enveloped(0, br#"{"x": 1}"#), "invalid_argument", "INVALID_FIELD"),
            (curl.clone(), nobody.to_vec(), "invalid_argument", "MALFORMED_MESSAGE"),
            (curl.clone(), Vec::new(), "invalid_argument", "MALFORMED_MESSAGE"),
            (curl.clone(), enveloped(0, &[b' '; 200_000]), "invalid_argument", "MESSAGE_TOO_LARGE"),
            (
                curl.clone(),
                [enveloped(0, nobody), enveloped(0, nobody)].concat(),
                "invalid_argument",
                "MALFORMED_MESSAGE",
            ),
        ] {
            let answer = curl.post(WATCH, "application/connect+json", &body);
            assert_eq!((answer.status, answer.content_type.as_str()), (200, "application/connect+json"));
            let (&[flag, a, b, c, d], text) = answer.bytes.split_first_chunk().expect("a message");
            assert_eq!((flag, u32::from_be_bytes([a, b, c, d]) as usize), (2, text.len()));
            let error = serde_json::from_slice::<serde_json::Value>(text).unwrap()["error"].take();
            assert_eq!(error["code"], code, "{error}");
            assert_eq!(error["details"][0]["debug"]["reason"], expected, "{error}");
        }
    }
}
