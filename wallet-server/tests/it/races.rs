//! Many callers on one wallet: together they reserve exactly what is available, and every job ends in one state.
//! Without faults no batch of a lone server runs twice, although other writers use the same database.

mod catalogs;
mod endings;
mod lock_order;
mod plans;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Barrier;
use tokio::task::JoinSet;
use wallet_client::v1::ErrorReason;
use wallet_client::{WalletClient, v1};
use wallet_server::Config;

use crate::harness::{Server, video};

const CALLERS: usize = 64;
const JOBS: usize = 3_000;
/// The jobs of each caller before any caller takes more, so that every server reserves some.
const FIRST: usize = 4;
/// The number of jobs that the wallet can pay for.
const AFFORDABLE: usize = 1_000;
/// The price of `video("5")`, in credits.
const PRICE: i64 = 40;

each_fleet! {
    // A sweeper with a short period writes its leases between the statements of every batch.
    config = Config { sweep_period: Duration::from_millis(5), ..Config::default() };

    async fn of_3000_jobs_exactly_the_1000_that_credits_cover_succeed(servers: Vec<Server>) {
        let total = PRICE * i64::try_from(AFFORDABLE).unwrap();
        let client = servers[0].wallet("w", total).await;
        let won = race(&servers).await;
        assert_eq!(won.iter().map(Vec::len).sum::<usize>(), AFFORDABLE);
        for (server, won) in servers.iter().zip(&won) {
            assert!(won.len() >= FIRST * CALLERS / servers.len(), "a server won only {}", won.len());
            let counts = server.counts();
            assert!(counts.largest_batch > 1, "{counts:?}");
            // Two servers may have to wait for each other, and for the disk that they share.
            assert!((counts.retries, counts.bisections) == (0, 0) || servers.len() > 1, "{counts:?}");
        }

        let balance = client.get_balance(v1::GetBalanceRequest { wallet_id: "w".into(), ..Default::default() }).await.unwrap();
        let credits = &balance.balances[0];
        let parts = [&credits.available, &credits.held].map(|part| part.as_ref().unwrap().amount);
        assert_eq!((parts, balance.open_reservations), ([0, total], 1_000));
        assert_eq!(held(&client).await, won.into_iter().flatten().collect());
        assert!(servers[0].verify().await.is_clean());
    }
}

/// Lets all callers take jobs from one list until it is empty. Returns the jobs that each server's callers reserved.
async fn race(servers: &[Server]) -> Vec<Vec<String>> {
    let (next, first_done) = (Arc::new(AtomicUsize::new(0)), Arc::new(Barrier::new(CALLERS)));
    let mut callers = JoinSet::new();
    for (n, server) in servers.iter().enumerate() {
        let client = server.client().await;
        for _ in 0..CALLERS / servers.len() {
            let (client, next, first_done) = (client.clone(), next.clone(), first_done.clone());
            callers.spawn(async move { (n, reserve_all(&client, &next, &first_done).await) });
        }
    }
    let mut won = vec![Vec::new(); servers.len()];
    for (n, ids) in callers.join_all().await {
        won[n].extend(ids);
    }
    won
}

/// One caller. Returns the jobs it reserved; every other one was refused for lack of credits, with none available.
async fn reserve_all(client: &WalletClient, next: &AtomicUsize, first_done: &Barrier) -> Vec<String> {
    let (mut won, mut calls) = (Vec::new(), 0);
    loop {
        if calls == FIRST {
            first_done.wait().await;
        }
        calls += 1;
        let n = next.fetch_add(1, Ordering::Relaxed);
        if n >= JOBS {
            return won;
        }
        let id = format!("job-{n}");
        match client.reserve(v1::ReserveRequest::new("w", &id, video("5"))).await {
            Ok(_) => won.push(id),
            Err(error) => {
                assert_eq!(error.reason(), Some(ErrorReason::InsufficientCredits), "{error}");
                let refusal = error.refusal().unwrap();
                let figures: Vec<_> = refusal.shortfalls().iter().map(|s| (s.available, s.missing)).collect();
                assert_eq!(figures, [(0, PRICE)]);
            }
        }
    }
}

async fn held(client: &WalletClient) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListReservationsRequest {
            wallet_id: "w".into(),
            states: vec![v1::ReservationState::Held.into()],
            page_size: 500,
            page_token,
            ..Default::default()
        };
        let page = client.list_reservations(request).await.unwrap();
        ids.extend(page.reservations.into_iter().map(|reservation| reservation.reservation_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return ids;
        }
    }
}
