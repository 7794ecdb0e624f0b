//! A worker that has used up its rate still ends its jobs, and a flood of such calls has an end.

use wallet_client::v1::{self, ErrorReason, GetCatalogRequest};
use wallet_client::{Error, WalletClient};
use wallet_server::Limits;

use crate::harness::{Database, Front, Server, credits, video, with_key};
use crate::shorthand::{by, cancel, credits_of, settle};

/// The calls at once, of which one comes back in a second.
const BURST: u32 = 20;

fn is_above_the_rate<T>(answer: &Result<T, Error>) -> bool {
    let Err(Error::Unavailable { reason: ErrorReason::RateLimited, retry_after, .. }) = answer else {
        return false;
    };
    retry_after.is_some_and(|delay| !delay.is_zero() && delay.as_secs() < 2)
}

/// Reserves four jobs with a worker's key, and uses up its rate.
async fn busy(server: &Server, admin: &str, worker: &str) -> WalletClient {
    let admin = with_key(server, admin).await;
    admin.create_wallet(v1::CreateWalletRequest::new("w")).await.unwrap();
    admin.top_up(v1::TopUpRequest::amount("w", "t", credits(1_000))).await.unwrap();
    let worker = with_key(server, worker).await.without_retries();
    for job in ["a", "b", "c", "d"] {
        let reserve = v1::ReserveRequest::new("w", job, video("5")).with_start(by("gpu", 1));
        worker.reserve(reserve).await.unwrap();
    }
    let mut calls = 0;
    while worker.get_catalog(GetCatalogRequest::default()).await.is_ok() {
        calls += 1;
        assert!(calls < 1_000, "no call was refused");
    }
    worker
}

async fn jobs_end_above_the_rate(front: Front, limits: Limits, worker: &str) {
    let admin = front.key("default", "all");
    let server = front.serve_with(limits).await;
    let worker = busy(&server, &admin, worker).await;
    let reserved = worker.reserve(v1::ReserveRequest::new("w", "e", video("5"))).await;
    assert!(is_above_the_rate(&reserved), "{reserved:?}");
    worker.extend(v1::ExtendRequest::new("w", "a")).await.expect("a heartbeat");
    worker.settle(settle("w", "a", v1::Succeeded::default())).await.expect("the end of a job");
    worker.cancel(cancel("w", "b", v1::CancelReason::User)).await.expect("a cancel");
    let items = [settle("w", "c", v1::Succeeded::default()), settle("w", "d", v1::Succeeded::default())];
    let many = worker.settle_many(v1::SettleManyRequest::new(items)).await.expect("many ends");
    assert_eq!(many.results.len(), 2);
    assert_eq!(credits_of(&with_key(&server, &admin).await, "w").await.1, 0, "nothing is held");

    let mut accepted = 0;
    let refused = loop {
        let again = worker.settle(settle("w", "a", v1::Succeeded::default())).await;
        match again {
            Ok(again) => accepted += u32::from(again.replayed),
            Err(_) => break again,
        }
        assert!(accepted < 1_000, "a flood of Settle has no end");
    };
    assert!(is_above_the_rate(&refused), "{refused:?}");
    assert!(accepted >= BURST / 2, "{accepted}: the reserve is as large as the rate");
    let cancelled = worker.cancel(cancel("w", "b", v1::CancelReason::User)).await;
    assert!(cancelled.is_ok() || is_above_the_rate(&cancelled), "{cancelled:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_ends_its_jobs_above_the_rate_of_the_server() {
    let front = Front::new(Database::sqlite());
    let worker = front.key("default", "worker");
    let limits = Limits { calls_per_second: Some(1), calls_burst: Some(BURST), ..Limits::default() };
    jobs_end_above_the_rate(front, limits, &worker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_ends_its_jobs_above_the_rate_of_its_key_and_tenant() {
    let front = Front::new(Database::sqlite());
    let burst = BURST.to_string();
    let words =
        ["keys", "create", "k", "--scopes", "worker", "--calls-per-second", "1", "--calls-burst", &burst];
    let worker = front.cli(&words).lines().last().unwrap().to_owned();
    jobs_end_above_the_rate(front, Limits::default(), &worker).await;

    let front = Front::new(Database::sqlite());
    let worker = front.key("default", "worker");
    // The calls of the administrator count, too.
    let limits =
        Limits { tenant_calls_per_second: Some(1), tenant_calls_burst: Some(BURST), ..Limits::default() };
    jobs_end_above_the_rate(front, limits, &worker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_without_the_scope_leave_the_reserve_to_the_workers_of_the_tenant() {
    let front = Front::new(Database::sqlite());
    let [admin, worker, reader] = ["all", "worker", "read"].map(|scopes| front.key("default", scopes));
    let limits =
        Limits { tenant_calls_per_second: Some(1), tenant_calls_burst: Some(BURST), ..Limits::default() };
    let server = front.serve_with(limits).await;
    let worker = busy(&server, &admin, &worker).await;
    let reader = with_key(&server, &reader).await.without_retries();
    for _ in 0..2 * BURST {
        let refused = reader.settle(settle("w", "a", v1::Succeeded::default())).await;
        let is_without_scope =
            refused.as_ref().is_err_and(|error| error.reason() == Some(ErrorReason::ScopeMissing));
        assert!(is_without_scope || is_above_the_rate(&refused), "{refused:?}");
    }
    worker.settle(settle("w", "a", v1::Succeeded::default())).await.expect("the end of a job");
    worker.extend(v1::ExtendRequest::new("w", "b")).await.expect("a heartbeat");
}
