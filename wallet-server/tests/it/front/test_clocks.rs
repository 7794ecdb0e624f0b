//! Clocks of test tenants, on servers with the system's clock: a month of one tenant passes, and others see nothing.

use std::time::Duration;

use prost_types::Timestamp;
use wallet_client::v1::{self, EntryKind, ErrorReason};
use wallet_client::{Code, WalletClient};
use wallet_server::Config;

use crate::harness::{Database, Front, Server, credits, eventually, with_key};
use crate::shorthand::{
    credits_of, entries, explicit, gift, kinds, later, publish, refused, reservation, seconds, violations,
};
use crate::subscriptions::{PLANS, images, now, subscribe};

const DAY: i64 = 86_400;

/// A live tenant and one for tests, which have the same wallet.
struct Two {
    front: Front,
    server: Server,
    live: WalletClient,
    test: WalletClient,
}

fn config() -> Config {
    Config { sweep_period: Duration::from_millis(50), ..Config::default() }
}

async fn two(database: Database) -> Two {
    let front = Front::new(database);
    front.cli(&["tenants", "create", "sandbox", "--test"]);
    // The key expires before the clock of its tenant gets there.
    let key = ["keys", "create", "k", "--scopes", "all", "--tenant", "sandbox", "--expire-days", "2"];
    let (live, test) = (front.key("default", "all"), front.cli(&key).lines().last().unwrap().to_owned());
    let server = front.serve_on_system_time(config()).await;
    let (live, test) = (with_key(&server, &live).await, with_key(&server, &test).await);
    Two { front, server, live, test }
}

/// Makes a wallet with a weekly plan, whose credits come with a warning of their expiry, and a hold of an hour.
async fn with_a_plan_and_a_hold(client: &WalletClient) {
    publish(client, &PLANS.replace("id = \"pro\"\n", "id = \"pro\"\nexpiry_warning_days = 1\n")).await;
    client.create_wallet(v1::CreateWalletRequest::new("w")).await.unwrap();
    client.subscribe(subscribe("a", "pro")).await.unwrap();
    hold(client, "slow", 3_600).await;
}

async fn hold(client: &WalletClient, job: &str, ttl: i64) {
    let reserve = v1::ReserveRequest { ttl: Some(seconds(ttl)), ..explicit("w", job, vec![credits(1)]) };
    client.reserve(reserve).await.unwrap();
}

fn by(days: i64) -> v1::AdvanceClockRequest {
    v1::AdvanceClockRequest::by(Duration::from_secs(days.unsigned_abs() * 86_400))
}

async fn estimate(client: &WalletClient) -> v1::EstimateResponse {
    let operation = Some(images("1"));
    let request = v1::EstimateRequest { wallet_id: "w".into(), operation, ..Default::default() };
    client.estimate(request).await.unwrap()
}

/// Waits until the feed has an item of each of these types.
async fn feed_has(client: &WalletClient, types: &[&str]) {
    eventually("the feed has items of all types", async || {
        let page = client.list_feed(v1::ListFeedRequest::new(0).with_page_size(500)).await.unwrap();
        let has_all = types.iter().all(|wanted| page.items.iter().any(|item| item.r#type == *wanted));
        if has_all { Ok(()) } else { Err((types, page)) }
    })
    .await;
}

/// Waits until the last entry of the wallet `w` is of this kind.
async fn last_is(client: &WalletClient, kind: EntryKind) {
    eventually("the last entry is of a kind", async || {
        let kinds = kinds(client, "w").await;
        if kinds.last() == Some(&kind) { Ok(()) } else { Err((kind, kinds)) }
    })
    .await;
}

fn since(later: Option<Timestamp>, earlier: Option<Timestamp>) -> i64 {
    later.unwrap().seconds - earlier.unwrap().seconds
}

async fn a_month_passes(database: Database) {
    let Two { front, server, live, test } = two(database).await;
    with_a_plan_and_a_hold(&live).await;
    with_a_plan_and_a_hold(&test).await;
    let (live_before, start) = (entries(&live, "w").await, now(&test).await);
    let quote = estimate(&test).await.quote_token;
    let scopes = [v1::Scope::Read];
    let token = test.create_wallet_token(v1::CreateWalletTokenRequest::new("w", scopes)).await.unwrap().token;

    let moved = test.advance_clock(by(31)).await.unwrap();
    assert!((31 * DAY..31 * DAY + 600).contains(&since(moved.current_time, start)), "{moved:?} {start:?}");
    assert_eq!(moved.still_due_count, 0);
    let passed = entries(&test, "w").await;
    let of = |kind: EntryKind| passed.iter().filter(|entry| entry.kind() == kind).collect::<Vec<_>>();
    assert_eq!(of(EntryKind::PeriodBegan).len(), 4, "{passed:?}");
    assert!((3_590..=3_600).contains(&since(of(EntryKind::HoldExpired)[0].effective_time, start)));
    let recorded = passed.last().unwrap().record_time;
    assert!(since(moved.current_time, recorded) < 600, "it is recorded at the time of the tenant");
    feed_has(&test, &["job.expired", "credits.expiring"]).await;
    assert_eq!(reservation(&test, "w", "slow").await.state(), v1::ReservationState::Expired);

    // Reads, previews and commands have the time of the tenant; keys and tokens that of the server.
    assert!(since(now(&test).await, start) >= 31 * DAY);
    let old = test.reserve(v1::ReserveRequest::quoted("w", "old", quote)).await;
    refused(old, ErrorReason::QuoteExpired, Code::Aborted);
    let fresh = estimate(&test).await;
    assert!(since(fresh.quote_expire_time, start) >= 31 * DAY);
    test.reserve(v1::ReserveRequest::quoted("w", "new", fresh.quote_token)).await.unwrap();
    let with_token = with_key(&server, &token).await;
    assert!(now(&with_token).await.is_some(), "the token is valid by the server's clock");
    let past = v1::GrantRequest { expire_time: later(start, 30 * DAY), ..gift("w", "late", credits(1)) };
    assert!(violations(test.grant(past).await)[0].starts_with("expire_time"));

    // No command reaches this hold: the sweeper finds it by the clock of its tenant.
    hold(&test, "short", 1).await;
    last_is(&test, EntryKind::HoldExpired).await;

    assert_eq!(entries(&live, "w").await, live_before);
    assert_eq!(reservation(&live, "w", "slow").await.state(), v1::ReservationState::Held);
    assert_eq!(credits_of(&live, "w").await, (99, 1, 0));
    assert!(since(now(&live).await, start) < 600);
    let report = server.verify().await;
    assert!(report.is_clean() && report.notes == 0, "{report}");

    let audit = test.list_audit_events(v1::ListAuditEventsRequest::new()).await.unwrap().events;
    assert_eq!((audit[0].action.as_str(), audit[0].subject.as_str()), ("tenant.advance_clock", "sandbox"));
    let listed = front.cli(&["tenants", "list"]);
    let [live, test]: [&str; 2] = listed.lines().collect::<Vec<_>>().try_into().unwrap();
    assert!(test.ends_with("sandbox  clock 2678400s ahead") && !live.contains("ahead"), "{listed}");
}

async fn the_clock_is_stored(database: Database) {
    let Two { front, server, live, test } = two(database).await;
    with_a_plan_and_a_hold(&test).await;
    let start = now(&test).await;
    test.advance_clock(by(8)).await.unwrap();
    drop((live, test));
    server.stop().await;
    let key = front.key("sandbox", "all");
    let server = front.serve_on_system_time(config()).await;
    let test = with_key(&server, &key).await;
    assert!(since(now(&test).await, start) >= 8 * DAY);
    hold(&test, "short", 1).await;
    last_is(&test, EntryKind::HoldExpired).await;
    assert!(server.verify().await.is_clean());
}

async fn only_test_clocks_move_forward_within_bounds(database: Database) {
    let Two { front: _front, server: _server, live, test } = two(database).await;
    for client in [&live, &test] {
        client.create_wallet(v1::CreateWalletRequest::new("w")).await.unwrap();
    }
    let start = now(&live).await;
    for step in [by(1), by(0), v1::AdvanceClockRequest::to(start.unwrap())] {
        refused(live.advance_clock(step).await, ErrorReason::TenantLive, Code::FailedPrecondition);
    }
    let back = v1::AdvanceClockRequest {
        step: Some(v1::advance_clock_request::Step::By(prost_types::Duration { seconds: -1, nanos: 0 })),
    };
    assert_eq!(
        violations(test.advance_clock(back).await),
        ["by: must not be negative: the clock only moves forward"]
    );
    let to = later(start, 10 * DAY).unwrap();
    let moved = test.advance_clock(v1::AdvanceClockRequest::to(to)).await.unwrap();
    assert!((0..600).contains(&since(moved.current_time, Some(to))));
    for earlier in [to, start.unwrap()] {
        let still = test.advance_clock(v1::AdvanceClockRequest::to(earlier)).await.unwrap();
        assert!((0..600).contains(&since(still.current_time, Some(to))), "it is past that time");
    }
    assert_eq!(
        violations(test.advance_clock(by(3_661)).await),
        ["step: moves the clock by more than 3,660 days; at most 3,660 are allowed in one call"]
    );
    for _ in 0..9 {
        test.advance_clock(by(3_660)).await.unwrap();
    }
    assert_eq!(
        violations(test.advance_clock(by(3_660)).await),
        [
            "step: moves the clock of the tenant more than 36,600 days ahead of the server's, which is the most"
        ]
    );
    assert!((0..600).contains(&(since(now(&test).await, Some(to)) - 9 * 3_660 * DAY)), "nothing was moved");
    assert!(since(now(&live).await, start) < 600);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_of_a_test_tenant_passes_for_it_alone_on_sqlite() {
    a_month_passes(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_of_a_test_tenant_passes_for_it_alone_on_postgres() {
    a_month_passes(Database::postgres()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_of_a_tenant_survives_a_restart_on_sqlite() {
    the_clock_is_stored(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_of_a_tenant_survives_a_restart_on_postgres() {
    the_clock_is_stored(Database::postgres()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_clocks_of_test_tenants_move_within_bounds_on_sqlite() {
    only_test_clocks_move_forward_within_bounds(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_clocks_of_test_tenants_move_within_bounds_on_postgres() {
    only_test_clocks_move_forward_within_bounds(Database::postgres()).await;
}

/// Steps on two servers add up, and each server follows the other within 5 seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_move_and_follow_one_clock() {
    let Two { front, server: first, test, .. } = two(Database::postgres()).await;
    let second = front.serve_on_system_time(config()).await;
    let key = front.key("sandbox", "all");
    let other = with_key(&second, &key).await;
    with_a_plan_and_a_hold(&test).await;
    let start = now(&test).await;
    let steps = |client: WalletClient| async move {
        for _ in 0..5 {
            client.without_retries().advance_clock(by(1)).await.unwrap();
        }
    };
    tokio::join!(steps(test.clone()), steps(other.clone()));
    for client in [&test, &other] {
        eventually("the server follows", async || {
            let seconds = since(now(client).await, start);
            if seconds >= 10 * DAY { Ok(()) } else { Err(seconds) }
        })
        .await;
        assert!(since(now(client).await, start) < 10 * DAY + 600, "no step counts twice");
    }
    // A hold of one server expires by the clock that the other one knows, too.
    hold(&other, "short", 1).await;
    last_is(&test, EntryKind::HoldExpired).await;
    assert_eq!(kinds(&other, "w").await.iter().filter(|kind| **kind == EntryKind::PeriodBegan).count(), 1);
    assert!(first.verify().await.is_clean());
}
