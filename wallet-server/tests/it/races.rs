//! Many callers, one wallet: together they get what there is, and every job ends in one way. While nothing is broken no
//! batch of a lone server has to run twice, whatever else writes to the database.

mod catalogs;
mod circles;
mod endings;
mod plans;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use wallet_client::v1::ErrorReason;
use wallet_client::{WalletClient, v1};
use wallet_server::Config;

use crate::harness::{Server, video};

const CALLERS: usize = 64;
const JOBS: usize = 3_000;
/// The wallet has credits for so many of them, and not one more.
const AFFORDABLE: usize = 1_000;
/// Of `video("5")`.
const PRICE: i64 = 40;

each_fleet! {
    // A sweeper that comes all the time writes its leases between the statements of every batch.
    config = Config { sweep_period: Duration::from_millis(5), ..Config::default() };

    async fn of_3000_jobs_exactly_the_1000_that_there_are_credits_for_succeed(servers: Vec<Server>) {
        let total = PRICE * i64::try_from(AFFORDABLE).unwrap();
        let client = servers[0].wallet("w", total).await;
        let won = race(&servers).await;
        assert_eq!(won.iter().map(Vec::len).sum::<usize>(), AFFORDABLE);
        for (server, won) in servers.iter().zip(&won) {
            assert!(won.len() >= 100, "a server won only {}", won.len());
            let counts = server.counts();
            assert!(counts.largest_batch > 1, "{counts:?}");
            // Two may have to wait for each other, and for a disk behind both.
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

/// All callers take jobs from one list until none is left; which jobs each server's callers won.
async fn race(servers: &[Server]) -> Vec<Vec<String>> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for (n, server) in servers.iter().enumerate() {
        let client = server.client().await;
        for _ in 0..CALLERS / servers.len() {
            let (client, next) = (client.clone(), next.clone());
            callers.spawn(async move { (n, reserve_all(&client, &next).await) });
        }
    }
    let mut won = vec![Vec::new(); servers.len()];
    for (n, ids) in callers.join_all().await {
        won[n].extend(ids);
    }
    won
}

/// One caller: the jobs it won. Every other was refused for want of credits, with none left.
async fn reserve_all(client: &WalletClient, next: &AtomicUsize) -> Vec<String> {
    let mut won = Vec::new();
    loop {
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
                let figures = [refusal.available(), refusal.shortfall()].map(|figure| figure.unwrap().amount);
                assert_eq!(figures, [0, PRICE]);
            }
        }
    }
}

/// The ids of all open reservations.
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
