//! ExtendMany: the heartbeats of many jobs at once.

use wallet_client::v1::{self, ErrorReason, ReservationState};
use wallet_client::{Code, Error};

use crate::harness::video;
use crate::shorthand::{by, cancel, later, refused, reservation, seconds, violations};

fn beat(wallet: &str, job: &str) -> v1::ExtendRequest {
    v1::ExtendRequest::new(wallet, job)
}

each_database! {
    async fn each_job_has_its_own_deadline_state_or_error(server: Server) {
        let client = server.wallet("a", 100).await;
        server.wallet("b", 100).await;
        let running = |wallet: &str, job: &str, lease| {
            let start = v1::StartOptions { lease: Some(seconds(lease)), ..by("gpu", 2) };
            client.reserve(v1::ReserveRequest::new(wallet, job, video("5")).with_start(start))
        };
        running("a", "runs", 45).await.unwrap();
        running("b", "runs", 90).await.unwrap();
        running("a", "over", 45).await.unwrap();
        client.cancel(cancel("a", "over", v1::CancelReason::Platform)).await.unwrap();
        let requests = [
            beat("b", "runs"),
            beat("a", "over"),
            beat("a", "missing"),
            beat("a", "runs").with_attempt(1),
            beat("a", ""),
            beat("a", "runs"),
        ];
        let response = client.extend_many(v1::ExtendManyRequest::new(requests)).await.unwrap();
        let mut results =
            response.results.into_iter().map(|item| item.into_result().unwrap().map_err(Error::from));
        let mut next = || results.next().unwrap();
        let of_b = next().unwrap();
        assert_eq!(of_b.deadline, later(of_b.decide_time, 90));
        assert_eq!(next().unwrap().state(), ReservationState::Cancelled);
        refused(next(), ErrorReason::ReservationNotFound, Code::NotFound);
        refused(next(), ErrorReason::StaleAttempt, Code::Aborted);
        assert_eq!(violations(next()), ["reservation_id: must not be empty"]);
        let of_a = next().unwrap();
        assert_eq!(of_a.deadline, later(of_a.decide_time, 45));
        assert_eq!(reservation(&client, "a", "runs").await.deadline, of_a.deadline);
        assert!(results.next().is_none());
    }

    async fn a_call_has_1_to_256_items(server: Server) {
        let client = server.wallet("w", 100).await;
        let call = |items| client.extend_many(v1::ExtendManyRequest::new(vec![beat("w", "j"); items]));
        assert_eq!(violations(call(0).await), ["requests: is required"]);
        assert_eq!(violations(call(257).await), ["requests: has 257 entries, at most 256 are allowed"]);
        assert_eq!(call(256).await.unwrap().results.len(), 256);
    }
}
