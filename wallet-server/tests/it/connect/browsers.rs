//! Calls as browsers make them: preflight requests, origins that may call, and gRPC-Web.

use prost::Message;
use wallet_client::v1;
use wallet_server::Config;

use super::{Answered, Curl};
use crate::harness::{Database, Server};

const PAGE: &str = "https://app.example.com";
const BALANCE: &str = "wallet.v1.WalletService/GetBalance";

async fn server(origins: &[&str]) -> Server {
    let origins = origins.iter().map(|origin| origin.parse().unwrap()).collect();
    let server = Server::start_with(Database::sqlite(), Config { origins, ..Config::default() }).await;
    server.wallet("w", 5).await;
    server
}

fn from(curl: &Curl, origin: &str) -> Curl {
    curl.clone().with(&["-H", &format!("origin: {origin}")])
}

fn preflight(curl: &Curl) -> Answered {
    let asked = ["-X", "OPTIONS", "-H", "access-control-request-method: POST"];
    let headers =
        ["-H", "access-control-request-headers: authorization,content-type,connect-protocol-version"];
    curl.clone().with(&asked).with(&headers).run(BALANCE, b"")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_allowed_origins_may_call_and_others_are_refused_and_change_nothing() {
    let server = server(&[PAGE, "http://localhost:5173"]).await;
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let curl = Curl::new(server.endpoint(), version);
        let page = from(&curl, PAGE);
        let allowed = preflight(&page);
        assert_eq!(allowed.status, 204, "{allowed:?}");
        assert_eq!(allowed.header("access-control-allow-origin"), Some(PAGE));
        assert_eq!(allowed.header("access-control-allow-methods"), Some("GET, POST"));
        let headers = allowed.header("access-control-allow-headers").unwrap();
        for needed in ["authorization", "content-type", "connect-protocol-version", "x-grpc-web"] {
            assert!(headers.split(", ").any(|header| header == needed), "{needed}: {headers}");
        }
        for (text, status) in [(r#"{"walletId": "w"}"#, 200), (r#"{"walletId": "nobody"}"#, 404), ("[", 400)]
        {
            let answer = page.json(BALANCE, text);
            assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, Some(PAGE)));
            assert_eq!(answer.header("vary"), Some("origin"));
            assert!(answer.header("access-control-expose-headers").unwrap().contains("x-request-id"));
        }
        let wrong = page.post(BALANCE, "text/plain", b"{}");
        assert_eq!((wrong.status, wrong.header("access-control-allow-origin")), (415, Some(PAGE)));

        for origin in ["https://evil.example.com", "http://app.example.com", "null"] {
            let evil = from(&curl, origin);
            let refused = preflight(&evil);
            assert_eq!((refused.status, refused.header("access-control-allow-origin")), (403, None));
            for content_type in
                ["application/json", "application/proto", "application/grpc-web", "text/plain"]
            {
                let answer = evil.post(BALANCE, content_type, b"{\"walletId\": \"w\"}");
                assert_eq!(
                    (answer.status, answer.header("access-control-allow-origin")),
                    (403, None),
                    "{origin}"
                );
            }
            let before = server.verify().await;
            let create = evil.json("wallet.v1.AdminService/CreateWallet", r#"{"walletId": "stolen"}"#);
            assert_eq!(create.status, 403);
            assert_eq!(server.verify().await.digest, before.digest);
        }
        let program = curl.json(BALANCE, r#"{"walletId": "w"}"#);
        assert_eq!((program.status, program.header("access-control-allow-origin")), (200, None));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_may_call_unless_configured_and_a_star_allows_all() {
    let closed = server(&[]).await;
    let page = from(&Curl::new(closed.endpoint(), "--http1.1"), PAGE);
    assert_eq!(preflight(&page).status, 403);
    assert_eq!(page.json(BALANCE, r#"{"walletId": "w"}"#).status, 403);
    let open = server(&["*"]).await;
    let page = from(&Curl::new(open.endpoint(), "--http1.1"), PAGE);
    assert_eq!(preflight(&page).header("access-control-allow-origin"), Some(PAGE));
    assert_eq!(page.json(BALANCE, r#"{"walletId": "w"}"#).status, 200);
    let options = Curl::new(open.endpoint(), "--http1.1").with(&["-X", "OPTIONS"]).run(BALANCE, b"");
    assert_eq!(options.status, 405, "not from a page");
}

/// Splits a body of gRPC-Web into its messages, each with its flag.
fn messages(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut messages = Vec::new();
    while let Some((&flag, rest)) = bytes.split_first() {
        let (length, rest) = rest.split_first_chunk().expect("a length");
        let (message, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        messages.push((flag, message.to_vec()));
        bytes = rest;
    }
    messages
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpc_web_calls_have_their_trailers_in_the_body() {
    let server = server(&[PAGE]).await;
    let framed = |wallet: &str| {
        let message = v1::GetBalanceRequest::new(wallet).encode_to_vec();
        [&[0, 0, 0, 0, u8::try_from(message.len()).unwrap()], message.as_slice()].concat()
    };
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let page = from(&Curl::new(server.endpoint(), version), PAGE).with(&["-H", "x-grpc-web: 1"]);
        for content_type in ["application/grpc-web", "application/grpc-web+proto"] {
            let answer = page.post(BALANCE, content_type, &framed("w"));
            assert_eq!((answer.status, answer.content_type.as_str()), (200, "application/grpc-web+proto"));
            assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
            let [(0, balance), (0x80, trailers)] = &messages(&answer.bytes)[..] else { panic!("{answer:?}") };
            let balance = v1::GetBalanceResponse::decode(balance.as_slice()).unwrap();
            assert_eq!(balance.balances[0].available.as_ref().unwrap().amount, 5);
            assert_eq!(trailers, b"grpc-status: 0\r\n");
        }
        let missing = page.post(BALANCE, "application/grpc-web", &framed("nobody"));
        assert_eq!((missing.status, missing.header("grpc-status")), (200, Some("5")));
        assert!(missing.header("grpc-status-details-bin").is_some() && missing.bytes.is_empty());
        assert!(missing.header("access-control-expose-headers").unwrap().contains("grpc-status-details-bin"));
        let short = page.post(BALANCE, "application/grpc-web", b"\0\0\0");
        assert_eq!(short.header("grpc-status"), Some("3"));
    }
}
