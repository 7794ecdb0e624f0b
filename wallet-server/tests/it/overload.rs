//! A server with more commands than it can decide within the longest wait. Refused callers learn when to try again, and
//! every job that was accepted can be ended.

use std::time::Duration;

use tokio::task::JoinSet;
use wallet_client::v1::{ErrorReason, ReserveRequest, SettleRequest, Succeeded};
use wallet_client::{ClientConfig, RetryPolicy, WalletClient};
use wallet_server::Config;

use crate::harness::{Database, Server, video};

/// Connections, each with as many calls as the server accepts on one.
const CONNECTIONS: usize = 5;
const CALLS: usize = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_callers_learn_when_to_try_again_and_accepted_jobs_end() {
    let config = Config { queue_wait: Duration::from_millis(10), ..Config::default() };
    let server = Server::start_with(Database::sqlite(), config).await;
    let patient = server.wallet("w", 1_000_000).await;
    let mut impatient = Vec::new();
    for _ in 0..CONNECTIONS {
        let config = ClientConfig::new(server.endpoint()).retry(RetryPolicy::never());
        impatient.push(WalletClient::connect(config).await.unwrap());
    }
    let (mut accepted, mut shed) = (Vec::new(), 0);
    for round in 0..100 {
        let mut calls = JoinSet::new();
        for n in 0..CONNECTIONS * CALLS {
            let (client, job) = (impatient[n % CONNECTIONS].clone(), format!("job-{round}-{n}"));
            calls.spawn(async move {
                let reserved = client.reserve(ReserveRequest::new("w", &job, video("1"))).await;
                (job, reserved)
            });
        }
        for (job, reserved) in calls.join_all().await {
            match reserved {
                Ok(_) => accepted.push(job),
                Err(error) => {
                    assert_eq!(error.reason(), Some(ErrorReason::Overloaded), "{error}");
                    assert!(error.retry_after().is_some_and(|after| !after.is_zero()), "{error:?}");
                    shed += 1;
                }
            }
        }
        if shed > 0 {
            break;
        }
    }
    assert!(shed > 0, "more calls come at once than are decided within 10 ms");
    assert!(!accepted.is_empty());
    let mut ends = JoinSet::new();
    for job in accepted {
        let client = patient.with_retry(RetryPolicy::default().attempts(100).budget(Duration::from_secs(60)));
        ends.spawn(async move {
            client.settle(SettleRequest::succeeded("w", &job, Succeeded::as_reserved())).await
        });
    }
    for end in ends.join_all().await {
        end.expect("every accepted job ends");
    }
    let report = server.verify().await;
    assert!(report.is_clean(), "{report}");
}
