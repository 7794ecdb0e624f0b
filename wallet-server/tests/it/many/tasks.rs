//! Many tasks that share a client, whose calls travel together.

use tokio::task::JoinSet;
use wallet_client::v1::{self, ErrorReason, ReservationState};
use wallet_client::{Code, Error, WalletClient};

use crate::harness::video;
use crate::shorthand::{credits_of, refused, settle};

/// The tasks, each with a job.
const TASKS: usize = 1_000;
/// The wallets of all jobs.
const WALLETS: usize = 20;
/// The price of a job in credits.
const PRICE: i64 = 8;
/// The jobs that the credits of a wallet cover, of 50.
const COVERED: i64 = 40;

/// Runs a job from Reserve to Settle, and returns whether there were credits for it.
async fn run(client: WalletClient, n: usize) -> bool {
    let (wallet, job) = (format!("wallet-{}", n % WALLETS), format!("job-{n}"));
    let worker = format!("gpu-{n}");
    let request =
        v1::ReserveRequest::new(&wallet, &job, video("1")).with_start(v1::StartOptions::new(&worker));
    let reserved = match client.reserve(request).await {
        Err(error) => {
            refused::<()>(Err(error), ErrorReason::InsufficientCredits, Code::FailedPrecondition);
            return false;
        }
        Ok(reserved) => reserved.reservation.unwrap(),
    };
    assert_eq!((reserved.reservation_id, reserved.worker), (job.clone(), worker));
    let extended = client.extend(v1::ExtendRequest::new(&wallet, &job)).await.unwrap();
    assert_eq!(extended.state(), ReservationState::Processing);
    let settled = client.settle(settle(&wallet, &job, v1::Succeeded::as_reserved())).await.unwrap();
    assert_eq!(settled.reservation.unwrap().reservation_id, job);
    let again = client.settle(settle(&wallet, &job, v1::Succeeded::as_reserved())).await.unwrap();
    assert!(!settled.replayed && again.replayed);
    true
}

each_fleet! {
    async fn a_thousand_tasks_get_their_own_answers_and_charge_once(servers: Vec<Server>) {
        for n in 0..WALLETS {
            servers[0].wallet(&format!("wallet-{n}"), PRICE * COVERED).await;
        }
        let mut clients = Vec::new();
        for server in &servers {
            clients.push(server.client().await);
        }
        let mut tasks = JoinSet::new();
        for n in 0..TASKS {
            tasks.spawn(run(clients[n % clients.len()].clone(), n));
        }
        let covered = tasks.join_all().await.into_iter().filter(|covered| *covered).count();
        assert!(covered >= WALLETS * usize::try_from(COVERED).unwrap());
        let mut left = 0;
        for n in 0..WALLETS {
            let (available, held, debt) = credits_of(&clients[0], &format!("wallet-{n}")).await;
            assert_eq!((held, debt), (0, 0));
            left += available;
        }
        let bought = PRICE * COVERED * i64::try_from(WALLETS).unwrap();
        assert_eq!(left, bought - PRICE * i64::try_from(covered).unwrap());
        let report = servers[0].verify().await;
        assert!(report.is_clean(), "{report}");
    }
}

each_database! {
    async fn tasks_that_are_aborted_at_any_moment_disturb_no_other_task(server: Server) {
        for n in 0..WALLETS {
            server.wallet(&format!("wallet-{n}"), 10_000).await;
        }
        let client = server.client().await;
        let mut tasks: Vec<_> = (0..TASKS).map(|n| tokio::spawn(run(client.clone(), n))).collect();
        for task in tasks.iter().step_by(3) {
            task.abort();
            tokio::task::yield_now().await;
        }
        for (n, task) in tasks.drain(..).enumerate() {
            match task.await {
                Ok(covered) => assert!(covered),
                Err(error) => assert!(error.is_cancelled() && n % 3 == 0, "{error}"),
            }
        }
        let report = server.verify().await;
        assert!(report.is_clean(), "{report}");
    }

    async fn a_passed_deadline_of_one_task_is_that_of_no_other(server: Server) {
        server.wallet("w", 10_000).await;
        let client = server.client().await;
        let hurried = client.with_deadline(std::time::Duration::from_micros(1)).without_retries();
        let mut tasks = JoinSet::new();
        for n in 0..200 {
            let client = if n % 2 == 0 { hurried.clone() } else { client.clone() };
            tasks.spawn(async move {
                (n % 2 == 0, client.reserve(v1::ReserveRequest::new("w", format!("job-{n}"), video("1"))).await)
            });
        }
        for (is_hurried, answer) in tasks.join_all().await {
            match answer {
                Ok(_) => assert!(!is_hurried),
                Err(Error::OutcomeUnknown { .. } | Error::Unavailable { .. }) => assert!(is_hurried),
                Err(error) => panic!("{error}"),
            }
        }
        assert!(server.verify().await.is_clean());
    }
}
