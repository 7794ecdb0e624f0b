//! A PostgreSQL that is unavailable for a while: its standby is gone and COMMIT hangs, it is read-only, or it is
//! stopped. Callers get true answers with a reason, health checks report it, and the server recovers with PostgreSQL.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_types::StatusExt;
use wallet_client::{ClientConfig, Error, RetryPolicy, WalletClient, v1};
use wallet_server::Config;

use crate::harness::{Database, Postgres, Server, credits, video};

/// The longest time until a database that is writable again is written to: less than the client goes on trying.
const RECOVERY: Duration = Duration::from_secs(15);
/// Concurrent reads: more than there are pooled connections.
const AT_ONCE: usize = 16;

mod a_hanging_commit_is_never_reported_as_not_executed {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        let cluster = Postgres::private();
        // Longer than PostgreSQL lets the next attempt wait for the lock that the hanging commit holds.
        let config = Config { database_timeout: Duration::from_secs(3), lanes: Some(1), ..Config::default() };
        let server = Server::start_with(Database::on(&cluster), config).await;
        let patient = server.wallet("ann", 100).await;
        let once = client(&server, Duration::from_secs(20)).await;

        cluster.set("synchronous_standby_names", "nobody");
        cluster.wait_until_commits_hang().await;
        let reserve = || v1::ReserveRequest::new("ann", "job", video("5"));
        let error = once.reserve(reserve()).await.unwrap_err();
        assert!(error.is_outcome_unknown(), "{error}");
        let top_up = || v1::TopUpRequest::amount("ann", "second", credits(50));
        let error = once.top_up(top_up()).await.unwrap_err();
        assert_eq!(reason(&error), "STORE_UNAVAILABLE", "the hanging commit holds the wallet: {error}");

        cluster.set("synchronous_standby_names", "");
        assert!(patient.reserve(reserve()).await.unwrap().replayed, "it was executed");
        assert!(!patient.top_up(top_up()).await.unwrap().replayed, "it was not");
        assert_eq!(balance(&patient).await, (110, 40));
        assert!(server.verify().await.is_clean());
    }
}

mod a_read_only_database_is_unavailable_and_then_works_again {
    use super::*;

    /// Makes all sessions read-only at once, as when a disk is full.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        only_read(|cluster, _, on| {
            cluster.set("default_transaction_read_only", if on { "on" } else { "off" });
        })
        .await;
    }

    mod in_sessions_that_began_meanwhile {
        use super::*;

        /// Makes new sessions read-only; they outlive the return to a writable database.
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgres() {
            only_read(|cluster, name, on| {
                let set = if on { "SET default_transaction_read_only = on" } else { "RESET ALL" };
                cluster.sql(&format!("ALTER DATABASE {name} {set}"));
                if on {
                    cluster.end_sessions(name);
                }
            })
            .await;
        }
    }
}

async fn only_read(set: impl Fn(&Postgres, &str, bool)) {
    let cluster = Postgres::private();
    let server = Server::start(Database::on(&cluster)).await;
    let patient = server.wallet("ann", 100).await;
    server.reports(ServingStatus::Serving).await;
    let name = server.database.url.rsplit('/').next().unwrap_or_default().to_owned();
    let once = client(&server, Duration::from_secs(15)).await;

    set(&cluster, &name, true);
    // The statement that finds its session ended has an unknown outcome.
    let error = once.reserve(v1::ReserveRequest::new("ann", "job", video("5"))).await.unwrap_err();
    assert!(error.is_outcome_unknown() || reason(&error) == "STORE_UNAVAILABLE", "{error}");
    let error = once.reserve(v1::ReserveRequest::new("ann", "job", video("5"))).await.unwrap_err();
    assert_eq!(reason(&error), "STORE_UNAVAILABLE", "{error}");
    server.reports(ServingStatus::NotServing).await;
    assert_eq!(balance(&once).await, (100, 0), "reads go on");

    set(&cluster, &name, false);
    let writable = Instant::now();
    let reserved = patient.reserve(v1::ReserveRequest::new("ann", "job", video("5"))).await.unwrap();
    assert!(!reserved.replayed && writable.elapsed() < RECOVERY, "{:?}", writable.elapsed());
    server.reports(ServingStatus::Serving).await;
    let toml = format!("{}\n# another text\n", wallet_server::BUNDLED_CATALOG);
    let publish = v1::PublishCatalogRequest { toml, ..Default::default() };
    patient.publish_catalog(publish).await.expect("the control plane writes again");
    assert!(server.verify().await.is_clean());
}

mod a_stopped_database_is_seen_by_health_checks_and_leaves_no_late_executions {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        let cluster = Postgres::private();
        let config = Config { lanes: Some(1), ..Config::default() };
        let server = Server::start_with(Database::on(&cluster), config).await;
        let patient = server.wallet("ann", 100).await;
        let hasty = client(&server, Duration::from_secs(1)).await;
        assert_eq!(read_at_once(&hasty).await, AT_ONCE, "all connections are open");
        server.reports(ServingStatus::Serving).await;

        cluster.stop_at_once();
        let mut calls = JoinSet::new();
        for n in 0..3 {
            let hasty = hasty.clone();
            calls.spawn(async move {
                hasty.top_up(v1::TopUpRequest::amount("ann", format!("late-{n}"), credits(1))).await
            });
        }
        let begun = Instant::now();
        server.reports(ServingStatus::NotServing).await;
        for answer in calls.join_all().await {
            let error = answer.unwrap_err();
            assert!(error.is_outcome_unknown() || reason(&error) == "STORE_UNAVAILABLE", "{error}");
        }
        for n in 3.. {
            let top_up = v1::TopUpRequest::amount("ann", format!("late-{n}"), credits(1));
            // With a full queue it is OVERLOADED.
            let error = hasty.top_up(top_up).await.unwrap_err();
            assert!(error.is_retryable(), "{error}");
            if begun.elapsed() >= longest() {
                break;
            }
        }

        cluster.start_again();
        server.reports(ServingStatus::Serving).await;
        let kept = client(&server, Duration::from_secs(10)).await;
        assert_eq!(read_at_once(&kept).await, AT_ONCE, "no read uses an earlier connection");
        // Runs in the same lane, so it comes after the commands whose callers have gone.
        patient.top_up(v1::TopUpRequest::amount("ann", "after", credits(1))).await.unwrap();
        assert_eq!(balance(&patient).await, (101, 0), "executed after the caller's deadline");
        assert!(server.verify().await.is_clean());
    }
}

/// The least time for which PostgreSQL is stopped. The nightly run sets WALLET_OUTAGE_SECONDS to 10.
fn longest() -> Duration {
    std::env::var("WALLET_OUTAGE_SECONDS")
        .map_or(Duration::ZERO, |text| Duration::from_secs(text.parse().expect("a number")))
}

/// A client that sends every call once.
async fn client(server: &Server, deadline: Duration) -> WalletClient {
    let config = ClientConfig::new(server.endpoint()).retry(RetryPolicy::never()).deadline(deadline);
    WalletClient::connect(config).await.unwrap()
}

/// Sends reads concurrently. Returns how many were answered.
async fn read_at_once(client: &WalletClient) -> usize {
    let mut reads = JoinSet::new();
    for _ in 0..AT_ONCE {
        let client = client.clone();
        let request = v1::GetBalanceRequest { wallet_id: "ann".to_owned(), ..Default::default() };
        reads.spawn(async move { client.get_balance(request).await });
    }
    reads.join_all().await.into_iter().filter(Result::is_ok).count()
}

/// Available and held credits, in minor units.
async fn balance(client: &WalletClient) -> (i64, i64) {
    let request = v1::GetBalanceRequest { wallet_id: "ann".to_owned(), ..Default::default() };
    let balance = client.get_balance(request).await.unwrap();
    let credits = balance.balances.into_iter().find(|balance| balance.unit == "credits").unwrap();
    (credits.available.unwrap().amount, credits.held.unwrap().amount)
}

/// The reason in the error's details, or an empty string.
fn reason(error: &Error) -> String {
    let (Error::Unavailable { status, .. } | Error::OutcomeUnknown { status, .. }) = error else {
        return String::new();
    };
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}
