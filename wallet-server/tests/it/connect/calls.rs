//! One list of calls by curl, grpcurl, client libraries for Node.js and Python, and a page in Chromium: the same
//! answers and the same errors, also over TLS and by GET.

use std::process::Command;

use serde_json::{Value, json};

use wallet_server::{Config, TlsFiles};

use super::peers::Peer;
use super::peers::browser::Host;
use super::{Answered, Curl};
use crate::harness::{Database, Front, tool};
use crate::tls::Certificate;

const VIDEO: &str = r#""operation": {"kind": "video.generate", "attributes": {"model": "standard", "resolution": "720p"},
    "quantities": {"duration_s": "5"}}"#;

/// The calls; each can be repeated. VIDEO stands for an operation.
const CALLS: &[(&str, &str)] = &[
    ("wallet.v1.AdminService/CreateWallet", r#"{"wallet_id": "w"}"#),
    ("wallet.v1.AdminService/CreateWallet", r#"{"walletId": "w", "displayName": null}"#),
    ("wallet.v1.AdminService/CreateWallet", r#"{"walletId": "v", "displayName": "\u00e9 \"q\" \u2028"}"#),
    ("wallet.v1.AdminService/CreateWallet", r#"{"walletId": "u", "displayName": "\u0001"}"#),
    (
        "wallet.v1.WalletService/TopUp",
        r#"{"wallet_id": "w", "top_up_id": "t", "amount": {"unit": "credits", "amount": 1000}}"#,
    ),
    (
        "wallet.v1.WalletService/TopUp",
        r#"{"walletId": "w", "topUpId": "t", "amount": {"unit": "credits", "amount": "1000"}}"#,
    ),
    ("wallet.v1.WalletService/Reserve", r#"{"wallet_id": "w", "reservation_id": "j", VIDEO, "ttl": "600s"}"#),
    (
        "wallet.v1.WalletService/Reserve",
        r#"{"wallet_id": "w", "reservation_id": "j2", VIDEO, "start": {"worker": "gpu"}}"#,
    ),
    (
        "wallet.v1.WalletService/ReserveMany",
        r#"{"requests": [{"wallet_id": "w", "reservation_id": "j", VIDEO, "ttl": "600s"},
        {"wallet_id": "nobody", "reservation_id": "j", VIDEO}]}"#,
    ),
    (
        "wallet.v1.WalletService/Start",
        r#"{"wallet_id": "w", "reservation_id": "missing", "start": {"worker": "gpu"}}"#,
    ),
    ("wallet.v1.WalletService/Settle", r#"{"wallet_id": "w", "reservation_id": "j2", "succeeded": {}}"#),
    (
        "wallet.v1.WalletService/Settle",
        r#"{"wallet_id": "w", "reservation_id": "j2", "failed": {"code": "GPU"}}"#,
    ),
    (
        "wallet.v1.WalletService/Cancel",
        r#"{"wallet_id": "w", "reservation_id": "j", "reason": "CANCEL_REASON_USER"}"#,
    ),
    (
        "wallet.v1.WalletService/Reserve",
        r#"{"wallet_id": "w", "reservation_id": "dear", "explicit":
        {"amounts": [{"unit": "credits", "amount": 5000}]}}"#,
    ),
    ("wallet.v1.WalletService/Reserve", r#"{"wallet_id": "", "reservation_id": " ", "ttl": "-5s"}"#),
    ("wallet.v1.WalletService/Reserve", "{}"),
    ("wallet.v1.WalletService/GetBalance", r#"{"wallet_id": "w"}"#),
    ("wallet.v1.WalletService/GetBalance", r#"{"wallet_id": "nobody"}"#),
    ("wallet.v1.WalletService/ListEntries", r#"{"wallet_id": "w", "page_size": 3}"#),
    ("wallet.v1.WalletService/ListEntries", r#"{"wallet_id": "w", "page_token": "nonsense"}"#),
    ("wallet.v1.CatalogService/ListPlans", "{}"),
    ("wallet.v1.CatalogService/GetPriceTable", "{}"),
    ("wallet.v1.CatalogService/PublishCatalog", r#"{"toml": "nonsense"}"#),
    ("wallet.v1.EventService/ListEvents", "{}"),
    ("wallet.v1.EventService/ListFeed", r#"{"afterPosition": "-1", "types": ["job.begun"]}"#),
    ("wallet.v1.AdminService/ListWallets", "{}"),
    ("grpc.health.v1.Health/Check", "{}"),
    ("grpc.health.v1.Health/Check", r#"{"service": "nonsense"}"#),
];

/// The answer to a call: the message, or the code, the text and the details of its error.
pub(super) type Answer = Result<Value, (u64, String, Vec<Value>)>;

fn by_grpcurl(connection: &[&str], key: &str, method: &str, text: &str) -> Answer {
    let authorization = format!("authorization: Bearer {key}");
    let output = Command::new(tool("WALLET_TEST_GRPCURL"))
        .args(["-format-error", "-H", &authorization, "-d", text])
        .args(connection)
        .arg(method)
        .output()
        .expect("grpcurl runs");
    let read = |bytes: &[u8]| {
        serde_json::from_slice::<Value>(bytes)
            .unwrap_or_else(|error| panic!("{method} {text}: {error}: {output:?}"))
    };
    if output.status.success() {
        return Ok(read(&output.stdout));
    }
    let mut error = read(&output.stderr);
    let mut details = error["details"].as_array().cloned().unwrap_or_default();
    for detail in &mut details {
        let kind = detail.as_object_mut().unwrap().remove("@type").unwrap();
        let kind = kind.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        *detail = json!({ "type": kind, "debug": detail.take() });
    }
    Err((error["code"].as_u64().unwrap(), error["message"].take().as_str().unwrap().to_owned(), details))
}

fn by_curl(curl: &Curl, method: &str, text: &str) -> Answer {
    of_connect(&curl.json(method, text))
}

/// Reads an answer of the Connect protocol with JSON.
fn of_connect(answer: &Answered) -> Answer {
    assert_eq!(answer.content_type, "application/json");
    let body = answer.body();
    if answer.status == 200 {
        return Ok(body);
    }
    let (status, refusal) = refusal(body);
    assert_eq!(answer.status, status, "{refusal:?}");
    Err(refusal)
}

/// Reads the body of an error. Returns the HTTP status that belongs to it, too.
fn refusal(mut body: Value) -> (u16, (u64, String, Vec<Value>)) {
    let code = body["code"].as_str().unwrap();
    let codes = [
        ("invalid_argument", 3, 400),
        ("not_found", 5, 404),
        ("already_exists", 6, 409),
        ("permission_denied", 7, 403),
        ("failed_precondition", 9, 400),
        ("unauthenticated", 16, 401),
    ];
    let (_, number, status) = codes.into_iter().find(|(name, ..)| *name == code).expect(code);
    let mut details = body["details"].as_array().cloned().unwrap_or_default();
    for detail in &mut details {
        assert!(
            detail
                .as_object_mut()
                .unwrap()
                .remove("value")
                .unwrap()
                .as_str()
                .is_some_and(|v| !v.contains('='))
        );
    }
    (status, (number, body["message"].take().as_str().unwrap().to_owned(), details))
}

/// Removes the statement that an answer repeats an earlier one.
fn once(answer: Answer) -> Answer {
    answer.map(|mut message| {
        message.as_object_mut().unwrap().remove("replayed");
        for result in message.get_mut("results").and_then(Value::as_array_mut).into_iter().flatten() {
            for item in result.as_object_mut().unwrap().values_mut().filter_map(Value::as_object_mut) {
                item.remove("replayed");
            }
        }
        message
    })
}

async fn the_same_answers(database: Database) {
    let front = Front::new(database);
    let key = front.key("default", "all");
    // Its clock stands still, so times are the same.
    let server = front.serve().await;
    let bearer = format!("authorization: Bearer {key}");
    let curls = ["--http1.1", "--http2-prior-knowledge"]
        .map(|version| Curl::new(server.endpoint(), version).with(&["-H", &bearer]));
    let address = server.address.to_string();
    let plaintext = ["-plaintext", address.as_str()];
    let (mut answered, mut refused) = (0, 0);
    for (method, text) in CALLS {
        let text = text.replace("VIDEO", VIDEO);
        let first = once(by_curl(&curls[0], method, &text));
        let second = once(by_curl(&curls[1], method, &text));
        let expected = once(by_grpcurl(&plaintext, &key, method, &text));
        assert_eq!(first, expected, "{method} {text}");
        assert_eq!(second, expected, "{method} {text}");
        match expected {
            Ok(_) => answered += 1,
            Err((_, _, details)) => {
                refused += 1;
                assert!(!details.is_empty() || method.starts_with("grpc.health"), "{method} {text}");
            }
        }
    }
    assert!(answered >= 14 && refused >= 8, "{answered} {refused}");
    assert!(server.verify().await.is_clean());

    let stranger = Curl::new(server.endpoint(), "--http1.1");
    let refusal = stranger.json("wallet.v1.WalletService/GetBalance", r#"{"wallet_id": "w"}"#);
    assert_eq!(refusal.status, 401);
    assert_eq!(refusal.body()["details"][0]["debug"]["reason"], "KEY_MISSING");
    assert_eq!(stranger.json("grpc.health.v1.Health/Check", "{}").body()["status"], "SERVING");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl_and_grpcurl_get_the_same_answers_and_errors_on_sqlite() {
    the_same_answers(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl_and_grpcurl_get_the_same_answers_and_errors_on_postgres() {
    the_same_answers(Database::postgres()).await;
}

/// The calls of a page with the token of a wallet.
const OF_A_PAGE: &[(&str, &str)] = &[
    ("wallet.v1.WalletService/GetBalance", r#"{"walletId": "w"}"#),
    ("wallet.v1.WalletService/ListEntries", r#"{"walletId": "w", "pageSize": 500}"#),
    ("wallet.v1.WalletService/Estimate", r#"{"walletId": "w", "operation": {"kind": "none \u00e9 + & %"}}"#),
    ("wallet.v1.WalletService/GetBalance", r#"{"walletId": "v"}"#),
    ("wallet.v1.WalletService/GetBalance", "{"),
];

async fn every_peer_gets_the_same_answers(database: Database) {
    let front = Front::new(database);
    let key = front.key("default", "all");
    let (certificate, host) = (Certificate::new(), Host::new().await);
    let [pem, private, ca] = ["server.pem", "server.key", "ca.pem"].map(|name| certificate.path(name));
    let tls = TlsFiles { certificate: pem.into(), key: private.into(), clients: None };
    let origins = vec![host.origin().parse().unwrap()];
    let server = front.serve_configured(Config { tls: Some(tls), origins, ..Config::default() }).await;
    let address = format!("localhost:{}", server.address.port());
    let base = format!("https://{address}");
    let with = |secret: &str| {
        let bearer = format!("authorization: Bearer {secret}");
        Curl::new(base.clone(), "--http2").with(&["--cacert", &ca, "-H", &bearer])
    };
    let curl = with(&key);
    let encrypted = ["-cacert", &ca, &address];
    let mut peers = [Peer::node(&base, &ca, &key), Peer::python(&base, &ca, &key)];
    let mut compared = 0;
    for (method, text) in CALLS {
        let text = text.replace("VIDEO", VIDEO);
        let expected = once(by_curl(&curl, method, &text));
        assert_eq!(once(by_grpcurl(&encrypted, &key, method, &text)), expected, "grpcurl: {method} {text}");
        // The descriptors of the libraries are those of the wallet.
        for peer in peers.iter_mut().filter(|_| method.starts_with("wallet.")) {
            for (name, answer) in peer.answers(method, &text) {
                assert_eq!(once(answer), expected, "{name}: {method} {text}");
                compared += 1;
            }
        }
    }
    assert!(compared >= 22 * 25, "{compared}");

    let wanted = r#"{"walletId": "w", "scopes": ["SCOPE_READ", "SCOPE_ESTIMATE"]}"#;
    let token = curl.json("wallet.v1.KeyService/CreateWalletToken", wanted).body()["token"].clone();
    let token = token.as_str().unwrap();
    if let Some(answers) = host.answers(&base, token, OF_A_PAGE).await {
        a_page_gets_the_same_answers(answers, &with(token));
    }
    assert!(server.verify().await.is_clean());
}

/// Compares the answers that a page had with those of curl.
fn a_page_gets_the_same_answers(answers: Vec<Value>, curl: &Curl) {
    assert_eq!(answers.len(), OF_A_PAGE.len(), "{answers:?}");
    for (answer, (method, text)) in answers.into_iter().zip(OF_A_PAGE) {
        let expected = by_curl(curl, method, text);
        for way in ["post", "get"] {
            let found = match answer[way].get("message").filter(|_| answer[way].get("code").is_none()) {
                Some(message) => Ok(message.clone()),
                None => {
                    let mut body = answer[way].clone();
                    body["message"] = body["text"].take();
                    Err(refusal(body).1)
                }
            };
            assert_eq!(found, expected, "Chromium by {way}: {method} {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_peer_gets_the_same_answers_and_errors_over_tls_on_sqlite() {
    every_peer_gets_the_same_answers(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_peer_gets_the_same_answers_and_errors_over_tls_on_postgres() {
    every_peer_gets_the_same_answers(Database::postgres()).await;
}
