//! ReserveMany: each item as if it were a call of its own.

use wallet_client::v1::{self, ErrorReason};
use wallet_client::{Code, Error, WalletClient};

use crate::harness::{credits, video};
use crate::shorthand::{credits_of, explicit, kinds, refused, violations};

/// The most items of a call.
const MOST: usize = 256;

/// Makes the call and returns the outcome of each item.
pub(crate) async fn outcomes(
    client: &WalletClient,
    requests: impl IntoIterator<Item = v1::ReserveRequest>,
) -> Vec<Result<v1::ReserveResponse, Error>> {
    let response = client.reserve_many(v1::ReserveManyRequest::new(requests)).await.unwrap();
    response.results.into_iter().map(|item| item.into_result().unwrap().map_err(Error::from)).collect()
}

fn of_40(wallet: &str, job: &str) -> v1::ReserveRequest {
    v1::ReserveRequest::new(wallet, job, video("5"))
}

fn reserved(outcome: &Result<v1::ReserveResponse, Error>) -> (String, bool) {
    let response = outcome.as_ref().unwrap();
    (response.reservation.as_ref().unwrap().reservation_id.clone(), response.replayed)
}

each_database! {
    async fn each_item_is_answered_in_its_place_as_it_would_be_alone(server: Server) {
        let client = server.wallet("a", 100).await;
        server.wallet("b", 10).await;
        let nameless = v1::ReserveRequest { limits: vec![credits(-1)], ..of_40("a", "") };
        let unpriced = v1::ReserveRequest::new("a", "j", v1::Operation::new("music.generate"));
        let requests = [of_40("a", "j-1"), of_40("b", "j-1"), nameless, unpriced, of_40("nobody", "j"), of_40("a", "j-2")];
        let results = outcomes(&client, requests.clone()).await;
        assert_eq!([reserved(&results[0]), reserved(&results[5])], [("j-1".into(), false), ("j-2".into(), false)]);
        for (n, request) in requests.into_iter().enumerate().skip(1).take(4) {
            let parts = |error: &Error| {
                let refusal = error.refusal().unwrap();
                (refusal.code, refusal.to_string(), refusal.detail.clone())
            };
            let alone = client.reserve(request).await.unwrap_err();
            assert_eq!(parts(results[n].as_ref().unwrap_err()), parts(&alone));
        }
        let fields: Vec<_> = results[2].as_ref().unwrap_err().refusal().unwrap().violations.clone();
        assert_eq!(fields.into_iter().map(|v| v.field).collect::<Vec<_>>(), ["reservation_id", "limits[0].amount"]);
        assert_eq!(credits_of(&client, "a").await, (20, 80, 0));
        assert_eq!(credits_of(&client, "b").await, (10, 0, 0));
    }

    async fn the_items_of_a_wallet_are_executed_in_their_order(server: Server) {
        let client = server.wallet("w", 40 * 30).await;
        let jobs: Vec<String> = (0..40).map(|n| format!("j-{n}")).collect();
        let results = outcomes(&client, jobs.iter().map(|job| of_40("w", job))).await;
        for (n, result) in results.into_iter().enumerate() {
            match n {
                0..30 => assert_eq!(result.unwrap().revision, 3 + i64::try_from(n).unwrap()),
                _ => drop(refused(result, ErrorReason::InsufficientCredits, Code::FailedPrecondition)),
            }
        }
    }

    async fn the_same_job_twice_in_a_call_is_a_replay_or_a_mismatch(server: Server) {
        let client = server.wallet("w", 100).await;
        let other = v1::ReserveRequest::new("w", "j", video("4"));
        let mut results = outcomes(&client, [of_40("w", "j"), of_40("w", "j"), other]).await;
        refused(results.remove(2), ErrorReason::IdempotencyMismatch, Code::AlreadyExists);
        assert_eq!([reserved(&results[0]), reserved(&results[1])], [("j".into(), false), ("j".into(), true)]);
        assert_eq!(kinds(&client, "w").await.len(), 3);
    }

    async fn a_repeated_call_has_the_same_answers_and_no_effect(server: Server) {
        let client = server.wallet("w", 100).await;
        let requests = || ["j-1", "j-2", "j-3"].map(|job| of_40("w", job));
        let first = outcomes(&client, requests()).await;
        let again = outcomes(&client, requests()).await;
        for (first, again) in first.into_iter().zip(again) {
            match (first, again) {
                (Ok(first), Ok(again)) => {
                    assert!(!first.replayed && again.replayed);
                    assert_eq!(first.reservation, again.reservation);
                }
                (first, again) => {
                    assert_eq!(first.unwrap_err().reason(), again.unwrap_err().reason());
                }
            }
        }
        assert_eq!(credits_of(&client, "w").await, (20, 80, 0));
    }

    async fn a_call_has_1_to_256_items(server: Server) {
        let client = server.wallet("w", 1_000).await;
        let call = |items: usize| {
            let requests = (0..items).map(|n| explicit("w", &format!("j-{n}"), vec![credits(1)]));
            client.reserve_many(v1::ReserveManyRequest::new(requests))
        };
        assert_eq!(violations(call(0).await), ["requests: is required"]);
        assert_eq!(violations(call(MOST + 1).await), ["requests: has 257 entries, at most 256 are allowed"]);
        assert_eq!(credits_of(&client, "w").await, (1_000, 0, 0));
        let results = call(MOST).await.unwrap().results;
        assert!(results.into_iter().all(|item| item.into_result().unwrap().is_ok()));
        assert_eq!(credits_of(&client, "w").await, (744, 256, 0));
    }
}
