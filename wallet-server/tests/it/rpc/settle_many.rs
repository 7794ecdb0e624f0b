//! SettleMany: the ends of many jobs at once.

use wallet_client::v1::{self, ErrorReason, ReservationState};
use wallet_client::{Code, Error, WalletClient};

use super::reserve_many;
use crate::harness::video;
use crate::shorthand::{credits_of, fail, figures, refused, settle, violations};

async fn outcomes(
    client: &WalletClient,
    requests: impl IntoIterator<Item = v1::SettleRequest>,
) -> Vec<Result<v1::SettleResponse, Error>> {
    let response = client.settle_many(v1::SettleManyRequest::new(requests)).await.unwrap();
    response.results.into_iter().map(|item| item.into_result().unwrap().map_err(Error::from)).collect()
}

fn done(wallet: &str, job: &str) -> v1::SettleRequest {
    settle(wallet, job, v1::Succeeded::as_reserved())
}

each_database! {
    async fn each_job_is_charged_failed_or_refused_alone(server: Server) {
        let client = server.wallet("a", 100).await;
        server.wallet("b", 100).await;
        let jobs = [("a", "j-1"), ("a", "j-2"), ("b", "j-1")];
        reserve_many::outcomes(&client, jobs.map(|(w, j)| v1::ReserveRequest::new(w, j, video("5")))).await;
        let fewer = settle("b", "j-1", v1::Succeeded::usage([("duration_s", "4")]));
        let misspelt = settle("a", "j-2", v1::Succeeded::usage([("duration", "4")]));
        let requests = [done("a", "j-1"), fail("a", "j-2", "OOM"), fewer, done("a", "missing"), done("a", ""), misspelt];
        let mut results = outcomes(&client, requests).await.into_iter();
        let mut next = || results.next().unwrap();
        let mut charged = || {
            let job = next().unwrap().reservation.unwrap();
            (job.state(), figures(&job.charged))
        };
        assert_eq!(charged(), (ReservationState::Settled, "40 credits".into()));
        assert_eq!(charged(), (ReservationState::Failed, "0 credits".into()));
        assert_eq!(charged(), (ReservationState::Settled, "32 credits".into()));
        refused(next(), ErrorReason::ReservationNotFound, Code::NotFound);
        assert_eq!(violations(next()), ["reservation_id: must not be empty"]);
        refused(next(), ErrorReason::IdempotencyMismatch, Code::AlreadyExists);
        assert_eq!((credits_of(&client, "a").await, credits_of(&client, "b").await), ((60, 0, 0), (68, 0, 0)));
    }

    async fn the_first_of_two_ends_in_a_call_wins_and_an_equal_one_is_a_replay(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();
        let requests = || [fail("w", "j", "OOM"), fail("w", "j", "OOM"), done("w", "j")];
        for replayed in [false, true] {
            let mut results = outcomes(&client, requests()).await;
            refused(results.remove(2), ErrorReason::IdempotencyMismatch, Code::AlreadyExists);
            let seen: Vec<bool> = results.into_iter().map(|result| result.unwrap().replayed).collect();
            assert_eq!(seen, [replayed, true]);
        }
    }

    async fn the_path_of_an_unpriced_quantity_begins_at_its_item(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();
        let misspelt = settle("w", "j", v1::Succeeded::usage([("duration", "4")]));
        let alone = violations(client.settle(misspelt.clone()).await);
        assert_eq!(violations(outcomes(&client, [misspelt]).await.remove(0)), alone);
        assert!(alone[0].starts_with("succeeded.usage.quantities"), "{alone:?}");
    }

    async fn a_call_has_1_to_256_items(server: Server) {
        let client = server.wallet("w", 100).await;
        let call = |items| client.settle_many(v1::SettleManyRequest::new(vec![done("w", "j"); items]));
        assert_eq!(violations(call(0).await), ["requests: is required"]);
        assert_eq!(violations(call(257).await), ["requests: has 257 entries, at most 256 are allowed"]);
        assert_eq!(call(256).await.unwrap().results.len(), 256);
    }
}
