//! One call: what is sent along, what is tried again, how it ends.

use std::collections::HashMap;
use std::time::Duration;

use tonic_types::{ErrorDetails, StatusExt};
use wallet_client::v1::{ErrorReason, GetBalanceRequest, ReservationState, ReserveResponse};
use wallet_client::{Code, Error, Status, WalletClient, job, operation};

use crate::scripted::{Asked, Script, Wallet, always, reserved};

pub(crate) fn refusal(code: Code, reason: &str) -> Status {
    Status::with_error_details(
        code,
        "by script",
        ErrorDetails::with_error_info(reason, "wallet.v1", HashMap::new()),
    )
}

fn overloaded(retry_after: Duration) -> Status {
    let mut details = ErrorDetails::with_error_info("OVERLOADED", "wallet.v1", HashMap::new());
    details.set_retry_info(Some(retry_after));
    Status::with_error_details(Code::Unavailable, "by script", details)
}

fn fresh() -> Option<Result<ReserveResponse, Status>> {
    Some(Ok(reserved(false, ReservationState::Held)))
}

async fn reserve(client: &WalletClient) -> Result<ReserveResponse, Error> {
    client.reserve(job("alice", "job-1", operation("video.generate"))).await
}

/// How often Reserve was called so far.
fn count(wallet: &mut Wallet) -> usize {
    std::iter::from_fn(|| wallet.asked.try_recv().ok()).count()
}

#[tokio::test]
async fn a_call_that_could_not_be_taken_is_made_again_with_the_same_ids() {
    let script = Script {
        reserve: Box::new(|n| match n {
            0 => Some(Err(overloaded(Duration::from_millis(2)))),
            1 => Some(Err(refusal(Code::Unavailable, "STORE_UNAVAILABLE"))),
            2 => Some(Err(Status::cancelled("Timeout expired"))),
            _ => fresh(),
        }),
        ..Script::default()
    };
    let mut wallet = Wallet::playing(script).await;
    reserve(&wallet.client).await.unwrap();
    for _ in 0..4 {
        let Asked::Reserve(request) = wallet.next().await else { panic!("something else was asked") };
        assert_eq!(request.get_ref().reservation_id, "job-1");
    }
}

#[tokio::test]
async fn silence_is_an_unknown_outcome_and_the_call_is_made_again() {
    let script = Script { reserve: Box::new(|n| if n == 0 { None } else { fresh() }), ..Script::default() };
    let mut wallet = Wallet::playing(script).await;
    wallet.config.deadline = Duration::from_millis(300);
    let hasty = WalletClient::connect(wallet.config.clone()).await.unwrap();
    reserve(&hasty).await.unwrap();
    assert!(count(&mut wallet) >= 2);
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
        let mut wallet = Wallet::playing(script).await;
        let error = reserve(&wallet.client).await.unwrap_err();
        assert_eq!(error.refusal().map(|r| r.reason_name.as_str()), Some(reason));
        assert_eq!(count(&mut wallet), 1, "{reason}");
    }
}

#[tokio::test]
async fn giving_up_after_a_lost_answer_says_that_the_outcome_is_unknown() {
    let script = Script {
        reserve: Box::new(|n| {
            Some(Err(match n {
                0 => refusal(Code::Unavailable, "OUTCOME_UNKNOWN"),
                _ => overloaded(Duration::ZERO),
            }))
        }),
        ..Script::default()
    };
    let mut wallet = Wallet::playing(script).await;
    let error = reserve(&wallet.client).await.unwrap_err();
    assert!(error.is_outcome_unknown(), "{error:?}");
    assert_eq!(count(&mut wallet), 4);
}

#[tokio::test]
async fn a_delay_beyond_the_budget_is_not_waited_for() {
    let script =
        Script { reserve: always(|| Err(overloaded(Duration::from_secs(3600)))), ..Script::default() };
    let mut wallet = Wallet::playing(script).await;
    let error = reserve(&wallet.client).await.unwrap_err();
    assert_eq!(error.reason(), Some(ErrorReason::Overloaded));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert_eq!(count(&mut wallet), 1);
}

#[tokio::test]
async fn each_call_carries_its_deadline_the_key_and_who_is_calling() {
    let mut wallet = Wallet::playing(Script::default()).await;
    wallet.config.api_key = Some("cw_live_k1_secret".into());
    wallet.config.user_agent = Some("flarecut-worker".into());
    let client = WalletClient::connect_lazy(wallet.config.clone()).unwrap();
    reserve(&client).await.unwrap();
    let Asked::Reserve(request) = wallet.next().await else { panic!("something else was asked") };
    let header = |name: &str| request.metadata().get(name).unwrap().to_str().unwrap();
    assert_eq!(header("authorization"), "Bearer cw_live_k1_secret");
    assert!(header("user-agent").starts_with("flarecut-worker"));
    assert_eq!(header("grpc-timeout"), "5000000u");
}

#[tokio::test]
async fn nobody_there_means_not_executed() {
    // A port that was free a moment ago, on which nobody listens.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut wallet = Wallet::playing(Script::default()).await;
    wallet.config.endpoint = format!("http://{free}");
    let eager = WalletClient::connect(wallet.config.clone()).await.unwrap_err();
    assert!(matches!(eager, Error::Connect(_)), "{eager:?}");
    let lazy = WalletClient::connect_lazy(wallet.config.clone()).unwrap();
    let error = reserve(&lazy).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn an_answer_that_no_wallet_gives_is_handed_on() {
    let wallet = Wallet::playing(Script::default()).await;
    let error = wallet
        .client
        .get_balance(GetBalanceRequest { wallet_id: "alice".into(), ..Default::default() })
        .await
        .unwrap_err();
    assert!(matches!(&error, Error::Unexpected(status) if status.code() == Code::Unimplemented), "{error:?}");
}
