//! Single calls: their metadata, their retries, their errors.

use std::collections::HashMap;
use std::time::Duration;

use tonic_types::{ErrorDetails, StatusExt};
use wallet_client::v1::{ErrorReason, ReservationState, ReserveResponse};
use wallet_client::{Code, Error, Status, WalletClient, v1};

use crate::test_service::{Received, Script, TestService, always, reserved};

pub(crate) fn refusal(code: Code, reason: &str) -> Status {
    Status::with_error_details(
        code,
        "by script",
        ErrorDetails::with_error_info(reason, "wallet.v1", HashMap::new()),
    )
}

pub(crate) fn overloaded(retry_after: Duration) -> Status {
    let mut details = ErrorDetails::with_error_info("OVERLOADED", "wallet.v1", HashMap::new());
    details.set_retry_info(Some(retry_after));
    Status::with_error_details(Code::Unavailable, "by script", details)
}

fn fresh() -> Option<Result<ReserveResponse, Status>> {
    Some(Ok(reserved(false, ReservationState::Held)))
}

async fn reserve(client: &WalletClient) -> Result<ReserveResponse, Error> {
    let video = v1::Operation::new("video.generate");
    client.reserve(v1::ReserveRequest::new("alice", "job-1", video)).await
}

/// Returns the number of requests so far.
fn count(service: &mut TestService) -> usize {
    std::iter::from_fn(|| service.received.try_recv().ok()).count()
}

#[tokio::test]
async fn a_call_that_was_not_executed_is_retried_with_the_same_ids() {
    let script = Script {
        reserve: Box::new(|n| match n {
            0 => Some(Err(overloaded(Duration::from_millis(2)))),
            1 => Some(Err(refusal(Code::Unavailable, "STORE_UNAVAILABLE"))),
            2 => Some(Err(Status::cancelled("Timeout expired"))),
            _ => fresh(),
        }),
        ..Script::default()
    };
    let mut service = TestService::start(script).await;
    reserve(&service.client).await.unwrap();
    for _ in 0..4 {
        let Received::Reserve(request) = service.next().await else { panic!("another request") };
        assert_eq!(request.get_ref().reservation_id, "job-1");
    }
}

#[tokio::test]
async fn a_call_without_a_response_is_retried() {
    let script = Script { reserve: Box::new(|n| if n == 0 { None } else { fresh() }), ..Script::default() };
    let mut service = TestService::start(script).await;
    let hurried = service.client.with_deadline(Duration::from_millis(300));
    reserve(&hurried).await.unwrap();
    assert!(count(&mut service) >= 2);
}

#[tokio::test]
async fn a_refusal_is_final() {
    for (code, reason) in [
        (Code::Aborted, "QUOTE_EXPIRED"),
        (Code::Aborted, "STALE_ATTEMPT"),
        (Code::ResourceExhausted, "CONCURRENCY_LIMIT"),
        (Code::FailedPrecondition, "INSUFFICIENT_CREDITS"),
    ] {
        let script = Script { reserve: always(move || Err(refusal(code, reason))), ..Script::default() };
        let mut service = TestService::start(script).await;
        let error = reserve(&service.client).await.unwrap_err();
        assert_eq!(error.refusal().map(|r| r.reason_name.as_str()), Some(reason));
        assert_eq!(count(&mut service), 1, "{reason}");
    }
}

#[tokio::test]
async fn a_lost_response_makes_the_final_error_an_unknown_outcome() {
    let script = Script {
        reserve: Box::new(|n| {
            Some(Err(match n {
                0 => refusal(Code::Unavailable, "OUTCOME_UNKNOWN"),
                _ => overloaded(Duration::ZERO),
            }))
        }),
        ..Script::default()
    };
    let mut service = TestService::start(script).await;
    let error = reserve(&service.client).await.unwrap_err();
    assert!(error.is_outcome_unknown(), "{error:?}");
    assert_eq!(count(&mut service), 4);
}

#[tokio::test]
async fn a_delay_beyond_the_budget_ends_the_call() {
    let script =
        Script { reserve: always(|| Err(overloaded(Duration::from_secs(3600)))), ..Script::default() };
    let mut service = TestService::start(script).await;
    let error = reserve(&service.client).await.unwrap_err();
    assert_eq!(error.reason(), Some(ErrorReason::Overloaded));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert_eq!(count(&mut service), 1);
}

#[tokio::test]
async fn a_call_sends_its_deadline_the_api_key_and_the_user_agent() {
    let mut service = TestService::start(Script::default()).await;
    let config = service.config.clone().api_key("cw_live_k1_secret").user_agent("flarecut-worker");
    let client = config.metadata("x-tenant", "flarecut").connect_lazy().unwrap();
    reserve(&client.with_metadata("x-request-id", "r-1").unwrap()).await.unwrap();
    let Received::Reserve(request) = service.next().await else { panic!("another request") };
    let header = |name: &str| request.metadata().get(name).unwrap().to_str().unwrap();
    assert_eq!(header("authorization"), "Bearer cw_live_k1_secret");
    assert!(header("user-agent").starts_with("flarecut-worker"));
    assert_eq!(header("grpc-timeout"), "5000000u");
    assert_eq!((header("x-tenant"), header("x-request-id")), ("flarecut", "r-1"));
}

#[tokio::test]
async fn an_unreachable_server_means_not_executed() {
    // A port that was free a moment ago, without a listener.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let service = TestService::start(Script::default()).await;
    let config = service.config.clone().endpoint(format!("http://{free}"));
    let eager = WalletClient::connect(config.clone()).await.unwrap_err();
    assert!(matches!(eager, Error::Connect(_)), "{eager:?}");
    let lazy = WalletClient::connect_lazy(config).unwrap();
    let error = reserve(&lazy).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_status_without_a_known_reason_is_unexpected() {
    let service = TestService::start(Script::default()).await;
    let error = service.client.get_balance(v1::GetBalanceRequest::new("alice")).await.unwrap_err();
    assert!(matches!(&error, Error::Unexpected(status) if status.code() == Code::Unimplemented), "{error:?}");
}

#[tokio::test]
async fn a_client_without_retries_makes_one_attempt_and_leaves_the_original_alone() {
    let script = Script {
        reserve: Box::new(|n| if n < 2 { Some(Err(overloaded(Duration::ZERO))) } else { fresh() }),
        ..Script::default()
    };
    let mut service = TestService::start(script).await;
    let error = reserve(&service.client.without_retries()).await.unwrap_err();
    assert_eq!(error.reason(), Some(ErrorReason::Overloaded));
    assert_eq!(count(&mut service), 1);
    reserve(&service.client).await.unwrap();
    assert_eq!(count(&mut service), 2);
}

#[tokio::test]
async fn a_response_above_the_size_limit_is_an_error() {
    let service = TestService::start(Script::default()).await;
    let client = service.config.clone().max_response_bytes(8).connect().await.unwrap();
    reserve(&client).await.unwrap_err();
    reserve(&service.client).await.unwrap();
}
