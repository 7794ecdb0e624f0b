//! ListReservations: filters and pages, newest first.

use std::collections::{BTreeSet, HashMap};

use prost::Message as _;
use tokio::task::JoinSet;
use wallet_client::v1::{self, CancelReason, ErrorReason, ReservationState};
use wallet_client::{Code, WalletClient};

use crate::harness::{Server, credits, video};
use crate::shorthand::{by, cancel, explicit, refused, reservation, settle, violations};

fn ask() -> v1::ListReservationsRequest {
    v1::ListReservationsRequest { wallet_id: "w".into(), ..Default::default() }
}

async fn listed(client: &WalletClient, request: v1::ListReservationsRequest) -> Vec<String> {
    let page = client.list_reservations(request).await.unwrap();
    assert_eq!(page.next_page_token, "", "one page");
    page.reservations.into_iter().map(|reservation| reservation.reservation_id).collect()
}

/// Reserves the jobs `a` to `e`, which differ in everything that can be filtered by.
async fn five_jobs(server: &Server) -> WalletClient {
    let client = server.wallet("w", 500).await;
    let labels = |pairs: &[(&str, &str)]| -> HashMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let training = v1::Operation::new("video.caption").quantity("duration_s", "60");
    let jobs = [
        v1::ReserveRequest::new("w", "a", video("1")).with_actor("ann"),
        v1::ReserveRequest {
            labels: labels(&[("team", "red"), ("x", "")]),
            ..v1::ReserveRequest::new("w", "b", training)
        },
        v1::ReserveRequest::new("w", "c", video("1")).with_start(by("gpu-1", 1)),
        v1::ReserveRequest {
            actor: "ann".into(),
            labels: labels(&[("team", "blue")]),
            ..v1::ReserveRequest::new("w", "d", video("1"))
        },
        explicit("w", "e", vec![credits(3)]),
    ];
    for request in jobs {
        client.reserve(request).await.unwrap();
    }
    client.settle(settle("w", "a", v1::Succeeded::default())).await.unwrap();
    client.cancel(cancel("w", "d", CancelReason::User)).await.unwrap();
    client
}

each_database! {
    async fn the_filters_combine(server: Server) {
        let client = five_jobs(&server).await;
        let states = |states: &[ReservationState]| states.iter().map(|state| (*state).into()).collect();
        let (held, settled) = (ReservationState::Held, ReservationState::Settled);
        let at = reservation(&client, "w", "c").await.reserve_time;
        for (request, expected) in [
            (ask(), "e d c b a"),
            (v1::ListReservationsRequest { states: states(&[held]), ..ask() }, "e b"),
            (v1::ListReservationsRequest { states: states(&[settled, held]), ..ask() }, "e b a"),
            (v1::ListReservationsRequest { worker: "gpu-1".into(), ..ask() }, "c"),
            (v1::ListReservationsRequest { kind: "video.generate".into(), ..ask() }, "d c a"),
            (v1::ListReservationsRequest { actor: "ann".into(), ..ask() }, "d a"),
            (v1::ListReservationsRequest { actor: "ann".into(), states: states(&[settled]), ..ask() }, "a"),
            (v1::ListReservationsRequest { label: "team".into(), ..ask() }, "d b"),
            (v1::ListReservationsRequest { label: "team=red".into(), ..ask() }, "b"),
            (v1::ListReservationsRequest { label: "x=".into(), ..ask() }, "b"),
            (v1::ListReservationsRequest { label: "team=green".into(), ..ask() }, ""),
            (v1::ListReservationsRequest { from_time: at, ..ask() }, "e d c"),
            (v1::ListReservationsRequest { to_time: at, ..ask() }, "b a"),
            (v1::ListReservationsRequest { from_time: at, to_time: at, ..ask() }, ""),
        ] {
            assert_eq!(listed(&client, request.clone()).await.join(" "), expected, "{request:?}");
        }
    }

    async fn pages_lead_through_all_of_them_once_filtered_or_not(server: Server) {
        let client = five_jobs(&server).await;
        for (actor, size, expected) in [("", 2, "e d | c b | a"), ("", 5, "e d c b a"), ("ann", 1, "d | a")] {
            let (mut token, mut pages) = (String::new(), Vec::new());
            loop {
                let request = v1::ListReservationsRequest {
                    actor: actor.into(),
                    page_size: size,
                    page_token: token,
                    ..ask()
                };
                let page = client.list_reservations(request).await.unwrap();
                let ids: Vec<_> = page.reservations.iter().map(|r| r.reservation_id.as_str()).collect();
                pages.push(ids.join(" "));
                token = page.next_page_token;
                if token.is_empty() {
                    break;
                }
            }
            assert_eq!(pages.join(" | "), expected);
        }
    }

    async fn a_page_ends_before_two_mebibytes(server: Server) {
        let client = server.wallet("w", 500).await;
        let labels: HashMap<String, String> =
            (0..16).map(|n| (format!("{n:064}"), "x".repeat(256))).collect();
        let mut calls = JoinSet::new();
        for n in 0..440 {
            let (client, labels) = (client.clone(), labels.clone());
            let request = v1::ReserveRequest { labels, ..explicit("w", &format!("k{n}"), vec![credits(1)]) };
            calls.spawn(async move { client.reserve(request).await.unwrap() });
        }
        calls.join_all().await;
        let (mut token, mut counts, mut ids) = (String::new(), Vec::new(), BTreeSet::new());
        loop {
            let request = v1::ListReservationsRequest { page_size: 500, page_token: token, ..ask() };
            let page = client.list_reservations(request).await.unwrap();
            assert!(page.encoded_len() <= 2 * 1024 * 1024 + 1024, "{}", page.encoded_len());
            counts.push(page.reservations.len());
            ids.extend(page.reservations.into_iter().map(|r| r.reservation_id));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!((counts.len(), counts.iter().sum::<usize>(), ids.len()), (2, 440, 440));
    }

    async fn they_are_shown_as_get_reservation_shows_them(server: Server) {
        let client = five_jobs(&server).await;
        let page = client.list_reservations(ask()).await.unwrap();
        for shown in page.reservations {
            assert_eq!(reservation(&client, "w", &shown.reservation_id).await, shown);
        }
    }

    async fn an_invalid_page_token_and_a_missing_wallet_are_refused(server: Server) {
        let client = server.wallet("w", 0).await;
        let request = v1::ListReservationsRequest { page_token: "made-up".into(), ..ask() };
        let expected = ["page_token: is not from a page of this list"];
        assert_eq!(violations(client.list_reservations(request).await), expected);
        let nobody = v1::ListReservationsRequest { wallet_id: "nobody".into(), ..ask() };
        refused(client.list_reservations(nobody).await, ErrorReason::WalletNotFound, Code::NotFound);
        assert!(listed(&client, ask()).await.is_empty());
    }
}
