//! SummarizeUsage: totals of finished jobs by day, kind, model, member and label.

use std::collections::HashMap;

use wallet_client::v1::advance_clock_request::Step;
use wallet_client::v1::{self, CancelReason, ErrorReason, UsageDimension};
use wallet_client::{Code, WalletClient};
use wallet_core::Timestamp;
use wallet_server::{Clock, Config, TimeSource};

use crate::harness::{Database, Server, credits, video};
use crate::shorthand::{by, cancel, explicit, fail, figures, refused, seconds, settle, start, violations};

const HOUR: i64 = 3_600;

fn dimension(dimension: UsageDimension) -> v1::UsageGroupBy {
    v1::UsageGroupBy { dimension: dimension.into(), label: String::new() }
}

fn label(key: &str) -> v1::UsageGroupBy {
    v1::UsageGroupBy { dimension: UsageDimension::Label.into(), label: key.into() }
}

fn ask(group_by: Vec<v1::UsageGroupBy>) -> v1::SummarizeUsageRequest {
    v1::SummarizeUsageRequest { wallet_id: "w".into(), group_by, ..Default::default() }
}

/// Formats usage: jobs settled, failed, cancelled and expired, then the sums of credits.
fn words(usage: &v1::UsageSums) -> String {
    let v1::UsageSums { settled_jobs, failed_jobs, cancelled_jobs, expired_jobs, .. } = usage;
    let mut words = format!("{settled_jobs}/{failed_jobs}/{cancelled_jobs}/{expired_jobs}");
    for (name, amounts) in [
        ("charged", &usage.charged),
        ("fees", &usage.fees),
        ("returned", &usage.returned),
        ("forfeited", &usage.forfeited),
        ("uncollected", &usage.uncollected),
        ("reversed", &usage.reversed),
    ] {
        let amounts: Vec<_> = amounts.iter().filter(|amount| amount.amount > 0).cloned().collect();
        if !amounts.is_empty() {
            words += &format!(", {name} {}", figures(&amounts));
        }
    }
    words
}

/// The rows, each as "values: usage", and the total.
async fn shown(client: &WalletClient, request: v1::SummarizeUsageRequest) -> (Vec<String>, String) {
    let answer = client.summarize_usage(request).await.unwrap();
    let row =
        |row: &v1::UsageRow| format!("{}: {}", row.values.join(" | "), words(row.sums.as_ref().unwrap()));
    (answer.rows.iter().map(row).collect(), words(answer.total.as_ref().unwrap()))
}

/// Creates jobs that were settled, failed and cancelled, and one that is open.
async fn five_jobs(server: &Server) -> WalletClient {
    let client = server.wallet("w", 500).await;
    let labels = |team: &str| HashMap::from([("team".to_owned(), team.to_owned())]);
    let caption = v1::Operation::new("video.caption").quantity("duration_s", "60");
    let ann = |request| v1::ReserveRequest { actor: "ann".into(), ..request };
    for request in [
        ann(v1::ReserveRequest::new("w", "settled", video("5"))),
        ann(v1::ReserveRequest {
            labels: labels("red"),
            ..v1::ReserveRequest::new("w", "failed", video("5"))
        }),
        v1::ReserveRequest {
            labels: labels("red"),
            ..v1::ReserveRequest::new("w", "cancelled", video("10"))
        },
        v1::ReserveRequest { labels: labels("blue"), ..v1::ReserveRequest::new("w", "caption", caption) },
        explicit("w", "open", vec![credits(3)]),
    ] {
        client.reserve(request).await.unwrap();
    }
    client.settle(settle("w", "settled", v1::Succeeded::usage([("duration_s", "4")]))).await.unwrap();
    client.settle(fail("w", "failed", "GPU_LOST")).await.unwrap();
    client.start(start("w", "cancelled", "gpu", 1)).await.unwrap();
    client.cancel(cancel("w", "cancelled", CancelReason::User)).await.unwrap();
    client.settle(settle("w", "caption", v1::Succeeded::default())).await.unwrap();
    client
}

each_database! {
    async fn jobs_are_counted_by_end_state_and_credits_by_their_use(server: Server) {
        let client = five_jobs(&server).await;
        let total = "2/1/1/0, charged 74 credits, fees 40 credits, returned 88 credits";
        assert_eq!(shown(&client, ask(Vec::new())).await, (vec![], total.to_owned()));
        let (rows, same) = shown(&client, ask(vec![dimension(UsageDimension::Kind)])).await;
        let expected = [
            "video.caption: 1/0/0/0, charged 2 credits",
            "video.generate: 1/1/1/0, charged 72 credits, fees 40 credits, returned 88 credits",
        ];
        assert_eq!((rows, same), (expected.map(str::to_owned).to_vec(), total.to_owned()));
    }

    async fn reversed_charges_are_shown_next_to_the_charges(server: Server) {
        let client = five_jobs(&server).await;
        let goodwill = v1::ReverseChargeRequest {
            wallet_id: "w".into(),
            request_id: "sorry".into(),
            reservation_id: "settled".into(),
            amounts: vec![credits(12)],
            ..Default::default()
        };
        client.reverse_charge(goodwill).await.unwrap();
        let (rows, total) = shown(&client, ask(vec![dimension(UsageDimension::Actor)])).await;
        assert!(rows.iter().any(|row| row.starts_with("ann: ") && row.ends_with("reversed 12 credits")), "{rows:?}");
        assert!(total.contains("charged 7") && total.ends_with("reversed 12 credits"), "{total}");
    }

    async fn groups_are_distinguished_by_every_requested_dimension(server: Server) {
        let client = five_jobs(&server).await;
        let settled = "1/0/0/0, charged 32 credits, returned 8 credits";
        let failed = "0/1/0/0, returned 40 credits";
        let cancelled = "0/0/1/0, charged 40 credits, fees 40 credits, returned 40 credits";
        let caption = "1/0/0/0, charged 2 credits";
        let (model, actor) = (dimension(UsageDimension::Model), dimension(UsageDimension::Actor));
        let (rows, _) = shown(&client, ask(vec![actor, label("team")])).await;
        let expected = [
            format!(" | blue: {caption}"),
            format!(" | red: {cancelled}"),
            format!("ann | : {settled}"),
            format!("ann | red: {failed}"),
        ];
        assert_eq!(rows, expected);
        let (rows, _) = shown(&client, ask(vec![label("team"), model])).await;
        let expected = [
            format!(" | standard: {settled}"),
            format!("blue | : {caption}"),
            "red | standard: 0/1/1/0, charged 40 credits, fees 40 credits, returned 80 credits".to_owned(),
        ];
        assert_eq!(rows, expected);
    }

    async fn more_jobs_than_one_page_are_all_counted_once(server: Server) {
        let client = server.wallet("w", 5_000).await;
        let one_by_one = (0..1_003).map(|n| {
            let client = client.clone();
            async move {
                let id = format!("j{n}");
                client.reserve(explicit("w", &id, vec![credits(1)])).await.unwrap();
                client.settle(settle("w", &id, v1::Succeeded::default())).await.unwrap();
            }
        });
        let mut running = tokio::task::JoinSet::new();
        one_by_one.for_each(|one| drop(running.spawn(one)));
        running.join_all().await;
        let (_, total) = shown(&client, ask(Vec::new())).await;
        assert_eq!(total, "1003/0/0/0, charged 1003 credits");
    }

    async fn every_bad_field_is_named(server: Server) {
        let client = server.wallet("w", 0).await;
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let bad = v1::SummarizeUsageRequest { from_time: at(-1), ..ask(vec![dimension(UsageDimension::Unspecified)]) };
        let expected = [
            "from_time: must lie between 1970-01-01T00:00:00Z and 9999-12-31T23:59:59Z",
            "group_by[0].dimension: must be DAY, KIND, MODEL, ACTOR or LABEL",
        ];
        assert_eq!(violations(client.summarize_usage(bad).await), expected);
        let years = v1::SummarizeUsageRequest { from_time: at(0), to_time: at(367 * 86_400), ..ask(Vec::new()) };
        let expected = ["from_time: lies more than 366 days before 1971-01-03T00:00:00Z"];
        assert_eq!(violations(client.summarize_usage(years).await), expected);
        let nobody = v1::SummarizeUsageRequest { wallet_id: "nobody".into(), ..ask(Vec::new()) };
        refused(client.summarize_usage(nobody).await, ErrorReason::WalletNotFound, Code::NotFound);
        assert_eq!(shown(&client, ask(vec![dimension(UsageDimension::Day)])).await, (vec![], "0/0/0/0".into()));
    }
}

fn at(instant: &str) -> prost_types::Timestamp {
    instant.parse().unwrap()
}

async fn pass(client: &WalletClient, time: i64) {
    let request = v1::AdvanceClockRequest { step: Some(Step::By(seconds(time))) };
    client.advance_clock(request).await.unwrap();
}

/// A server whose manual clock shows noon of 1 March 2026.
async fn on_manual_time(database: Database) -> Server {
    let noon = Timestamp::from_micros(at("2026-03-01T12:00:00Z").seconds * 1_000_000);
    let config = Config { time: TimeSource::Given(Clock::manual(noon)), ..Config::default() };
    Server::start_with(database, config).await
}

/// A hold with the longest lifetime of a day is settled at the last instant at which a late settle is accepted: a
/// microsecond less than four days after it was reserved.
async fn usage_belongs_to_the_day_of_finishing_even_days_after_the_reserve(server: Server) {
    let client = server.wallet("w", 100).await;
    let day_long = |id: &str| v1::ReserveRequest {
        ttl: Some(seconds(24 * HOUR)),
        ..v1::ReserveRequest::new("w", id, video("5"))
    };
    for id in ["late", "lost"] {
        client.reserve(day_long(id)).await.unwrap();
    }
    client
        .reserve(v1::ReserveRequest::new("w", "prompt", video("1")).with_start(by("gpu", 1)))
        .await
        .unwrap();
    client.settle(settle("w", "prompt", v1::Succeeded::default())).await.unwrap();
    pass(&client, 96 * HOUR - 1).await;
    let accept_late =
        v1::SettleRequest { accept_late: true, ..settle("w", "late", v1::Succeeded::default()) };
    client.settle(accept_late).await.unwrap();

    let (rows, _) = shown(&client, ask(vec![dimension(UsageDimension::Day)])).await;
    let expected = [
        "2026-03-01: 1/0/0/0, charged 8 credits",
        "2026-03-02: 0/0/0/1, returned 40 credits",
        "2026-03-05: 1/0/0/0, charged 40 credits, returned 40 credits",
    ];
    assert_eq!(rows, expected, "at the very instant of the last settle");
    for (from, to, expected) in [
        ("2026-03-05T00:00:00Z", "2026-03-06T00:00:00Z", "1/0/0/0, charged 40 credits, returned 40 credits"),
        ("2026-03-05T11:59:59Z", "2026-03-05T12:00:00Z", "1/0/0/0, charged 40 credits, returned 40 credits"),
        ("2026-03-05T00:00:00Z", "2026-03-05T11:59:59Z", "0/0/0/0"),
        ("2026-03-02T12:00:00Z", "2026-03-02T12:00:01Z", "0/0/0/1, returned 40 credits"),
        ("2026-02-01T00:00:00Z", "2026-03-01T12:00:00Z", "0/0/0/0"),
    ] {
        let request =
            v1::SummarizeUsageRequest { from_time: Some(at(from)), to_time: Some(at(to)), ..ask(Vec::new()) };
        assert_eq!(shown(&client, request).await.1, expected, "{from} to {to}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usage_belongs_to_the_day_of_finishing_on_sqlite() {
    let server = on_manual_time(Database::sqlite()).await;
    usage_belongs_to_the_day_of_finishing_even_days_after_the_reserve(server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usage_belongs_to_the_day_of_finishing_on_postgres() {
    let server = on_manual_time(Database::postgres()).await;
    usage_belongs_to_the_day_of_finishing_even_days_after_the_reserve(server).await;
}
