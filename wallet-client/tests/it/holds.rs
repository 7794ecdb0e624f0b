//! Holds: how they begin, how heartbeats keep them alive, how they stop.

use std::time::Duration;

use wallet_client::v1::{ReservationState, ReserveRequest, settle_request::Outcome, succeeded::Cost};
use wallet_client::{Code, Hold, Status, StopReason, Worker, v1};

use crate::calls::refusal;
use crate::test_service::{
    Received, Reply, Script, TestService, always, ended, extended, reserved, soon, started,
};

fn video() -> ReserveRequest {
    ReserveRequest::new("alice", "job-1", v1::Operation::new("video.generate"))
}

/// Sends a heartbeat every few milliseconds; the replies decide how long the lease lasts.
fn quick() -> Worker {
    Worker::new("gpu-1").lease(Duration::from_millis(15))
}

fn extends(reply: impl Fn(usize) -> Result<v1::ExtendResponse, Status> + Send + Sync + 'static) -> Script {
    let extend: Reply<_> = Box::new(move |n| Some(reply(n)));
    Script { extend, ..Script::default() }
}

async fn stopped(script: Script) -> StopReason {
    let service = TestService::start(script).await;
    let hold = service.client.hold(video(), quick()).await.unwrap();
    soon(hold.cancelled()).await;
    hold.stop_reason().unwrap().clone()
}

#[tokio::test]
async fn a_new_job_is_reserved_and_started_in_one_round_trip() {
    let mut service = TestService::start(Script::default()).await;
    let hold = service.client.hold(video(), "gpu-1").await.unwrap();
    let Received::Reserve(request) = service.next().await else { panic!("another request") };
    let start = request.into_inner().start.unwrap();
    assert_eq!((start.worker.as_str(), start.attempt), ("gpu-1", 1));
    assert_eq!(start.lease.unwrap().seconds, 60);
    hold.settle_as_reserved().await.unwrap();
    assert!(matches!(service.next().await, Received::Settle(_)));
}

#[tokio::test]
async fn a_job_that_this_worker_runs_already_sends_a_heartbeat_at_once() {
    let script =
        Script { reserve: always(|| Ok(reserved(true, ReservationState::Processing))), ..Script::default() };
    let mut service = TestService::start(script).await;
    let worker = Worker::new("gpu-1").attempt(2).lease(Duration::from_secs(3600));
    let _hold = service.client.hold(video(), worker).await.unwrap();
    assert!(matches!(service.next().await, Received::Reserve(_)));
    // The lease is one hour: a heartbeat now did not wait for a third of it.
    assert!(matches!(service.next().await, Received::Extend(_)));
}

#[tokio::test]
async fn a_job_of_another_worker_is_refused() {
    let script =
        Script { reserve: always(|| Err(refusal(Code::Aborted, "STALE_ATTEMPT"))), ..Script::default() };
    let service = TestService::start(script).await;
    let error = service.client.hold(video(), "gpu-1").await.unwrap_err();
    assert_eq!(error.refusal().map(|r| r.reason_name.as_str()), Some("STALE_ATTEMPT"));
}

#[tokio::test]
async fn a_job_that_a_back_end_reserved_is_held_by_its_id() {
    let mut service = TestService::start(Script::default()).await;
    let hold = service.client.hold_existing("alice", "job-1", "gpu-1").await.unwrap();
    let Received::Start(request) = service.next().await else { panic!("another request") };
    assert_eq!((request.reservation_id.as_str(), request.start.unwrap().attempt), ("job-1", 1));
    assert_eq!(hold.reservation().worker, "gpu-1");
}

#[tokio::test]
async fn heartbeats_carry_the_attempt_and_the_lease() {
    let mut service = TestService::start(Script::default()).await;
    let hold = service.client.hold(video(), quick()).await.unwrap();
    service.next().await;
    for _ in 0..3 {
        let Received::Extend(request) = service.next().await else { panic!("another request") };
        assert_eq!((request.reservation_id.as_str(), request.attempt), ("job-1", 1));
        assert_eq!(request.lease.unwrap().nanos, 15_000_000);
    }
    assert!(hold.stop_reason().is_none());
}

#[tokio::test]
async fn a_cancelled_job_stops() {
    let why = stopped(extends(|n| {
        Ok(if n < 2 { extended(Duration::from_secs(60)) } else { ended(ReservationState::Cancelled) })
    }))
    .await;
    assert!(matches!(why, StopReason::Ended(ReservationState::Cancelled)), "{why:?}");
}

#[tokio::test]
async fn a_job_that_was_taken_over_stops() {
    let why = stopped(extends(|_| Err(refusal(Code::Aborted, "STALE_ATTEMPT")))).await;
    assert!(matches!(why, StopReason::TakenOver), "{why:?}");
}

#[tokio::test]
async fn a_job_that_the_server_does_not_know_stops() {
    let why = stopped(extends(|_| Err(refusal(Code::NotFound, "RESERVATION_NOT_FOUND")))).await;
    assert!(matches!(why, StopReason::Refused(_)), "{why:?}");
}

#[tokio::test]
async fn errors_that_may_pass_do_not_stop_a_job_within_its_lease() {
    let script = extends(|n| match n {
        0..20 if n % 2 == 0 => Err(refusal(Code::Unavailable, "OVERLOADED")),
        0..20 => Err(Status::internal("a fault")),
        _ => Ok(ended(ReservationState::Settled)),
    });
    let why = stopped(script).await;
    assert!(matches!(why, StopReason::Ended(ReservationState::Settled)), "{why:?}");
}

#[tokio::test]
async fn a_job_stops_when_its_lease_ends_without_a_heartbeat() {
    let why = stopped(extends(|n| match n {
        0 => Ok(extended(Duration::from_millis(50))),
        _ => Err(refusal(Code::Unavailable, "OVERLOADED")),
    }))
    .await;
    assert!(matches!(why, StopReason::LeaseExpired), "{why:?}");
    let silence = Script {
        extend: Box::new(|n| (n == 0).then(|| Ok(extended(Duration::from_millis(50))))),
        ..Script::default()
    };
    let why = stopped(silence).await;
    assert!(matches!(why, StopReason::LeaseExpired), "{why:?}");
}

#[tokio::test]
async fn settling_sends_the_usage_or_the_failure_with_the_attempt() {
    let mut service = TestService::start(Script::default()).await;
    let begin = async || service.client.hold(video(), "gpu-1").await.unwrap();
    let three_of_four: Hold = begin().await;
    three_of_four.settle(v1::Succeeded::usage([("count", "3")])).await.unwrap();
    begin().await.fail("CUDA_OOM", "out of memory").await.unwrap();

    let mut outcomes = Vec::new();
    while outcomes.len() < 2 {
        if let Received::Settle(request) = service.next().await {
            assert_eq!((request.reservation_id.as_str(), request.attempt), ("job-1", 1));
            outcomes.push(request.outcome.unwrap());
        }
    }
    let Outcome::Succeeded(succeeded) = &outcomes[0] else { panic!("not a success") };
    assert!(matches!(&succeeded.cost, Some(Cost::Usage(usage)) if usage.quantities["count"] == "3"));
    assert!(matches!(&outcomes[1], Outcome::Failed(failure) if failure.code == "CUDA_OOM"));
}

#[tokio::test]
async fn heartbeats_continue_while_settling_is_retried() {
    let script = Script {
        settle: Box::new(|n| if n == 0 { None } else { Script::default().settle.as_ref()(n) }),
        ..Script::default()
    };
    let mut service = TestService::start(script).await;
    let hold = service.client.hold(video(), quick()).await.unwrap();
    let settling = tokio::spawn(async move { hold.settle_as_reserved().await });
    while !matches!(service.next().await, Received::Settle(_)) {}
    for _ in 0..3 {
        assert!(matches!(service.next().await, Received::Extend(_)));
    }
    settling.abort();
}

#[tokio::test]
async fn a_dropped_hold_sends_nothing_more_and_fires_its_token() {
    let script = Script { start: starts_clock_job(), ..Script::default() };
    let mut service = TestService::start(script).await;
    let hold = service.client.hold(video(), quick()).await.unwrap();
    service.next().await;
    assert!(matches!(service.next().await, Received::Extend(_)));
    let token = hold.cancellation();
    drop(hold);
    soon(token.cancelled()).await;

    // The heartbeats of another hold measure the time. One heartbeat of the dropped hold may have been in flight.
    let _clock = service.client.hold_existing("alice", "clock", quick()).await.unwrap();
    let (mut ticks, mut late) = (0, 0);
    while ticks < 10 {
        match service.next().await {
            Received::Extend(request) if request.reservation_id == "clock" => ticks += 1,
            Received::Extend(_) => late += 1,
            Received::Start(_) => {}
            other => panic!("a dropped hold sent {other:?}"),
        }
    }
    assert!(late <= 1, "{late} heartbeats of a dropped hold");
}

#[tokio::test]
async fn a_refused_settle_keeps_the_hold_and_a_corrected_one_ends_it() {
    let script = Script {
        settle: Box::new(|n| match n {
            0 => Some(Err(refusal(Code::FailedPrecondition, "INSUFFICIENT_CREDITS"))),
            _ => Script::default().settle.as_ref()(n).map(|answer| {
                answer.map(|mut done| {
                    done.reservation.as_mut().unwrap().state = ReservationState::Settled.into();
                    done
                })
            }),
        }),
        start: starts_clock_job(),
        ..Script::default()
    };
    let mut service = TestService::start(script).await;
    let hold = service.client.hold(video(), quick()).await.unwrap();
    let refused = hold.settle(v1::Succeeded::usage([("duration_s", "500")])).await.unwrap_err();
    assert_eq!(refused.refusal().unwrap().reason_name, "INSUFFICIENT_CREDITS");
    assert!(hold.stop_reason().is_none(), "the hold stays open");
    while !matches!(service.next().await, Received::Settle(_)) {}
    for _ in 0..3 {
        assert!(matches!(service.next().await, Received::Extend(_)));
    }
    hold.settle(v1::Succeeded::usage([("duration_s", "5")])).await.unwrap();
    assert!(matches!(hold.stop_reason(), Some(StopReason::Ended(ReservationState::Settled))));
    soon(hold.cancelled()).await;
    heartbeats_have_ended(&mut service).await;
}

#[tokio::test]
async fn heartbeats_end_when_a_settle_shows_that_the_job_has_ended() {
    for (reason, state) in [
        ("RESERVATION_SETTLED", ReservationState::Settled),
        ("RESERVATION_FAILED", ReservationState::Failed),
        ("RESERVATION_CANCELLED", ReservationState::Cancelled),
    ] {
        let script = Script {
            settle: always(move || Err(refusal(Code::FailedPrecondition, reason))),
            start: starts_clock_job(),
            ..Script::default()
        };
        let mut service = TestService::start(script).await;
        let hold = service.client.hold(video(), quick()).await.unwrap();
        hold.settle_as_reserved().await.unwrap_err();
        assert!(matches!(hold.stop_reason(), Some(StopReason::Ended(ended)) if *ended == state));
        heartbeats_have_ended(&mut service).await;
    }
}

/// Every Start is answered with the job `clock`.
fn starts_clock_job() -> Reply<v1::StartResponse> {
    always(|| {
        let mut answer = started(false);
        answer.reservation.as_mut().unwrap().reservation_id = "clock".into();
        Ok(answer)
    })
}

/// Asserts that the hold of `job-1` sends no more heartbeats while another one sends ten.
async fn heartbeats_have_ended(service: &mut TestService) {
    let _clock = service.client.hold_existing("alice", "clock", quick()).await.unwrap();
    while !matches!(service.next().await, Received::Start(_)) {}
    let mut late = 0;
    for _ in 0..10 {
        match service.next().await {
            Received::Extend(request) if request.reservation_id == "job-1" => late += 1,
            Received::Extend(_) => {}
            other => panic!("a finished hold sent {other:?}"),
        }
    }
    assert!(late <= 1, "{late} heartbeats of a finished hold");
}

#[tokio::test]
async fn the_lease_counts_from_the_request_and_not_from_the_response() {
    // The server decides at once, its response takes 300 ms, and the lease lasts 200 ms.
    let script = Script {
        delay: Duration::from_millis(300),
        extend: Box::new(|n| Some(Ok(extended(Duration::from_millis(if n == 0 { 200 } else { 60_000 }))))),
        ..Script::default()
    };
    let service = TestService::start(script).await;
    let hold = service.client.hold_existing("alice", "job-1", quick()).await.unwrap();
    soon(hold.cancelled()).await;
    assert!(matches!(hold.stop_reason(), Some(StopReason::LeaseExpired)));
}
