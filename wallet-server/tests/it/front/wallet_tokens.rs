//! Every method with tokens for one wallet, from the descriptors of the protos: only calls about that wallet pass.

use prost::Message;
use prost_reflect::{DynamicMessage, ReflectMessage, Value};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use wallet_client::WalletClient;
use wallet_client::v1::{self, ErrorReason, Scope};

use super::matrix::{Method, bearer, methods, refusal};
use crate::connect::Curl;
use crate::fuzz::raw;
use crate::harness::{Database, Front, credits, video, with_key};
use crate::shorthand::refused;

/// The scopes that a token may have.
const SCOPES: [Scope; 3] = [Scope::Estimate, Scope::Read, Scope::Events];

/// The wallets that a request names besides the token's own: one that exists, one that is missing, and none.
const OTHERS: [&str; 3] = ["other", "missing", ""];

async fn token(client: &WalletClient, wallet: &str, scopes: &[Scope]) -> String {
    let request = v1::CreateWalletTokenRequest::new(wallet, scopes.iter().copied());
    client.create_wallet_token(request).await.unwrap().token
}

async fn with_a_job(client: &WalletClient, wallet: &str, job: &str) {
    client.create_wallet(v1::CreateWalletRequest::new(wallet)).await.unwrap();
    client.top_up(v1::TopUpRequest::amount(wallet, "first", credits(100))).await.unwrap();
    client.reserve(v1::ReserveRequest::new(wallet, job, video("5"))).await.unwrap();
}

/// A request that is empty except for its wallet, if it has one.
fn about(method: &Method, wallet: &str) -> Vec<u8> {
    let mut message = DynamicMessage::new(method.descriptor.input());
    if message.descriptor().get_field_by_name("wallet_id").is_some() {
        message.set_field_by_name("wallet_id", Value::String(wallet.to_owned()));
    }
    message.encode_to_vec()
}

/// The reasons for which a method refuses a token with these scopes, for its own wallet and for another one.
fn expected(method: &Method, scopes: &[Scope]) -> [&'static str; 2] {
    match (scopes.iter().any(|scope| scope.as_str_name() == method.scope), method.is_for_tokens) {
        (false, _) => ["SCOPE_MISSING"; 2],
        (true, false) => ["NOT_FOR_WALLET_TOKEN"; 2],
        (true, true) => ["", "NOT_FOR_WALLET_TOKEN"],
    }
}

async fn answer(channel: &Channel, method: &Method, wallet: &str, token: &str) -> Result<Vec<u8>, Status> {
    let authorization = bearer(token);
    raw::call_with(channel, &method.path, about(method, wallet), authorization.as_deref()).await
}

async fn only_calls_about_its_wallet_pass(database: Database) {
    let front = Front::new(database);
    let all = front.key("default", "all");
    let server = front.serve().await;
    let client = with_key(&server, &all).await;
    with_a_job(&client, "own", "job").await;
    with_a_job(&client, "other", "job-of-other").await;
    let channel = Endpoint::from_shared(server.endpoint()).unwrap().connect().await.unwrap();
    let sets = SCOPES.iter().map(std::slice::from_ref).chain([&SCOPES[..]]);
    let methods = methods();
    let mut admitted = 0;
    for scopes in sets {
        let token = token(&client, "own", scopes).await;
        for method in &methods {
            let [own, other] = expected(method, scopes);
            let found = answer(&channel, method, "own", &token).await;
            assert_eq!(refusal(&found), own, "{} for its own wallet with {scopes:?}", method.path);
            admitted += usize::from(own.is_empty());
            let mut seen = Vec::new();
            for wallet in OTHERS {
                let status = answer(&channel, method, wallet, &token).await.expect_err(&method.path);
                assert_eq!(refusal(&Err(status.clone())), other, "{} for {wallet:?}", method.path);
                seen.push((status.code(), status.message().to_owned(), status.details().to_vec()));
            }
            seen.dedup();
            assert_eq!(seen.len(), 1, "{}: callers learn which wallets exist", method.path);
        }
    }
    let open = methods.iter().filter(|method| method.is_for_tokens).count();
    assert!(open >= 11 && admitted == 2 * open, "{open} methods, {admitted} admissions");
    a_job_of_another_wallet_is_missing(&server, &client).await;
}

async fn a_job_of_another_wallet_is_missing(server: &crate::harness::Server, client: &WalletClient) {
    let page = with_key(server, &token(client, "own", &SCOPES).await).await;
    page.get_reservation(v1::GetReservationRequest::new("own", "job")).await.unwrap();
    let mut messages = Vec::new();
    for job in ["job-of-other", "nothing"] {
        let answer = page.get_reservation(v1::GetReservationRequest::new("own", job)).await;
        messages.push(refused(answer, ErrorReason::ReservationNotFound, Code::NotFound).metadata);
    }
    messages.dedup();
    assert_eq!(messages.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_passes_only_for_its_wallet_on_sqlite() {
    only_calls_about_its_wallet_pass(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_passes_only_for_its_wallet_on_postgres() {
    only_calls_about_its_wallet_pass(Database::postgres()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_passes_only_for_its_wallet_with_json_and_grpc_web() {
    let front = Front::new(Database::sqlite());
    let all = front.key("default", "all");
    let server = front.serve().await;
    let client = with_key(&server, &all).await;
    with_a_job(&client, "own", "job").await;
    with_a_job(&client, "other", "job-of-other").await;
    let token = token(&client, "own", &SCOPES).await;
    let header = format!("authorization: Bearer {token}");
    let curl = Curl::new(server.endpoint(), "--http1.1").with(&["-H", &header]);
    for method in methods().iter().filter(|method| !method.descriptor.is_server_streaming()) {
        let path = method.path.trim_start_matches('/');
        let [own, other] = expected(method, &SCOPES);
        for (wallet, expected) in [("own", own), ("other", other), ("missing", other)] {
            let has_wallet = method.descriptor.input().get_field_by_name("wallet_id").is_some();
            let text = if has_wallet { format!(r#"{{"walletId": "{wallet}"}}"#) } else { "{}".to_owned() };
            let answer = curl.json(path, &text);
            let reason = match answer.status {
                401 | 403 => answer.body()["details"][0]["debug"]["reason"].as_str().unwrap().to_owned(),
                _ => String::new(),
            };
            assert_eq!(reason, expected, "{path} {text}");
            let web = curl.post(path, "application/grpc-web", &framed(&about(method, wallet)));
            let status = web.header("grpc-status");
            let is_denied = status == Some("7");
            assert_eq!(is_denied, !expected.is_empty(), "{path} {wallet}: {status:?}");
        }
    }
}

/// A message with its length, as in gRPC.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0][..], &length, message].concat()
}
