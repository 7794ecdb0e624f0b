//! The database's clock leaps: nothing expires by it, and the server says that it is not ready. A function in the
//! database's own schema stands in front of PostgreSQL's, so that a test can set it.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use wallet_client::job;
use wallet_client::v1::{self, ReservationState};
use wallet_server::{App, Config};

use crate::harness::{Database, Server, video};
use crate::words::{reservation, seconds};

/// How often the server's health is looked at, 20 ms apart, before the test gives up.
const LOOKS: usize = 500;

async fn run(database: &Database, sql: &str) {
    let connection = sea_orm::Database::connect(&database.url).await.unwrap();
    connection.execute_unprepared(sql).await.unwrap();
    connection.close().await.unwrap();
}

/// A database whose clock is as far ahead as its table says.
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

/// Waits until the server calls itself so.
async fn is(server: &Server, status: ServingStatus) {
    let channel = Endpoint::from_shared(server.endpoint()).unwrap().connect().await.unwrap();
    let mut health = HealthClient::new(channel);
    for _ in 0..LOOKS {
        let answer = health.check(HealthCheckRequest { service: String::new() }).await.unwrap();
        if answer.into_inner().status() == status {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the server is never {status:?}");
}

mod nothing_expires_by_a_clock_that_leaps_and_the_server_is_not_ready_until_it_is_set_right {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        let database = with_a_clock_of_its_own().await;
        let poll_period = Duration::from_millis(20);
        let config = Config { poll_period, sweep_period: poll_period, ..Config::default() };
        let server = Server::start_with(database.clone(), config).await;
        let client = server.wallet("w", 100).await;
        let request = v1::ReserveRequest { ttl: Some(seconds(3_600)), ..job("w", "j", video("5")) };
        client.reserve(request).await.unwrap();
        is(&server, ServingStatus::Serving).await;

        set_ahead(&database, "2 hours").await;
        is(&server, ServingStatus::NotServing).await;
        client.reserve(job("w", "k", video("1"))).await.unwrap();
        assert_eq!(reservation(&client, "w", "j").await.state(), ReservationState::Held);

        set_ahead(&database, "0").await;
        is(&server, ServingStatus::Serving).await;
        assert_eq!(reservation(&client, "w", "j").await.state(), ReservationState::Held);
        assert!(server.verify().await.is_clean());
    }
}

mod a_server_does_not_start_beside_a_clock_that_is_hours_away_from_its_own {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        let database = with_a_clock_of_its_own().await;
        for ahead in ["2 hours", "-2 hours"] {
            set_ahead(&database, ahead).await;
            let config = Config { database_url: database.url.clone(), ..Config::default() };
            let error = App::build(config).await.err().expect("it does not start").to_string();
            assert!(error.contains("one of them is wrong"), "{error}");
        }
    }
}
