//! Start: the worker of a job, and its deadline.

use wallet_client::Code;
use wallet_client::v1::{self, EntryKind, ErrorReason, ReservationState};

use crate::harness::video;
use crate::shorthand::{
    by, cancel, credits_of, entries, facts, figures, later, refused, reservation, seconds, start,
};

fn leased(request: v1::StartRequest, lease: i64) -> v1::StartRequest {
    let options = v1::StartOptions { lease: Some(seconds(lease)), ..request.start.unwrap() };
    v1::StartRequest { start: Some(options), ..request }
}

each_database! {
    async fn a_worker_takes_the_job_and_the_deadline_follows_its_lease(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();
        let started = client.start(leased(start("w", "j", "gpu-1", 0), 60)).await.unwrap();
        assert_eq!((started.replayed, started.revision, started.version), (false, 4, 4));
        let running = started.reservation.unwrap();
        assert_eq!(running.state(), ReservationState::Processing);
        assert_eq!((running.worker.as_str(), running.attempt), ("gpu-1", 1));
        assert_eq!((running.lease, running.start_time), (Some(seconds(60)), started.decide_time));
        assert_eq!(running.deadline, later(started.decide_time, 60), "sooner than the ttl");
        assert_eq!(figures(&running.cancel_fee_now), "20 credits");
        let entry = entries(&client, "w").await.pop().unwrap();
        assert_eq!((entry.kind(), entry.postings.len()), (EntryKind::Started, 0));
        assert_eq!(credits_of(&client, "w").await, (60, 40, 0));
    }

    async fn the_lease_is_the_price_rules_unless_the_worker_sets_one(server: Server) {
        let client = server.wallet("w", 200).await;
        let cinema =
            || v1::Operation::new("video.generate").attribute("model", "cinema").attribute("resolution", "720p");
        for id in ["rule", "worker", "none"] {
            client.reserve(v1::ReserveRequest::new("w", id, cinema().quantity("duration_s", "1"))).await.unwrap();
        }
        let of = |started: v1::StartResponse| {
            let running = started.reservation.unwrap();
            (running.lease.map(|lease| lease.seconds), running.deadline.unwrap())
        };
        let rule = client.start(start("w", "rule", "gpu", 1)).await.unwrap();
        let at = rule.decide_time;
        let (lease, deadline) = of(rule);
        assert_eq!((lease, Some(deadline)), (Some(300), later(at, 300)));
        let (lease, _) = of(client.start(leased(start("w", "worker", "gpu", 1), 20)).await.unwrap());
        assert_eq!(lease, Some(20));
        let none = client.start(leased(start("w", "none", "gpu", 1), 0)).await.unwrap();
        let at = none.decide_time;
        let (lease, deadline) = of(none);
        assert_eq!((lease, Some(deadline)), (None, later(at, 1_800)), "no heartbeat: the ttl begins again");
    }

    async fn a_repeated_start_changes_nothing_even_after_heartbeats(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();
        let first = client.start(leased(start("w", "j", "gpu-1", 1), 60)).await.unwrap();
        let again = client.start(leased(start("w", "j", "gpu-1", 1), 90)).await.unwrap();
        assert!(again.replayed && !first.replayed);
        assert_eq!((again.reservation, again.revision), (first.reservation.clone(), 4));

        let beat =
            v1::ExtendRequest { wallet_id: "w".into(), reservation_id: "j".into(), ..Default::default() };
        let beat = client.extend(beat).await.unwrap();
        let moved = client.start(start("w", "j", "gpu-1", 1)).await.unwrap();
        assert!(moved.replayed);
        let expected = v1::Reservation { deadline: beat.deadline, ..first.reservation.unwrap() };
        assert_eq!((moved.reservation, moved.revision), (Some(expected), 4));
    }

    async fn a_higher_attempt_takes_the_job_over_and_a_lower_one_learns_its_worker(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();
        let first = client.start(leased(start("w", "j", "gpu-1", 1), 60)).await.unwrap().reservation.unwrap();
        let taken = client.start(leased(start("w", "j", "gpu-2", 3), 10)).await.unwrap();
        assert!(!taken.replayed);
        let running = taken.reservation.unwrap();
        assert_eq!((running.worker.as_str(), running.attempt), ("gpu-2", 3));
        assert_eq!((running.start_time, running.deadline), (first.start_time, later(taken.decide_time, 10)));
        for late in [start("w", "j", "gpu-1", 1), start("w", "j", "gpu-1", 3), start("w", "j", "gpu-2", 2)] {
            let refusal = refused(client.start(late).await, ErrorReason::StaleAttempt, Code::Aborted);
            assert_eq!(facts(&refusal), "attempt=3 revision=5 version=5 wallet_id=w worker=gpu-2");
        }
        assert_eq!(reservation(&client, "w", "j").await, running);
    }

    async fn a_finished_or_missing_job_does_not_start(server: Server) {
        let client = server.wallet("w", 100).await;
        client
            .reserve(v1::ReserveRequest::new("w", "j", video("5")).with_start(by("gpu", 1)))
            .await
            .unwrap();
        client.cancel(cancel("w", "j", v1::CancelReason::Platform)).await.unwrap();
        let refusal = client.start(start("w", "j", "gpu", 1)).await;
        let refusal = refused(refusal, ErrorReason::ReservationCancelled, Code::FailedPrecondition);
        assert_eq!(facts(&refusal), "revision=4 state=CANCELLED version=4 wallet_id=w");
        let missing = client.start(start("w", "k", "gpu", 1)).await;
        let refusal = refused(missing, ErrorReason::ReservationNotFound, Code::NotFound);
        assert_eq!(facts(&refusal), "revision=4 version=4 wallet_id=w");
        refused(
            client.start(start("nobody", "j", "gpu", 1)).await,
            ErrorReason::WalletNotFound,
            Code::NotFound,
        );
    }

    async fn an_expired_hold_does_not_start(server: Server) {
        let client = server.wallet("w", 100).await;
        crate::shorthand::expired_hold(&client, "w", "j").await;
        let refusal = client.start(start("w", "j", "gpu", 1)).await;
        let refusal = refused(refusal, ErrorReason::ReservationExpired, Code::FailedPrecondition);
        assert_eq!(facts(&refusal), "revision=4 state=EXPIRED version=4 wallet_id=w");
    }
}
