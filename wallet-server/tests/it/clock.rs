//! The database's clock jumps, or is far from the ledger's time at the start: nothing expires because of it, and the
//! server reports it. A function in the database's own schema shadows PostgreSQL's clock, so that a test can set it.

use std::net::SocketAddr;
use std::time::Duration;

use sea_orm::ConnectionTrait;
use tonic::Streaming;
use tonic::transport::Endpoint;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use wallet_client::v1::{self, ErrorReason, ReservationState};
use wallet_client::{ClientConfig, Error, RetryPolicy, WalletClient};
use wallet_core::Timestamp;
use wallet_server::{App, Clock, Config, TimeSource};

use crate::harness::{Database, Process, Server, credits, video};
use crate::shorthand::{gift, reservation, seconds};

async fn run(database: &Database, sql: &str) {
    let connection = database.connect().await;
    connection.execute_unprepared(sql).await.unwrap();
    connection.close().await.unwrap();
}

/// A database whose clock is ahead by the interval in its table `ahead`.
async fn with_a_clock_of_its_own() -> Database {
    let database = Database::postgres();
    let (_, name) = database.url.rsplit_once('/').unwrap();
    let sql = format!(
        "CREATE TABLE ahead AS SELECT interval '0' AS by;
         CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql
             AS 'SELECT pg_catalog.clock_timestamp() + (SELECT by FROM public.ahead)';
         ALTER DATABASE {name} SET search_path = public, pg_catalog"
    );
    run(&database, &sql).await;
    database
}

async fn set_ahead(database: &Database, by: &str) {
    run(database, &format!("UPDATE ahead SET by = '{by}'")).await;
}

/// A configuration that reads the clock every 20 ms and accepts a jump after `settles`.
fn quick(settles: Duration) -> Config {
    let poll_period = Duration::from_millis(20);
    Config { poll_period, sweep_period: poll_period, clock_settles: settles, ..Config::default() }
}

/// A client that does not retry.
async fn impatient(server: &Server) -> WalletClient {
    let config = ClientConfig::new(server.endpoint()).retry(RetryPolicy::never());
    WalletClient::connect(config).await.unwrap()
}

/// Reserves a hold that lives for this many minutes.
async fn hold(client: &WalletClient, id: &str, minutes: i64) {
    let request = v1::ReserveRequest {
        ttl: Some(seconds(minutes * 60)),
        ..v1::ReserveRequest::new("w", id, video("1"))
    };
    client.reserve(request).await.unwrap();
}

mod commands_are_refused_after_a_clock_jump_and_nothing_expires_if_it_returns {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        let database = with_a_clock_of_its_own().await;
        let server = Server::start_with(database.clone(), quick(Duration::from_secs(600))).await;
        let client = server.wallet("w", 100).await;
        hold(&client, "j", 10).await;
        server.reports(ServingStatus::Serving).await;
        let impatient = impatient(&server).await;
        for (n, jump) in ["55 minutes", "-55 minutes", "3 seconds", "2 hours", "1 year"].iter().enumerate() {
            set_ahead(&database, jump).await;
            server.reports(ServingStatus::NotServing).await;
            let error = impatient.reserve(v1::ReserveRequest::new("w", "k", video("1"))).await.unwrap_err();
            let Error::Unavailable { reason, .. } = &error else { panic!("{jump}: {error}") };
            assert_eq!(*reason, ErrorReason::ClockInDoubt, "{jump}");
            assert_eq!(reservation(&client, "w", "j").await.state(), ReservationState::Held, "{jump}");

            set_ahead(&database, "0").await;
            server.reports(ServingStatus::Serving).await;
            let reserved = client
                .reserve(v1::ReserveRequest::new("w", format!("after-{n}"), video("1")))
                .await
                .unwrap()
                .reservation
                .unwrap();
            assert_eq!(reserved.state(), ReservationState::Held);
        }
        assert_eq!(reservation(&client, "w", "j").await.state(), ReservationState::Held);
        assert!(server.verify().await.is_clean());
    }
}

mod a_lasting_jump_is_followed {
    use super::*;

    /// Waits until the watch shows this status.
    async fn shows(watch: &mut Streaming<HealthCheckResponse>, status: ServingStatus) {
        let shown =
            async { while watch.message().await.unwrap().expect("the watch goes on").status() != status {} };
        tokio::time::timeout(Duration::from_secs(60), shown).await.expect("the status changes");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        let database = with_a_clock_of_its_own().await;
        let server = Server::start_with(database.clone(), quick(Duration::from_millis(300))).await;
        let client = server.wallet("w", 100).await;
        hold(&client, "short", 10).await;
        hold(&client, "long", 120).await;
        // A check may come too late for a status that does not last.
        let channel = Endpoint::from_shared(server.endpoint()).unwrap().connect().await.unwrap();
        let watch = HealthClient::new(channel).watch(HealthCheckRequest::default()).await;
        let mut watch = watch.unwrap().into_inner();
        shows(&mut watch, ServingStatus::Serving).await;
        set_ahead(&database, "55 minutes").await;
        shows(&mut watch, ServingStatus::NotServing).await;
        shows(&mut watch, ServingStatus::Serving).await;
        assert_eq!(reservation(&client, "w", "short").await.state(), ReservationState::Expired);
        assert_eq!(reservation(&client, "w", "long").await.state(), ReservationState::Held);
        client.reserve(v1::ReserveRequest::new("w", "next", video("1"))).await.unwrap();
        assert!(server.verify().await.is_clean());
    }
}

/// Serves a ledger at the time `then` only, with a grant that expires two days later if `expires` is set.
async fn served_at(database: &Database, then: Timestamp, expires: bool) {
    let time = TimeSource::Given(Clock::manual(then));
    let server = Server::start_with(database.clone(), Config { time, ..Config::default() }).await;
    let client = server.wallet("w", 100).await;
    if expires {
        let expire_time = then.plus(Duration::from_secs(2 * 86_400)).as_micros() / 1_000_000;
        let expire_time = Some(prost_types::Timestamp { seconds: expire_time, nanos: 0 });
        let grant = v1::GrantRequest { expire_time, ..gift("w", "g", credits(5)) };
        client.grant(grant).await.unwrap();
    }
    drop(client);
    server.stop().await;
}

mod a_start_far_ahead_of_the_ledger_expires_nothing_unless_it_is_accepted {
    use super::*;

    async fn start(database: Database) {
        let then = Timestamp::from_micros(1_700_000_000_000_000);
        served_at(&database, then, true).await;
        let config = || Config {
            database_url: database.url.clone(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            ..Config::default()
        };
        let error = App::build(config()).await.err().expect("it does not start").to_string();
        for text in ["2023-11-14T22:13", "1 grants with credits left expire", "--accept-clock"] {
            assert!(error.contains(text), "{text}: {error}");
        }
        let accepted = Config { accept_clock: true, ..config() };
        assert!(App::build(accepted).await.is_ok());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        start(Database::sqlite()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        start(Database::postgres()).await;
    }
}

mod a_start_after_a_long_rest_in_which_nothing_expires_needs_no_flag {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        let database = Database::sqlite();
        served_at(&database, Timestamp::from_micros(1_700_000_000_000_000), false).await;
        let server = Server::start(database).await;
        server.client().await.reserve(v1::ReserveRequest::new("w", "j", video("1"))).await.unwrap();
    }
}

mod a_ledger_that_is_ahead_of_the_clock_is_served_with_a_warning {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        let database = Database::sqlite();
        served_at(&database, Timestamp::from_micros(4_000_000_000_000_000), false).await;
        let (mut process, log) = Process::start_logged(&database);
        process.kill();
        let text = log.join().unwrap();
        assert!(text.contains("the ledger is ahead of the clock") && text.contains("2096-10-02"), "{text}");
    }
}

mod a_server_does_not_start_if_the_databases_clock_is_hours_away {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        let database = with_a_clock_of_its_own().await;
        for ahead in ["2 hours", "-2 hours"] {
            set_ahead(&database, ahead).await;
            let config = Config { database_url: database.url.clone(), ..Config::default() };
            let error = App::build(config).await.err().expect("it does not start").to_string();
            assert!(error.contains("correct the wrong one"), "{error}");
        }
    }
}
