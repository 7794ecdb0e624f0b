//! AdvanceClock: a year of renewals at once, on a server with a manual clock. `front/test_clocks.rs` has the clocks of
//! tenants.

use std::process::Command;

use wallet_client::Code;
use wallet_client::v1::advance_clock_request::Step;
use wallet_client::v1::{self, EntryKind, ErrorReason};
use wallet_server::{Config, TimeSource};

use crate::harness::{Database, Server, tool};
use crate::shorthand::{credits_of, later, refused, seconds, violations};
use crate::subscriptions::{now, shop, subscribe};

const DAY: i64 = 86_400;

async fn on_manual_time(database: &Database) -> Server {
    Server::start_with(database.clone(), Config { time: TimeSource::Manual, ..Config::default() }).await
}

fn by(days: i64) -> v1::AdvanceClockRequest {
    v1::AdvanceClockRequest { step: Some(Step::By(seconds(days * DAY))) }
}

#[tokio::test]
async fn due_events_on_the_way_are_recorded_before_the_answer() {
    let server = on_manual_time(&Database::sqlite()).await;
    let client = shop(&server).await;
    let start = now(&client).await;
    client.subscribe(subscribe("a", "creator")).await.unwrap();
    let moved = client.advance_clock(by(364)).await.unwrap();
    assert_eq!(moved.current_time, later(start, 364 * DAY));
    let request = v1::ListEntriesRequest { wallet_id: "w".into(), page_size: 500, ..Default::default() };
    let entries = client.list_entries(request).await.unwrap().entries;
    let began: Vec<_> = entries.iter().filter(|entry| entry.kind() == EntryKind::PeriodBegan).collect();
    assert_eq!(began.len(), 52, "a year of weeks");
    for (week, entry) in (1..).zip(began) {
        assert_eq!(entry.effective_time, later(start, week * 7 * DAY));
        assert_eq!(entry.record_time, moved.current_time);
    }
    assert!(server.verify().await.is_clean());
}

#[tokio::test]
async fn the_clock_stands_still_and_never_goes_back_even_after_a_restart() {
    let database = Database::sqlite();
    let server = on_manual_time(&database).await;
    let client = shop(&server).await;
    let start = now(&client).await;
    assert_eq!(now(&client).await, start);
    let to = later(start, 40 * DAY);
    let request = v1::AdvanceClockRequest { step: to.map(Step::ToTime) };
    assert_eq!(client.advance_clock(request).await.unwrap().current_time, to);
    let back = v1::AdvanceClockRequest { step: start.map(Step::ToTime) };
    assert_eq!(client.advance_clock(back).await.unwrap().current_time, to);
    client.subscribe(subscribe("a", "creator")).await.unwrap();
    drop(client);
    server.stop().await;

    let server = on_manual_time(&database).await;
    let client = server.client().await;
    assert_eq!(now(&client).await, to);
    assert_eq!(credits_of(&client, "w").await, (30, 0, 0), "no time has passed");
}

#[tokio::test]
async fn a_step_has_a_direction_and_a_longest_length() {
    let server = on_manual_time(&Database::sqlite()).await;
    let client = shop(&server).await;
    let far = violations(client.advance_clock(by(3_661)).await);
    assert_eq!(far, ["step: moves the clock by more than 3,660 days; at most 3,660 are allowed in one call"]);
    let back = violations(client.advance_clock(by(-1)).await);
    assert_eq!(back, ["by: must not be negative: the clock only moves forward"]);
    let nowhere = violations(client.advance_clock(v1::AdvanceClockRequest::default()).await);
    assert_eq!(nowhere, ["step: is required"]);
    client.advance_clock(by(3_660)).await.unwrap();
}

/// The answer of grpcurl, which learns the services by reflection.
fn grpcurl(server: &Server, command: &[&str]) -> String {
    let mut grpcurl = Command::new(tool("WALLET_TEST_GRPCURL"));
    let output = grpcurl.args(["-plaintext", &server.address.to_string()]).args(command).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

each_database! {
    async fn without_keys_all_callers_belong_to_a_live_tenant(server: Server) {
        let client = shop(&server).await;
        refused(client.advance_clock(by(1)).await, ErrorReason::TenantLive, Code::FailedPrecondition);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reflection_describes_the_service_with_its_options() {
    let server = Server::start(Database::sqlite()).await;
    let services = grpcurl(&server, &["list"]);
    assert!(services.contains("wallet.v1.TestClockService"), "{services}");
    let request = grpcurl(&server, &["describe", "wallet.v1.AdvanceClockRequest"]);
    assert!(request.contains("google.api.field_behavior"), "custom options are described: {request}");
}
