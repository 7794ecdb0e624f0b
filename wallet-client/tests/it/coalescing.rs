//! Calls that travel together: each keeps its answer, its deadline, its retries and its error.

use std::task::Poll;
use std::time::Duration;

use tokio::task::JoinSet;
use wallet_client::v1::{self, ErrorReason, ReservationState};
use wallet_client::{Code, Error, WalletClient};

use crate::calls::{overloaded, refusal};
use crate::test_service::{Received, Script, TestService, reserved, soon};

/// The calls that are made at once.
const CALLS: usize = 100;

async fn reserve(client: WalletClient, n: usize) -> (usize, Result<v1::ReserveResponse, Error>) {
    let request = v1::ReserveRequest::new("alice", format!("job-{n}"), v1::Operation::new("video.generate"));
    (n, client.reserve(request).await)
}

/// Makes all calls at once, and returns their results in their order.
async fn together(client: &WalletClient, calls: usize) -> Vec<Result<v1::ReserveResponse, Error>> {
    let mut tasks = JoinSet::new();
    for n in 0..calls {
        tasks.spawn(reserve(client.clone(), n));
    }
    let mut results = soon(tasks.join_all()).await;
    results.sort_by_key(|(n, _)| *n);
    results.into_iter().map(|(_, result)| result).collect()
}

/// The numbers of items of the requests with many, and the ids of all jobs in the order of their arrival.
fn seen(service: &mut TestService) -> (Vec<usize>, Vec<String>) {
    let (mut many, mut jobs) = (Vec::new(), Vec::new());
    while let Ok(received) = service.received.try_recv() {
        match received {
            Received::Many(items) => many.push(items),
            Received::Reserve(request) => jobs.push(request.into_inner().reservation_id),
            other => panic!("another request: {other:?}"),
        }
    }
    (many, jobs)
}

fn ids(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(|n| format!("job-{n}")).collect()
}

/// The n-th reply has the revision n, so that each caller knows its own.
fn numbered(n: usize) -> v1::ReserveResponse {
    let revision = i64::try_from(n).unwrap();
    v1::ReserveResponse { revision, ..reserved(false, ReservationState::Held) }
}

#[tokio::test]
async fn calls_made_at_once_travel_as_one_request_in_their_order() {
    let script = Script { reserve: Box::new(|n| Some(Ok(numbered(n)))), ..Script::default() };
    let mut service = TestService::start(script).await;
    let answers = together(&service.client, CALLS).await;
    let revisions: Vec<i64> = answers.into_iter().map(|answer| answer.unwrap().revision).collect();
    assert_eq!(revisions, (0..100).collect::<Vec<_>>());
    assert_eq!(seen(&mut service), (vec![CALLS], ids(0..CALLS)));
}

#[tokio::test]
async fn a_lone_call_is_a_single_request() {
    let mut service = TestService::start(Script::default()).await;
    together(&service.client, 1).await.remove(0).unwrap();
    assert_eq!(seen(&mut service), (Vec::new(), ids([0])));
}

#[tokio::test]
async fn without_coalescing_every_call_is_a_request() {
    let mut service = TestService::start(Script::default()).await;
    let client = service.config.clone().coalesce(false).connect().await.unwrap();
    together(&client, CALLS).await.into_iter().for_each(|answer| drop(answer.unwrap()));
    let (many, jobs) = seen(&mut service);
    assert_eq!((many, jobs.len()), (Vec::new(), CALLS));
}

#[tokio::test]
async fn more_than_256_calls_are_two_requests() {
    let mut service = TestService::start(Script::default()).await;
    together(&service.client, 300).await.into_iter().for_each(|answer| drop(answer.unwrap()));
    let (mut many, jobs) = seen(&mut service);
    many.sort_unstable();
    assert_eq!((many, jobs.len()), (vec![44, 256], 300));
}

#[tokio::test]
async fn each_call_has_its_own_error_and_its_own_retries() {
    let script = Script {
        reserve: Box::new(|n| {
            Some(match n {
                3 => Err(refusal(Code::FailedPrecondition, "INSUFFICIENT_CREDITS")),
                5 => Err(overloaded(Duration::from_millis(1))),
                _ => Ok(numbered(n)),
            })
        }),
        ..Script::default()
    };
    let mut service = TestService::start(script).await;
    let answers = together(&service.client, 10).await;
    for (n, answer) in answers.into_iter().enumerate() {
        match n {
            3 => assert_eq!(answer.unwrap_err().reason(), Some(ErrorReason::InsufficientCredits)),
            5 => assert_eq!(answer.unwrap().revision, 10, "the retry is the eleventh call"),
            _ => assert_eq!(answer.unwrap().revision, i64::try_from(n).unwrap()),
        }
    }
    assert_eq!(seen(&mut service), (vec![10], ids((0..10).chain([5]))));
}

#[tokio::test]
async fn a_call_that_is_dropped_before_it_is_sent_is_not_sent() {
    let mut service = TestService::start(Script::default()).await;
    let mut dropped = Box::pin(reserve(service.client.clone(), 0));
    let polled = std::future::poll_fn(|cx| Poll::Ready(dropped.as_mut().poll(cx).is_pending()));
    assert!(polled.await);
    drop(dropped);
    soon(reserve(service.client.clone(), 1)).await.1.unwrap();
    assert_eq!(seen(&mut service), (Vec::new(), ids([1])));
}

#[tokio::test]
async fn a_dropped_call_disturbs_no_other_call_of_its_request() {
    let mut service =
        TestService::start(Script { delay: Duration::from_millis(2), ..Script::default() }).await;
    let mut tasks: Vec<_> = (0..4).map(|n| tokio::spawn(reserve(service.client.clone(), n))).collect();
    assert!(matches!(service.next().await, Received::Many(4)));
    tasks.remove(1).abort();
    for task in tasks {
        soon(task).await.unwrap().1.unwrap();
    }
    assert_eq!(seen(&mut service), (Vec::new(), ids(0..4)), "it was sent before");
}

#[tokio::test]
async fn a_short_deadline_passes_without_delay_for_others() {
    let script = Script { reserve: Box::new(|n| (n > 0).then(|| Ok(numbered(n)))), ..Script::default() };
    let service = TestService::start(script).await;
    let hurried = service.client.with_deadline(Duration::from_millis(50)).without_retries();
    let (late, others) = tokio::join!(reserve(hurried, 0), together(&service.client, 10));
    assert!(late.1.unwrap_err().is_outcome_unknown());
    others.into_iter().for_each(|answer| drop(answer.unwrap()));
}

#[tokio::test]
async fn a_call_with_metadata_of_its_own_is_sent_alone() {
    let mut service = TestService::start(Script::default()).await;
    let traced = service.client.with_metadata("x-request-id", "r-1").unwrap();
    together(&traced, 3).await.into_iter().for_each(|answer| drop(answer.unwrap()));
    for _ in 0..3 {
        let Received::Reserve(request) = service.next().await else { panic!("another request") };
        assert_eq!(request.metadata().get("x-request-id").unwrap(), "r-1");
    }
}

#[tokio::test]
async fn a_large_call_is_sent_alone() {
    let mut service = TestService::start(Script::default()).await;
    let large = |n: usize| {
        let request = v1::ReserveRequest::quoted("alice", format!("job-{n}"), "q".repeat(17 * 1024));
        let client = service.client.clone();
        async move { client.reserve(request).await }
    };
    let (one, other) = tokio::join!(large(0), large(1));
    one.and(other).unwrap();
    assert_eq!(seen(&mut service).0, Vec::<usize>::new());
}

#[tokio::test]
async fn heartbeats_and_settles_travel_together_too() {
    let mut service = TestService::start(Script::default()).await;
    let mut tasks = JoinSet::new();
    for n in 0..3 {
        let client = service.client.clone();
        tasks.spawn(async move {
            let job = format!("job-{n}");
            let settle = v1::SettleRequest::succeeded("alice", &job, v1::Succeeded::as_reserved());
            let (extended, settled) =
                tokio::join!(client.extend(v1::ExtendRequest::new("alice", &job)), client.settle(settle));
            extended.unwrap();
            settled.unwrap();
        });
    }
    soon(tasks.join_all()).await;
    let received: Vec<Received> = std::iter::from_fn(|| service.received.try_recv().ok()).collect();
    let many = received.iter().filter(|received| matches!(received, Received::Many(3)));
    assert_eq!((many.count(), received.len()), (2, 8));
}
