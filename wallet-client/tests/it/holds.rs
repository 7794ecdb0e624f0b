//! The life of a hold: how it begins, how it is kept alive, how it is told to stop.

use std::time::Duration;

use wallet_client::v1::{ReservationState, ReserveRequest, settle_request::Outcome, succeeded::Cost};
use wallet_client::{Code, Hold, Status, Stopped, Worker, job, operation, usage};

use crate::calls::refusal;
use crate::scripted::{Asked, Reply, Script, Wallet, always, ended, goes_on, reserved, soon, started};

fn video() -> ReserveRequest {
    job("alice", "job-1", operation("video.generate"))
}

/// Beats every few milliseconds; the server's word decides how long the lease lasts.
fn quick() -> Worker {
    Worker::new("gpu-1").lease(Duration::from_millis(15))
}

fn extends(
    reply: impl Fn(usize) -> Result<wallet_client::v1::ExtendResponse, Status> + Send + Sync + 'static,
) -> Script {
    let extend: Reply<_> = Box::new(move |n| Some(reply(n)));
    Script { extend, ..Script::default() }
}

async fn stopped(script: Script) -> Stopped {
    let wallet = Wallet::playing(script).await;
    let hold = wallet.client.hold(video(), quick()).await.unwrap();
    soon(hold.cancelled()).await;
    hold.stopped_because().unwrap().clone()
}

#[tokio::test]
async fn a_new_job_is_reserved_and_started_in_one_round_trip() {
    let mut wallet = Wallet::playing(Script::default()).await;
    let hold = wallet.client.hold(video(), "gpu-1").await.unwrap();
    let Asked::Reserve(request) = wallet.next().await else { panic!("something else was asked") };
    let start = request.into_inner().start.unwrap();
    assert_eq!((start.worker.as_str(), start.attempt), ("gpu-1", 1));
    assert_eq!(start.lease.unwrap().seconds, 60);
    hold.settle_as_reserved().await.unwrap();
    assert!(matches!(wallet.next().await, Asked::Settle(_)));
}

#[tokio::test]
async fn a_job_seen_before_is_started_explicitly_and_heartbeats_at_once() {
    for state in [ReservationState::Held, ReservationState::Processing] {
        let script = Script {
            reserve: always(move || Ok(reserved(true, state))),
            start: always(|| Ok(started(true))),
            ..Script::default()
        };
        let mut wallet = Wallet::playing(script).await;
        let worker = Worker::new("gpu-1").attempt(2).lease(Duration::from_secs(3600));
        let _hold = wallet.client.hold(video(), worker).await.unwrap();
        assert!(matches!(wallet.next().await, Asked::Reserve(_)));
        let Asked::Start(request) = wallet.next().await else { panic!("something else was asked") };
        assert_eq!(request.start.unwrap().attempt, 2);
        // The lease is an hour: a heartbeat now means that nobody waited for a third of it.
        assert!(matches!(wallet.next().await, Asked::Extend(_)));
    }
}

#[tokio::test]
async fn a_job_in_other_hands_is_not_held() {
    let script = Script {
        reserve: always(|| Ok(reserved(true, ReservationState::Processing))),
        start: always(|| Err(refusal(Code::Aborted, "STALE_ATTEMPT"))),
        ..Script::default()
    };
    let wallet = Wallet::playing(script).await;
    let error = wallet.client.hold(video(), "gpu-1").await.unwrap_err();
    assert_eq!(error.refusal().map(|r| r.reason_name.as_str()), Some("STALE_ATTEMPT"));
}

#[tokio::test]
async fn a_job_reserved_by_a_back_end_is_taken_up_by_its_id() {
    let mut wallet = Wallet::playing(Script::default()).await;
    let hold = wallet.client.hold_existing("alice", "job-1", "gpu-1").await.unwrap();
    assert!(matches!(wallet.next().await, Asked::Start(_)));
    assert_eq!(hold.reservation().worker, "gpu-1");
}

#[tokio::test]
async fn the_heartbeat_goes_on_and_is_fenced_by_the_attempt() {
    let mut wallet = Wallet::playing(Script::default()).await;
    let hold = wallet.client.hold(video(), quick()).await.unwrap();
    wallet.next().await;
    for _ in 0..3 {
        let Asked::Extend(request) = wallet.next().await else { panic!("something else was asked") };
        assert_eq!((request.reservation_id.as_str(), request.attempt), ("job-1", 1));
        assert_eq!(request.lease.unwrap().nanos, 15_000_000);
    }
    assert!(hold.stopped_because().is_none());
}

#[tokio::test]
async fn a_cancelled_job_is_told_to_stop() {
    let why = stopped(extends(|n| {
        Ok(if n < 2 { goes_on(Duration::from_secs(60)) } else { ended(ReservationState::Cancelled) })
    }))
    .await;
    assert!(matches!(why, Stopped::Ended(ReservationState::Cancelled)), "{why:?}");
}

#[tokio::test]
async fn a_job_taken_over_is_told_to_stop() {
    let why = stopped(extends(|_| Err(refusal(Code::Aborted, "STALE_ATTEMPT")))).await;
    assert!(matches!(why, Stopped::TakenOver), "{why:?}");
}

#[tokio::test]
async fn a_job_that_the_server_does_not_know_is_told_to_stop() {
    let why = stopped(extends(|_| Err(refusal(Code::NotFound, "RESERVATION_NOT_FOUND")))).await;
    assert!(matches!(why, Stopped::Refused(_)), "{why:?}");
}

#[tokio::test]
async fn trouble_does_not_stop_a_job_before_its_lease_has_run_out() {
    let script = extends(|n| match n {
        0..20 if n % 2 == 0 => Err(refusal(Code::Unavailable, "OVERLOADED")),
        0..20 => Err(Status::internal("a fault")),
        _ => Ok(ended(ReservationState::Settled)),
    });
    let why = stopped(script).await;
    assert!(matches!(why, Stopped::Ended(ReservationState::Settled)), "{why:?}");
}

#[tokio::test]
async fn a_job_whose_lease_ran_out_unheard_is_told_to_stop() {
    let why = stopped(extends(|n| match n {
        0 => Ok(goes_on(Duration::from_millis(50))),
        _ => Err(refusal(Code::Unavailable, "OVERLOADED")),
    }))
    .await;
    assert!(matches!(why, Stopped::Lapsed), "{why:?}");
    let silence = Script {
        extend: Box::new(|n| (n == 0).then(|| Ok(goes_on(Duration::from_millis(50))))),
        ..Script::default()
    };
    let why = stopped(silence).await;
    assert!(matches!(why, Stopped::Lapsed), "{why:?}");
}

#[tokio::test]
async fn the_end_of_a_job_is_told_with_its_usage_or_its_failure() {
    let mut wallet = Wallet::playing(Script::default()).await;
    let begin = async || wallet.client.hold(video(), "gpu-1").await.unwrap();
    let three_of_four: Hold = begin().await;
    three_of_four.settle(usage([("count", "3")])).await.unwrap();
    begin().await.fail("CUDA_OOM", "out of memory").await.unwrap();

    let mut outcomes = Vec::new();
    while outcomes.len() < 2 {
        if let Asked::Settle(request) = wallet.next().await {
            assert_eq!((request.reservation_id.as_str(), request.attempt), ("job-1", 1));
            outcomes.push(request.outcome.unwrap());
        }
    }
    let Outcome::Succeeded(succeeded) = &outcomes[0] else { panic!("not a success") };
    assert!(matches!(&succeeded.cost, Some(Cost::Usage(usage)) if usage.quantities["count"] == "3"));
    assert!(matches!(&outcomes[1], Outcome::Failed(failure) if failure.code == "CUDA_OOM"));
}

#[tokio::test]
async fn the_heartbeat_goes_on_while_settling_is_tried_again() {
    let script = Script {
        settle: Box::new(|n| if n == 0 { None } else { Script::default().settle.as_ref()(n) }),
        ..Script::default()
    };
    let mut wallet = Wallet::playing(script).await;
    let hold = wallet.client.hold(video(), quick()).await.unwrap();
    let settling = tokio::spawn(async move { hold.settle_as_reserved().await });
    while !matches!(wallet.next().await, Asked::Settle(_)) {}
    for _ in 0..3 {
        assert!(matches!(wallet.next().await, Asked::Extend(_)));
    }
    settling.abort();
}

#[tokio::test]
async fn a_dropped_hold_sends_nothing_more_and_stops_whoever_runs_it() {
    let script = Script { start: starts_the_clock(), ..Script::default() };
    let mut wallet = Wallet::playing(script).await;
    let hold = wallet.client.hold(video(), quick()).await.unwrap();
    wallet.next().await;
    assert!(matches!(wallet.next().await, Asked::Extend(_)));
    let token = hold.cancellation();
    drop(hold);
    soon(token.cancelled()).await;

    // The heartbeats of another hold tell the time. Of the dropped one's, one may have been on its way.
    let _clock = wallet.client.hold_existing("alice", "clock", quick()).await.unwrap();
    let (mut ticks, mut late) = (0, 0);
    while ticks < 10 {
        match wallet.next().await {
            Asked::Extend(request) if request.reservation_id == "clock" => ticks += 1,
            Asked::Extend(_) => late += 1,
            Asked::Start(_) => {}
            other => panic!("a dropped hold sent {other:?}"),
        }
    }
    assert!(late <= 1, "{late} heartbeats of a dropped hold");
}

#[tokio::test]
async fn a_refused_settle_leaves_the_hold_alive_and_a_better_one_ends_it() {
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
        start: starts_the_clock(),
        ..Script::default()
    };
    let mut wallet = Wallet::playing(script).await;
    let hold = wallet.client.hold(video(), quick()).await.unwrap();
    let refused = hold.settle(usage([("duration_s", "500")])).await.unwrap_err();
    assert_eq!(refused.refusal().unwrap().reason_name, "INSUFFICIENT_CREDITS");
    assert!(hold.stopped_because().is_none(), "the hold stays open");
    while !matches!(wallet.next().await, Asked::Settle(_)) {}
    for _ in 0..3 {
        assert!(matches!(wallet.next().await, Asked::Extend(_)));
    }
    hold.settle(usage([("duration_s", "5")])).await.unwrap();
    assert!(matches!(hold.stopped_because(), Some(Stopped::Ended(ReservationState::Settled))));
    soon(hold.cancelled()).await;
    heartbeats_have_ended(&mut wallet).await;
}

#[tokio::test]
async fn a_job_that_others_finished_gets_no_more_heartbeats_once_a_settle_says_so() {
    for (reason, state) in [
        ("RESERVATION_SETTLED", ReservationState::Settled),
        ("RESERVATION_FAILED", ReservationState::Failed),
        ("RESERVATION_CANCELLED", ReservationState::Cancelled),
    ] {
        let script = Script {
            settle: always(move || Err(refusal(Code::FailedPrecondition, reason))),
            start: starts_the_clock(),
            ..Script::default()
        };
        let mut wallet = Wallet::playing(script).await;
        let hold = wallet.client.hold(video(), quick()).await.unwrap();
        hold.settle_as_reserved().await.unwrap_err();
        assert!(matches!(hold.stopped_because(), Some(Stopped::Ended(ended)) if *ended == state));
        heartbeats_have_ended(&mut wallet).await;
    }
}

/// Whatever is started is the job `clock`.
fn starts_the_clock() -> Reply<wallet_client::v1::StartResponse> {
    always(|| {
        let mut answer = started(false);
        answer.reservation.as_mut().unwrap().reservation_id = "clock".into();
        Ok(answer)
    })
}

/// Waits until the hold of `job-1` is silent, by the heartbeats of another one.
async fn heartbeats_have_ended(wallet: &mut Wallet) {
    let _clock = wallet.client.hold_existing("alice", "clock", quick()).await.unwrap();
    while !matches!(wallet.next().await, Asked::Start(_)) {}
    let mut late = 0;
    for _ in 0..10 {
        match wallet.next().await {
            Asked::Extend(request) if request.reservation_id == "job-1" => late += 1,
            Asked::Extend(_) => {}
            other => panic!("a finished hold sent {other:?}"),
        }
    }
    assert!(late <= 1, "{late} heartbeats of a finished hold");
}

#[tokio::test]
async fn the_lease_counts_from_the_request_and_not_from_a_late_answer() {
    // The server decides at once and its answer takes 300 ms; the lease that it grants has 200 ms.
    let script = Script {
        late: Duration::from_millis(300),
        extend: Box::new(|n| Some(Ok(goes_on(Duration::from_millis(if n == 0 { 200 } else { 60_000 }))))),
        ..Script::default()
    };
    let wallet = Wallet::playing(script).await;
    let hold = wallet.client.hold_existing("alice", "job-1", quick()).await.unwrap();
    soon(hold.cancelled()).await;
    assert!(matches!(hold.stopped_because(), Some(Stopped::Lapsed)));
}
