//! Extend: the heartbeat of a running job.

use wallet_client::Code;
use wallet_client::v1::{self, ErrorReason, ReservationState};

use crate::harness::video;
use crate::shorthand::{by, cancel, facts, kinds, later, refused, reservation, seconds, start};

fn beat(job: &str) -> v1::ExtendRequest {
    v1::ExtendRequest { wallet_id: "w".into(), reservation_id: job.into(), ..Default::default() }
}

fn leased(job: &str, lease: i64) -> v1::ExtendRequest {
    v1::ExtendRequest { lease: Some(seconds(lease)), ..beat(job) }
}

/// A Reserve that starts the job with a lease of this many seconds.
fn running(id: &str, lease: i64) -> v1::ReserveRequest {
    let start = v1::StartOptions { lease: Some(seconds(lease)), ..by("gpu-1", 1) };
    v1::ReserveRequest::new("w", id, video("5")).with_start(start)
}

each_database! {
    async fn the_deadline_moves_by_the_lease_and_no_entry_is_written(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(running("j", 45)).await.unwrap();
        let entered = kinds(&client, "w").await;
        let extended = client.extend(beat("j")).await.unwrap();
        assert_eq!(extended.state(), ReservationState::Processing);
        assert_eq!(
            (extended.remaining, extended.deadline),
            (Some(seconds(45)), later(extended.decide_time, 45))
        );
        assert_eq!((extended.revision, extended.version), (3, 4), "a write, and no entry");
        assert_eq!(kinds(&client, "w").await, entered);
        assert_eq!(reservation(&client, "w", "j").await.deadline, extended.deadline);

        let longer = client.extend(leased("j", 300)).await.unwrap();
        assert_eq!(longer.deadline, later(longer.decide_time, 300));
    }

    async fn a_deadline_never_moves_back(server: Server) {
        let client = server.wallet("w", 100).await;
        let held = client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap().reservation.unwrap();
        let extended = client.extend(beat("j")).await.unwrap();
        assert_eq!(
            (extended.state(), extended.deadline),
            (ReservationState::Held, held.deadline),
            "30 min, not 60 s"
        );
        assert_eq!((extended.revision, extended.version), (3, 3), "nothing to write");
    }

    async fn without_any_lease_a_heartbeat_gives_a_minute(server: Server) {
        let client = server.wallet("w", 100).await;
        client
            .reserve(v1::ReserveRequest { ttl: Some(seconds(20)), ..v1::ReserveRequest::new("w", "j", video("5")) })
            .await
            .unwrap();
        let extended = client.extend(beat("j")).await.unwrap();
        assert_eq!(extended.remaining, Some(seconds(60)));
    }

    async fn no_hold_lives_longer_than_a_day_after_reserve(server: Server) {
        let client = server.wallet("w", 100).await;
        let held = client.reserve(running("j", 60)).await.unwrap().reservation.unwrap();
        let extended = client.extend(leased("j", 86_400)).await.unwrap();
        assert_eq!(extended.deadline, later(held.reserve_time, 86_400));
    }

    async fn a_finished_job_is_shown_as_it_is_so_that_the_worker_stops(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(running("j", 60)).await.unwrap();
        client.cancel(cancel("w", "j", v1::CancelReason::User)).await.unwrap();
        let stopped = client.extend(v1::ExtendRequest { attempt: 1, ..beat("j") }).await.unwrap();
        assert_eq!(stopped.state(), ReservationState::Cancelled);
        assert_eq!((stopped.remaining, stopped.deadline), (Some(seconds(0)), None));
        assert_eq!((stopped.revision, stopped.version), (4, 4));
    }

    async fn an_expired_hold_is_shown_as_expired(server: Server) {
        let client = server.wallet("w", 100).await;
        crate::shorthand::expired_hold(&client, "w", "j").await;
        let stopped = client.extend(beat("j")).await.unwrap();
        assert_eq!((stopped.state(), stopped.revision), (ReservationState::Expired, 4));
    }

    async fn a_stale_attempt_moves_nothing(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(running("j", 60)).await.unwrap();
        let taken = client.start(start("w", "j", "gpu-2", 2)).await.unwrap().reservation.unwrap();
        let stale = client.extend(v1::ExtendRequest { attempt: 1, ..leased("j", 9_000) }).await;
        let refusal = refused(stale, ErrorReason::StaleAttempt, Code::Aborted);
        assert_eq!(facts(&refusal), "attempt=2 revision=4 version=4 wallet_id=w worker=gpu-2");
        assert_eq!(reservation(&client, "w", "j").await, taken);
        client.extend(v1::ExtendRequest { attempt: 2, ..beat("j") }).await.unwrap();
    }

    async fn a_missing_reservation_cannot_be_extended(server: Server) {
        let client = server.wallet("w", 100).await;
        let refusal =
            refused(client.extend(beat("j")).await, ErrorReason::ReservationNotFound, Code::NotFound);
        assert_eq!(facts(&refusal), "revision=2 version=2 wallet_id=w");
        let nobody = v1::ExtendRequest { wallet_id: "nobody".into(), ..beat("j") };
        refused(client.extend(nobody).await, ErrorReason::WalletNotFound, Code::NotFound);
    }
}
