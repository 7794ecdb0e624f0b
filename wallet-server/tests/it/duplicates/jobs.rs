//! Duplicates of Reserve, Start, Extend, Settle and Cancel.

use std::collections::BTreeSet;

use wallet_client::WalletClient;
use wallet_client::v1::{self, EntryKind, ErrorReason, ReservationState, settle_request::Outcome};

use super::{FRESH, at_once, available, entries_after, mismatch, one_effect};
use crate::harness::{Server, video};

/// Creates the wallet `w` with 100 credits and the job `j` that holds 40 of them.
async fn reserved(servers: &[Server]) -> WalletClient {
    let client = servers[0].wallet("w", 100).await;
    client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();
    client
}

fn start(worker: &str) -> v1::StartRequest {
    let start = v1::StartOptions { worker: worker.into(), ..Default::default() };
    v1::StartRequest { wallet_id: "w".into(), reservation_id: "j".into(), start: Some(start) }
}

fn settle(outcome: Outcome) -> v1::SettleRequest {
    let outcome = Some(outcome);
    v1::SettleRequest { wallet_id: "w".into(), reservation_id: "j".into(), outcome, ..Default::default() }
}

fn delivered(seconds: &str) -> v1::SettleRequest {
    settle(Outcome::Succeeded(v1::Succeeded::usage([("duration_s", seconds)])))
}

fn failed(code: &str) -> v1::SettleRequest {
    settle(Outcome::Failed(v1::Failure { code: code.into(), message: "out of memory".into() }))
}

fn cancel(reason: v1::CancelReason) -> v1::CancelRequest {
    let reason = reason.into();
    v1::CancelRequest { wallet_id: "w".into(), reservation_id: "j".into(), reason, ..Default::default() }
}

each_fleet! {
    async fn of_equal_reserves_one_holds_credits(servers: Vec<Server>) {
        let client = servers[0].wallet("w", 100).await;
        let answers = at_once(&servers, |client, _| async move {
            client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await
        })
        .await;
        let held = one_effect(answers.into_iter().map(|a| (a.reservation.unwrap(), a.replayed)).collect());
        assert_eq!((held.state(), held.amounts[0].amount), (ReservationState::Held, 40));
        assert_eq!(available(&client).await, 60);

        let with_actor = v1::ReserveRequest::new("w", "j", video("5")).with_actor("ann");
        assert_eq!(mismatch(client.reserve(with_actor).await), ["actor"]);
        assert_eq!(mismatch(client.reserve(v1::ReserveRequest::new("w", "j", video("6"))).await), ["operation"]);
        assert_eq!(entries_after(&client, FRESH).await, [EntryKind::Reserved]);
        assert!(servers[0].verify().await.is_clean());
    }

    async fn of_equal_starts_one_starts_the_job(servers: Vec<Server>) {
        let client = reserved(&servers).await;
        let answers = at_once(&servers, |client, _| async move { client.start(start("gpu-1")).await }).await;
        let started = one_effect(answers.into_iter().map(|a| (a.reservation.unwrap(), a.replayed)).collect());
        assert_eq!((started.state(), started.attempt), (ReservationState::Processing, 1));

        // Another worker with the same attempt is not a mismatch: its attempt is stale.
        let error = client.start(start("gpu-2")).await.unwrap_err();
        assert_eq!(error.reason(), Some(ErrorReason::StaleAttempt));
        assert_eq!(entries_after(&client, FRESH).await, [EntryKind::Reserved, EntryKind::Started]);
        assert!(servers[0].verify().await.is_clean());
    }

    async fn equal_extends_move_the_deadline_and_leave_no_entry(servers: Vec<Server>) {
        let client = reserved(&servers).await;
        client.start(start("gpu-1")).await.unwrap();
        let lease = Some(prost_types::Duration { seconds: 3600, nanos: 0 });
        let answers = at_once(&servers, move |client, _| async move {
            let (wallet_id, reservation_id) = ("w".to_owned(), "j".to_owned());
            client.extend(v1::ExtendRequest { wallet_id, reservation_id, attempt: 1, lease }).await
        })
        .await;
        // Answers decided at one instant agree, and the deadline is that of the latest instant.
        let seconds = |answer: &v1::ExtendResponse| answer.remaining.unwrap().seconds;
        assert!(answers.iter().all(|answer| answer.state() == ReservationState::Processing));
        assert!(answers.iter().all(|answer| seconds(answer) == 3600 && answer.revision == FRESH + 2));
        let deadlines: BTreeSet<(i64, i32)> =
            answers.iter().map(|a| a.deadline.unwrap()).map(|at| (at.seconds, at.nanos)).collect();
        let request = v1::GetReservationRequest { wallet_id: "w".into(), reservation_id: "j".into() };
        let deadline = client.get_reservation(request).await.unwrap().reservation.unwrap().deadline.unwrap();
        assert_eq!(deadlines.last(), Some(&(deadline.seconds, deadline.nanos)));
        assert_eq!(entries_after(&client, FRESH).await, [EntryKind::Reserved, EntryKind::Started]);
        assert!(servers[0].verify().await.is_clean());
    }

    async fn of_equal_settles_one_charges(servers: Vec<Server>) {
        let client = reserved(&servers).await;
        let answers = at_once(&servers, |client, _| async move { client.settle(delivered("4")).await }).await;
        let settled = one_effect(answers.into_iter().map(|a| (a.reservation.unwrap(), a.replayed)).collect());
        assert_eq!((settled.state(), settled.charged[0].amount), (ReservationState::Settled, 32));
        assert_eq!(available(&client).await, 68);

        assert_eq!(mismatch(client.settle(delivered("5")).await), ["usage"]);
        assert_eq!(mismatch(client.settle(failed("OOM")).await), ["code", "outcome", "usage"]);
        assert_eq!(entries_after(&client, FRESH).await, [EntryKind::Reserved, EntryKind::Settled]);
        assert!(servers[0].verify().await.is_clean());
    }

    async fn of_equal_failures_one_gives_the_credits_back(servers: Vec<Server>) {
        let client = reserved(&servers).await;
        let answers = at_once(&servers, |client, _| async move { client.settle(failed("OOM")).await }).await;
        let ended = one_effect(answers.into_iter().map(|a| (a.reservation.unwrap(), a.replayed)).collect());
        assert_eq!((ended.state(), ended.returned[0].amount), (ReservationState::Failed, 40));
        assert_eq!(available(&client).await, 100);

        assert_eq!(mismatch(client.settle(failed("TIMEOUT")).await), ["code"]);
        assert_eq!(entries_after(&client, FRESH).await, [EntryKind::Reserved, EntryKind::Failed]);
        assert!(servers[0].verify().await.is_clean());
    }

    async fn of_equal_cancels_one_takes_the_fee(servers: Vec<Server>) {
        let client = reserved(&servers).await;
        client.start(start("gpu-1")).await.unwrap();
        let answers = at_once(&servers, |client, _| async move {
            client.cancel(cancel(v1::CancelReason::User)).await
        })
        .await;
        let ended = one_effect(answers.into_iter().map(|a| (a.reservation.unwrap(), a.replayed)).collect());
        assert_eq!((ended.state(), ended.fees[0].amount), (ReservationState::Cancelled, 20));
        assert_eq!(available(&client).await, 80);

        assert_eq!(mismatch(client.cancel(cancel(v1::CancelReason::Platform)).await), ["reason"]);
        let entries = [EntryKind::Reserved, EntryKind::Started, EntryKind::Cancelled];
        assert_eq!(entries_after(&client, FRESH).await, entries);
        assert!(servers[0].verify().await.is_clean());
    }
}
