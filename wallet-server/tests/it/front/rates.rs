//! The rates of calls: those of each key, that of a tenant, and a delay after which the client repeats a call.

use std::time::Duration;

use wallet_client::v1::{
    CreateKeyRequest, CreateWalletTokenRequest, ErrorReason, GetBalanceRequest, GetCatalogRequest,
    GetPriceTableRequest, ListKeysRequest, Scope, WatchFeedRequest,
};
use wallet_client::{ClientConfig, Code, Error, RetryPolicy, WalletClient, v1};
use wallet_server::Limits;

use crate::harness::{Database, Front, Server, id_of, with_key};
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
async fn all_tokens_of_a_tenant_share_a_rate_and_take_nothing_from_its_keys() {
    let front = Front::new(Database::sqlite());
    front.cli(&["tenants", "create", "acme"]);
    let [key, second] = ["all", "read"].map(|scopes| front.key("default", scopes));
    let other = front.key("acme", "read");
    let limits =
        Limits { tenant_calls_per_second: Some(1), tenant_calls_burst: Some(20), ..Limits::default() };
    let server = front.serve_with(limits).await;
    let wanted = CreateWalletTokenRequest::new("ann", [Scope::Read]);
    let token = once(&server, &key).await.create_wallet_token(wanted).await.unwrap().token;
    let page = once(&server, &token).await;
    let mut calls = 0;
    let status = loop {
        match page.get_balance(GetBalanceRequest::new("ann")).await {
            Err(Error::Unavailable { reason: ErrorReason::RateLimited, status, .. }) => break status,
            Err(Error::Refused(_)) => calls += 1,
            other => panic!("{other:?}"),
        }
        assert!(calls < 1_000, "no call was refused");
    };
    let Some(v1::error_detail::Detail::RateLimited(above)) = v1::ErrorDetail::of(&status).unwrap().detail
    else {
        panic!("{status:?}")
    };
    assert_eq!((above.limit.as_str(), above.calls_per_second, above.calls_burst), ("tenant", 1, 20));
    let calls_of_second = drain(&once(&server, &second).await).await.0;
    assert!(calls_of_second >= 15, "{calls_of_second}: the tokens take nothing from the keys");
    let calls_of_first = drain(&once(&server, &key).await).await.0;
    assert!(calls_of_first < 15, "{calls_of_first}: the other key has used up the calls");
    assert!(drain(&once(&server, &other).await).await.0 >= 20, "another tenant");
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

/// A client that sends every call once.
async fn once(server: &Server, key: &str) -> WalletClient {
    with_key(server, key).await.without_retries()
}

/// Makes calls until one is refused. Returns their number and the refusal.
async fn drain(client: &WalletClient) -> (usize, Error) {
    for answered in 0..1_000 {
        if let Err(error) = client.get_catalog(GetCatalogRequest::default()).await {
            return (answered, error);
        }
    }
    panic!("no call was refused");
}

async fn a_key_has_the_rate_of_its_creation(database: Database) {
    let front = Front::new(database);
    let all = front.key("default", "all");
    let words = ["keys", "create", "k", "--scopes", "read", "--calls-per-second", "1", "--calls-burst", "7"];
    let from_cli = front.cli(&words).lines().last().unwrap().to_owned();
    let server = front.serve().await;
    let admin = with_key(&server, &all).await;
    let wanted = CreateKeyRequest::new("scripts", [Scope::Read]).with_rate(1, 5);
    let made = admin.create_key(wanted.clone()).await.unwrap();
    let same = admin.create_key(wanted).await.unwrap();
    let keys = admin.list_keys(ListKeysRequest::new()).await.unwrap().keys;
    let rate = |id: &str| {
        let key = keys.iter().find(|key| key.key_id == id).unwrap();
        (key.calls_per_second, key.calls_burst)
    };
    assert_eq!(rate(&made.key.unwrap().key_id), (1, 5));
    assert_eq!((rate(id_of(&from_cli)), rate(id_of(&all))), ((1, 7), (0, 0)));

    let (answered, refused) = drain(&once(&server, &made.secret).await).await;
    assert!((5..50).contains(&answered), "{answered}");
    let Error::Unavailable { reason, retry_after, status } = &refused else { panic!("{refused:?}") };
    assert_eq!((*reason, status.code()), (ErrorReason::RateLimited, Code::ResourceExhausted));
    let Some(v1::error_detail::Detail::RateLimited(above)) = v1::ErrorDetail::of(status).unwrap().detail
    else {
        panic!("{status:?}")
    };
    assert_eq!((above.limit.as_str(), above.calls_per_second, above.calls_burst), ("key", 1, 5));
    let delay = Duration::try_from(above.retry_delay.unwrap()).unwrap();
    assert!(*retry_after == Some(delay) && !delay.is_zero() && delay <= Duration::from_secs(1), "{above:?}");
    assert!(
        drain(&once(&server, &same.secret).await).await.0 >= 5,
        "a key of the same rate has calls of its own"
    );
    for _ in 0..20 {
        admin.without_retries().get_price_table(GetPriceTableRequest::default()).await.unwrap();
    }
    let events = admin.list_audit_events(v1::ListAuditEventsRequest::new()).await.unwrap().events;
    assert!(
        events.iter().any(|event| event.details.ends_with("1 calls per second and 5 at once")),
        "{events:?}"
    );
    assert!(server.verify().await.is_clean());
    server.stop().await;
    let rotated = front.cli(&["keys", "rotate", id_of(&from_cli)]);
    assert!(rotated.contains("1 calls per second and 7 at once"), "{rotated}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_has_the_rate_that_it_was_created_with_on_sqlite() {
    a_key_has_the_rate_of_its_creation(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_has_the_rate_that_it_was_created_with_on_postgres() {
    a_key_has_the_rate_of_its_creation(Database::postgres()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_tenant_cannot_take_the_places_of_others_in_the_feed() {
    let front = Front::new(Database::sqlite());
    front.cli(&["tenants", "create", "other"]);
    let (greedy, calm) = (front.key("default", "events"), front.key("other", "events"));
    let all = ["default", "other"].map(|tenant| front.key(tenant, "all"));
    let server = front.serve_with(Limits { feed_watchers: 3, ..Limits::default() }).await;
    let (greedy, calm) = (once(&server, &greedy).await, once(&server, &calm).await);
    // A watcher that is accepted gets the item of its tenant's wallet.
    for key in &all {
        let create = v1::CreateWalletRequest::new("w");
        with_key(&server, key).await.create_wallet(create).await.unwrap();
    }
    let mut watching = Vec::new();
    for n in 0..4 {
        let mut watch = greedy.watch_feed(WatchFeedRequest::new(0));
        match watch.next().await {
            Ok(item) => {
                assert_eq!(item.wallet_id, "w");
                watching.push(watch);
            }
            Err(error) => {
                let refusal = error.refusal().unwrap();
                assert_eq!((n, refusal.reason), (3, ErrorReason::TooManyWatchers));
                assert_eq!(refusal.metadata["limit"], "3");
            }
        }
    }
    assert_eq!(watching.len(), 3);
    calm.watch_feed(WatchFeedRequest::new(0)).next().await.expect("another tenant");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_tenant_cannot_take_the_places_of_others_that_watch_wallets() {
    let front = Front::new(Database::sqlite());
    front.cli(&["tenants", "create", "other"]);
    let (greedy, calm) = (front.key("default", "all"), front.key("other", "all"));
    let server = front.serve_with(Limits { wallet_watchers: 2, ..Limits::default() }).await;
    let mut watching = Vec::new();
    for (key, wallets) in [(&greedy, ["a", "b", "c"].as_slice()), (&calm, &["a"])] {
        let client = once(&server, key).await;
        for wallet in wallets {
            client.create_wallet(v1::CreateWalletRequest::new(*wallet)).await.unwrap();
            let mut watch = client.watch_wallet(v1::WatchWalletRequest::new(*wallet));
            match watch.next().await {
                Ok(_) => watching.push(watch),
                Err(error) => {
                    let refusal = error.refusal().unwrap();
                    assert_eq!((*wallet, refusal.reason), ("c", ErrorReason::TooManyWatchers));
                    assert_eq!(refusal.metadata["limit"], "2");
                }
            }
        }
    }
    assert_eq!(watching.len(), 3, "two of one tenant and one of the other");
}
