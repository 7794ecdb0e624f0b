//! Renewals, expiries, plan changes and purchases while 32 callers reserve, settle, fail and cancel. The clock is moved
//! across the end of a period in the middle of the load, for twelve periods.

use prost_types::Timestamp;
use tokio::task::JoinSet;
use wallet_client::v1::advance_clock_request::Step;
use wallet_client::v1::{self, CancelReason, ErrorReason, Source};
use wallet_client::{Error, WalletClient};
use wallet_server::{Clock, Config, TimeSource};

use crate::harness::Server;
use crate::shorthand::{cancel, fail, later, settle};
use crate::subscriptions::{WEEK, change, images, subscribe, subscription_of};

const CALLERS: usize = 32;
const PERIODS: i64 = 12;

/// The weekly allowances of the two plans, in credits.
const SMALL: i64 = 300;
const LARGE: i64 = 1_000;
/// The rollover cap of the small plan, in credits.
const ROLLOVER: i64 = 10;
const PLANS: &str = r#"
    [units.credits]

    [[plans]]
    id = "small"
    rank = 1
    term = "WEEK"
    allowances = [{ unit = "credits", amount = 300, rollover = { cap = 10 } }]

    [[plans]]
    id = "large"
    rank = 2
    term = "WEEK"
    allowances = [{ unit = "credits", amount = 1000 }]

    [[packs]]
    id = "bulk"
    amounts = { credits = 20 }
    expiry = { with_subscription = true }

    [[rules]]
    id = "image"
    kind = "image.generate"
    components = [{ label = "Images", unit = "credits", quantity = "count", rate = 1 }]
"#;

fn manual_time() -> Config {
    // 2026-01-31T09:00:00Z
    let start = wallet_core::Timestamp::from_micros(1_769_850_000_000_000);
    let time = TimeSource::Given(Clock::manual(start));
    Config { time, catalog: Some(PLANS.to_owned()), ..Config::default() }
}

each_fleet! {
    config = manual_time();

    async fn no_credit_is_lost_or_created_at_the_end_of_a_period_under_load(servers: Vec<Server>) {
        let client = servers[0].wallet("w", 0).await;
        let sold = client.subscribe(subscribe("sold", "large")).await.unwrap();
        let anchor = subscription_of(sold.wallet).anchor_time;
        let mut charged = 0;
        for period in 1..=PERIODS {
            let boundary = later(anchor, period * WEEK);
            to(&client, later(boundary, -2)).await;
            charged += at_the_boundary(&servers, period, boundary).await;
        }
        to(&client, later(anchor, PERIODS * WEEK + 86_400)).await;

        let grants = all_grants(&client).await;
        let consumed: i64 = grants.iter().map(|grant| grant.consumed).sum();
        assert_eq!(consumed, charged, "the acknowledged charges are the consumed credits");
        assert!(charged > 0);
        for period in 0..=PERIODS {
            let given = allowances_at(&grants, later(anchor, period * WEEK));
            assert_eq!(given.len(), 1, "the allowance of period {period} is issued once: {given:?}");
        }
        let open = client.get_wallet(v1::GetWalletRequest { wallet_id: "w".into() }).await.unwrap();
        assert_eq!(open.wallet.unwrap().open_reservations, 0);
        let report = servers[0].verify().await;
        assert!(report.is_clean(), "{report}");
    }
}

/// Runs all callers while a period ends. Returns what the acknowledged calls were charged.
async fn at_the_boundary(servers: &[Server], period: i64, boundary: Option<Timestamp>) -> i64 {
    let mut clients = Vec::new();
    for server in servers {
        clients.push(server.client().await);
    }
    let client = |n: usize| clients[n % clients.len()].clone();
    let mut work = JoinSet::new();
    for n in 0..CALLERS {
        let (client, id) = (client(n), format!("job-{period}-{n}"));
        work.spawn(async move { one_job(&client, &id, n).await });
    }
    let mut others = JoinSet::new();
    let (clock, buyer, billing) = (client(0), client(1), client(2));
    others.spawn(async move {
        for second in -1..=2 {
            to(&clock, later(boundary, second)).await;
        }
    });
    others.spawn(async move {
        let pack = v1::top_up_request::What::PackId("bulk".into());
        let top_up_id = format!("pack-{period}");
        let request =
            v1::TopUpRequest { wallet_id: "w".into(), top_up_id, what: Some(pack), ..Default::default() };
        buyer.top_up(request).await.unwrap();
        let refund = v1::RefundTopUpRequest {
            wallet_id: "w".into(),
            request_id: format!("refund-{period}"),
            purchase: Some(v1::refund_top_up_request::Purchase::TopUpId(format!("pack-{period}"))),
            ..Default::default()
        };
        if let Err(error) = buyer.refund_top_up(refund).await {
            nothing(error, &[ErrorReason::NotRefundable]);
        }
    });
    others.spawn(async move {
        // Downgrades at the end of the period and upgrades at once in the next.
        let plan = if period % 2 == 0 { "large" } else { "small" };
        billing.change_plan(change(&format!("change-{period}"), plan)).await.unwrap();
    });
    others.join_all().await;
    work.join_all().await.into_iter().sum()
}

/// Runs a job that ends in one of several ways or is left to expire. Returns what it was charged.
async fn one_job(client: &WalletClient, id: &str, n: usize) -> i64 {
    match client.reserve(v1::ReserveRequest::new("w", id, images("9"))).await {
        Ok(_) => {}
        Err(error) => return nothing(error, &[ErrorReason::InsufficientCredits]),
    }
    let ended = match n % 4 {
        0 => client
            .settle(settle("w", id, v1::Succeeded::usage([("count", "7")])))
            .await
            .map(|done| done.reservation),
        1 => client.settle(fail("w", id, "OOM")).await.map(|done| done.reservation),
        2 => client.cancel(cancel("w", id, CancelReason::User)).await.map(|done| done.reservation),
        _ => return 0,
    };
    match ended {
        Ok(ended) => ended.unwrap().charged.iter().map(|amount| amount.amount).sum(),
        Err(error) => nothing(error, &[ErrorReason::ReservationExpired]),
    }
}

/// Asserts that the refusal has one of these reasons. Returns the charge of a refused call, which is 0.
fn nothing(error: Error, reasons: &[ErrorReason]) -> i64 {
    assert!(error.reason().is_some_and(|reason| reasons.contains(&reason)), "{error}");
    0
}

async fn to(client: &WalletClient, instant: Option<Timestamp>) {
    let request = v1::AdvanceClockRequest { step: instant.map(Step::ToTime) };
    client.advance_clock(request).await.unwrap();
}

async fn all_grants(client: &WalletClient) -> Vec<v1::Grant> {
    let request = v1::ListGrantsRequest {
        wallet_id: "w".into(),
        include_closed: true,
        page_size: 500,
        ..Default::default()
    };
    let page = client.list_grants(request).await.unwrap();
    assert_eq!(page.next_page_token, "");
    page.grants
}

/// The amounts of the full allowances that became effective at an instant.
fn allowances_at(grants: &[v1::Grant], instant: Option<Timestamp>) -> Vec<i64> {
    let amount = |grant: &v1::Grant| grant.amount.as_ref().map_or(0, |amount| amount.amount);
    let began = grants
        .iter()
        .filter(|grant| grant.source() == Source::Subscription && grant.effective_time == instant);
    // An upgrade at this instant adds the difference between the two plans, which is not a full allowance.
    began
        .map(amount)
        .filter(|amount| (SMALL..=SMALL + ROLLOVER).contains(amount) || *amount == LARGE)
        .collect()
}
