//! The rate of calls per key: its own for each, and a delay after which the client repeats a call.

use wallet_client::v1::{CreateWalletTokenRequest, ErrorReason, GetBalanceRequest, GetCatalogRequest, Scope};
use wallet_client::{ClientConfig, Code, Error, RetryPolicy, WalletClient};
use wallet_server::Limits;

use crate::harness::{Database, Front, with_key};
use crate::monitoring::metrics;

fn at_most(rate: u32, burst: u32) -> Limits {
    Limits { calls_per_second: Some(rate), calls_burst: Some(burst), ..Limits::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_over_its_rate_is_refused_and_another_key_is_not() {
    let front = Front::new(Database::sqlite());
    let (busy, calm) = (front.key("default", "read"), front.key("default", "read"));
    let server = front.serve_with(at_most(1, 5)).await;
    let config = ClientConfig::new(server.endpoint()).api_key(busy.as_str()).retry(RetryPolicy::never());
    let client = WalletClient::connect(config).await.unwrap();
    let mut answered = 0;
    let refused = loop {
        match client.get_catalog(GetCatalogRequest::default()).await {
            Ok(_) => answered += 1,
            Err(error) => break error,
        }
        assert!(answered < 1_000, "no call was refused");
    };
    assert!(answered >= 5, "{answered}: {refused}");
    let Error::Unavailable { reason, retry_after, status } = &refused else { panic!("{refused:?}") };
    assert_eq!((*reason, status.code()), (ErrorReason::RateLimited, Code::ResourceExhausted));
    assert!(retry_after.is_some_and(|delay| !delay.is_zero() && delay.as_secs() < 2), "{refused:?}");
    let config = ClientConfig::new(server.endpoint()).api_key(calm.as_str()).retry(RetryPolicy::never());
    let client = WalletClient::connect(config).await.unwrap();
    for _ in 0..5 {
        client.get_catalog(GetCatalogRequest::default()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_over_the_rate_takes_no_calls_of_its_key() {
    let front = Front::new(Database::sqlite());
    let key = front.key("default", "all");
    let server = front.serve_with(at_most(1, 20)).await;
    let client = with_key(&server, &key).await;
    let wanted = |wallet| CreateWalletTokenRequest::new(wallet, [Scope::Read]);
    let [busy, calm] = ["busy", "calm"].map(|wallet| client.create_wallet_token(wanted(wallet)));
    let (busy, calm) = (busy.await.unwrap().token, calm.await.unwrap().token);
    let page = async |token: &str| {
        let config = ClientConfig::new(server.endpoint()).api_key(token).retry(RetryPolicy::never());
        WalletClient::connect(config).await.unwrap()
    };
    let page_of_busy = page(&busy).await;
    let mut calls = 0;
    while !matches!(
        page_of_busy.get_balance(GetBalanceRequest::new("busy")).await,
        Err(Error::Unavailable { reason: ErrorReason::RateLimited, .. })
    ) {
        calls += 1;
        assert!(calls < 1_000, "no call was refused");
    }
    let calm = page(&calm).await.get_balance(GetBalanceRequest::new("calm")).await.unwrap_err();
    assert_eq!(calm.refusal().unwrap().reason, ErrorReason::WalletNotFound);
    client.without_retries().get_catalog(GetCatalogRequest::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_repeats_calls_over_the_rate_until_they_are_answered() {
    let front = Front::new(Database::sqlite());
    let key = front.key("default", "read");
    let server = front.serve_with(at_most(20, 1)).await;
    let client = with_key(&server, &key).await;
    for _ in 0..10 {
        client.get_catalog(GetCatalogRequest::default()).await.unwrap();
    }
    let refused = "grpc_method=\"GetCatalog\",grpc_code=\"ResourceExhausted\"";
    assert!(metrics(&server).contains(refused), "no call was refused");
}
