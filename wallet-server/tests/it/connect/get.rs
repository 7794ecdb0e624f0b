//! Calls by GET: only methods without side effects, only with a key, and with the limits of POST.

use wallet_client::v1;

use super::{Answered, Curl};
use crate::harness::{Database, Front, Server, video, with_key};

const BALANCE: &str = "wallet.v1.WalletService/GetBalance";

/// Makes a request by GET with these parameters, which curl encodes.
fn get(curl: &Curl, method: &str, parameters: &[(&str, &str)]) -> Answered {
    let mut curl = curl.clone().with(&["-G"]);
    for (name, value) in parameters {
        curl = curl.with(&["--data-urlencode", &format!("{name}={value}")]);
    }
    curl.run(method, b"")
}

fn json(curl: &Curl, method: &str, text: &str) -> Answered {
    get(curl, method, &[("connect", "v1"), ("encoding", "json"), ("message", text)])
}

fn reason(answer: &Answered) -> String {
    answer.body()["details"][0]["debug"]["reason"].as_str().unwrap_or_default().to_owned()
}

async fn served() -> (Server, [Curl; 2]) {
    let front = Front::new(Database::sqlite());
    let key = front.key("default", "all");
    let server = front.serve().await;
    let client = with_key(&server, &key).await;
    client.create_wallet(v1::CreateWalletRequest::new("w")).await.unwrap();
    client.top_up(v1::TopUpRequest::amount("w", "t", crate::harness::credits(100))).await.unwrap();
    let bearer = format!("authorization: Bearer {key}");
    let curls = ["--http1.1", "--http2-prior-knowledge"]
        .map(|version| Curl::new(server.endpoint(), version).with(&["-H", &bearer]));
    (server, curls)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_by_get_is_that_by_post_and_is_stored_nowhere() {
    let (_server, curls) = served().await;
    for curl in curls {
        for text in [r#"{"walletId": "w"}"#, r#"{"walletId": "nobody"}"#, "{}", "{"] {
            let (by_get, by_post) = (json(&curl, BALANCE, text), curl.json(BALANCE, text));
            assert_eq!((by_get.status, by_get.body()), (by_post.status, by_post.body()), "{text}");
            assert_eq!(by_get.header("cache-control"), Some("no-store"), "{by_get:?}");
        }
        let proto = get(&curl, BALANCE, &[("encoding", "proto"), ("base64", "1"), ("message", "CgF3")]);
        assert_eq!((proto.status, proto.content_type.as_str()), (200, "application/proto"));
        let packed = [("encoding", "json"), ("compression", "br"), ("base64", "1"), ("message", "e30")];
        assert_eq!(get(&curl, BALANCE, &packed).status, 501);
        let late = curl.clone().with(&["-H", "connect-timeout-ms: 0"]);
        assert_eq!(json(&late, BALANCE, r#"{"walletId": "w"}"#).status, 504);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_get_changes_nothing() {
    let (server, curls) = served().await;
    let before = server.verify().await;
    for curl in curls {
        for (method, text) in [
            ("wallet.v1.AdminService/CreateWallet", r#"{"walletId": "v"}"#),
            ("wallet.v1.WalletService/Cancel", r#"{"walletId": "w", "reservationId": "j"}"#),
            ("wallet.v1.KeyService/CreateWalletToken", r#"{"walletId": "w", "scopes": ["SCOPE_READ"]}"#),
            ("wallet.v1.EventService/WatchWallet", r#"{"walletId": "w"}"#),
            ("wallet.v1.WalletService/Steal", "{}"),
            ("", "{}"),
        ] {
            let refused = json(&curl, method, text);
            assert_eq!((refused.status, refused.header("allow")), (405, Some("POST")), "{method}");
            assert_eq!(refused.header("cache-control"), Some("no-store"), "{method}");
        }
        let reserve = serde_json::json!({ "walletId": "w", "reservationId": "j", "operation": { "kind": video("1").kind } });
        assert_eq!(json(&curl, "wallet.v1.WalletService/Reserve", &reserve.to_string()).status, 405);
        let head = curl.clone().with(&["-I"]).run(BALANCE, b"");
        assert_eq!(head.status, 405);
    }
    assert_eq!(server.verify().await.digest, before.digest);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_get_needs_a_key_and_keeps_the_limits_of_a_post() {
    let (server, [curl, _]) = served().await;
    let stranger = Curl::new(server.endpoint(), "--http1.1");
    let refused = json(&stranger, BALANCE, r#"{"walletId": "w"}"#);
    assert_eq!((refused.status, reason(&refused).as_str()), (401, "KEY_MISSING"));
    let page = curl.clone().with(&["-H", "origin: https://evil.example.com"]);
    assert_eq!(json(&page, BALANCE, r#"{"walletId": "w"}"#).status, 403);
    let body = curl.clone().with(&["-X", "GET", "--data-binary", "{}"]);
    let body = body.run(&format!("{BALANCE}?encoding=json&message=%7B%7D"), b"");
    assert_eq!((body.status, reason(&body).as_str()), (400, "MALFORMED_MESSAGE"), "{}", body.body());
    // 100 KB of spaces in 400 bytes.
    let bomb = [("encoding", "json"), ("compression", "gzip"), ("base64", "1"), ("message", &bomb())];
    let bomb = get(&curl, BALANCE, &bomb);
    assert_eq!((bomb.status, reason(&bomb).as_str()), (400, "MESSAGE_TOO_LARGE"), "{}", bomb.body());
    let long = json(&curl, BALANCE, &format!(r#"{{"walletId": "{}"}}"#, "w".repeat(100_000)));
    assert!([400, 414, 431].contains(&long.status), "{}", long.status);

    let open = Server::start(Database::sqlite()).await;
    open.wallet("w", 5).await;
    let open = Curl::new(open.endpoint(), "--http1.1");
    let refused = json(&open, BALANCE, r#"{"walletId": "w"}"#);
    assert_eq!(refused.status, 405, "a page could read without a key");
    assert_eq!(refused.header("cache-control"), Some("no-store"), "the server may get keys");
}

/// A JSON text of 200 KB with gzip, in base64 for URLs.
fn bomb() -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use std::io::Write as _;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&[b' '; 200_000]).unwrap();
    URL_SAFE_NO_PAD.encode(packed.finish().unwrap())
}
