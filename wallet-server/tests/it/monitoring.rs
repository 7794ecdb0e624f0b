//! The metrics and checks of a running server, as Prometheus and orchestrators read them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use wallet_client::v1;
use wallet_server::Config;

use crate::connect::{Answered, Curl};
use crate::frozen::tamper;
use crate::harness::{Database, Front, Server, credits, eventually, micros, video, with_key};
use crate::shorthand::gift;

/// Reads a page of the monitoring address.
fn page(server: &Server, path: &str, arguments: &[&str]) -> Answered {
    Curl::new(format!("http://{}", server.monitoring), "--http1.1").with(arguments).run(path, b"")
}

pub(crate) fn metrics(server: &Server) -> String {
    String::from_utf8(page(server, "metrics", &[]).bytes).expect("text")
}

/// Returns the value of a series.
fn value(metrics: &str, series: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in {metrics}")).parse().expect("a number")
}

each_database! {
    async fn calls_and_batches_are_counted(server: Server) {
        let client = server.wallet("w", 100).await;
        for id in ["a", "b"] {
            client.grant(gift("w", id, credits(5))).await.unwrap();
        }
        client.grant(gift("nobody", "a", credits(5))).await.unwrap_err();
        // The reply of the last call has been read, and its observation ends with it.
        let handled = |method: &str, code: &str| {
            format!(
                "grpc_server_handled_total{{grpc_service=\"wallet.v1.AdminService\",grpc_method=\"{method}\",\
                 grpc_code=\"{code}\"}}"
            )
        };
        let seen = eventually("the last call is counted", async || {
            let seen = metrics(&server);
            if seen.contains(&handled("Grant", "NotFound")) { Ok(seen) } else { Err(seen) }
        })
        .await;
        assert_eq!(value(&seen, &handled("Grant", "Ok")), 2.0);
        assert_eq!(value(&seen, &handled("Grant", "NotFound")), 1.0);
        assert_eq!(value(&seen, &handled("CreateWallet", "Ok")), 1.0);
        let timed = "grpc_server_handling_seconds_count{grpc_service=\"wallet.v1.AdminService\",grpc_method=\"Grant\"}";
        assert_eq!(value(&seen, timed), 3.0);
        let counts = server.counts();
        assert!(counts.commands >= 4, "{counts:?}");
        assert!(value(&seen, "wallet_commands_total") >= 4.0);
        assert_eq!(value(&seen, "wallet_entries_total{kind=\"Granted\"}"), 2.0);
        let issued = "wallet_credits_total{tenant=\"default\",unit=\"credits\",from=\"Issued\",to=\"Available\"}";
        assert_eq!(value(&seen, issued), 110.0, "a top-up of 100 and two grants of 5");
        assert_eq!(value(&seen, "wallet_condition{condition=\"Database\"}"), 1.0);
        assert!(value(&seen, "wallet_batch_seconds_count") >= 1.0);
        assert_eq!(seen.lines().last(), Some("# EOF"));
    }

    async fn commands_for_frozen_and_unreadable_wallets_are_counted(server: Server) {
        let server = server.without_cache().await;
        let client = server.wallet("frozen", 100).await;
        server.wallet("unreadable", 100).await;
        assert_eq!(value(&metrics(&server), "wallet_frozen_refusals_total"), 0.0);
        let spoil = "WHERE wallet_key = (SELECT wallet_key FROM wallet_profiles WHERE wallet_id";
        tamper(&server.database, &format!("UPDATE grants SET available = 99, consumed = 0 {spoil} = 'frozen')")).await;
        tamper(&server.database, "UPDATE wallet_profiles SET profile = 'x' WHERE wallet_id = 'unreadable'").await;
        for (n, wallet) in ["frozen", "unreadable", "frozen"].into_iter().enumerate() {
            client.grant(gift(wallet, &n.to_string(), credits(5))).await.unwrap_err();
        }
        // The sweeper may have tried as well.
        assert!(value(&metrics(&server), "wallet_frozen_refusals_total") >= 3.0);
    }

    async fn holds_and_those_that_no_sweep_has_processed_are_counted(server: Server) {
        let client = server.wallet("w", 100).await;
        for job in ["late", "on-time"] {
            client.reserve(v1::ReserveRequest::new("w", job, video("5"))).await.unwrap();
        }
        let database = server.database.clone();
        server.stop().await;
        // A server counts at its start, before its first sweep.
        let minute_ago = micros() - 60_000_000;
        let late = format!("UPDATE holds SET sweep_at = {minute_ago} WHERE reservation_id = 'late'");
        assert_eq!(database.execute(&late).await, 1);
        let config = Config { sweep_period: Duration::from_secs(3_600), ..Config::default() };
        let server = Server::start_with(database, config).await;
        let seen = eventually("the holds are counted", async || {
            let seen = metrics(&server);
            if value(&seen, "wallet_holds_open") > 0.0 { Ok(seen) } else { Err(seen) }
        })
        .await;
        assert_eq!(value(&seen, "wallet_holds_open"), 2.0);
        assert_eq!(value(&seen, "wallet_holds_overdue"), 1.0);
        let age = value(&seen, "wallet_holds_oldest_overdue_seconds");
        assert!((60.0..600.0).contains(&age), "{age}");
    }

    async fn checks_and_mistakes_of_their_callers_are_answered(server: Server) {
        let _client = server.client().await;
        let ready = page(&server, "readyz", &[]);
        assert_eq!((ready.status, ready.bytes.as_slice()), (200, &b"ready\n"[..]));
        assert_eq!(page(&server, "livez", &[]).status, 200);
        let seen = page(&server, "metrics", &[]);
        assert_eq!(seen.content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
        for (path, arguments, status) in [("", &[][..], 404), ("metrics", &["-X", "POST"], 405)] {
            assert_eq!(page(&server, path, arguments).status, status, "{path}");
        }
    }
}

/// Credits are counted by tenant for the 50 tenants that were created first, and together for all others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credits_are_counted_by_tenant_for_the_first_50_tenants() {
    let front = Front::new(Database::sqlite());
    front.cli(&["tenants", "create", "studio"]);
    // With the tenants `default` and `studio` they are 50; the last one is newer.
    let others = "INSERT INTO tenants (tenant, name, mode, status, create_time, clock_ahead)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 48)
        SELECT randomblob(16), 'n' || i, 0, 0, (SELECT max(create_time) FROM tenants) + i, 0 FROM n";
    assert_eq!(front.database.execute(others).await, 48);
    front.cli(&["tenants", "create", "late"]);
    front
        .database
        .execute("UPDATE tenants SET create_time = create_time + 1000000 WHERE name = 'late'")
        .await;
    let keys = ["default", "studio", "late"].map(|tenant| front.key(tenant, "all"));
    let server = front.serve().await;
    for (n, key) in keys.iter().enumerate() {
        let client = with_key(&server, key).await;
        client.create_wallet(v1::CreateWalletRequest::new("w")).await.unwrap();
        let amount = credits(10 + i64::try_from(n).unwrap());
        client.top_up(v1::TopUpRequest::amount("w", "pack", amount)).await.unwrap();
    }
    let seen = metrics(&server);
    for (tenant, amount) in [("default", 10.0), ("studio", 11.0), ("other", 12.0)] {
        let issued = "unit=\"credits\",from=\"Issued\",to=\"Available\"";
        assert_eq!(value(&seen, &format!("wallet_credits_total{{tenant=\"{tenant}\",{issued}}}")), amount);
    }
    assert!(!seen.contains("tenant=\"late\""), "{seen}");
}

/// Returns the metrics that `docs/monitoring.md` lists, without the suffix of counters, as `# TYPE` lines name them.
fn documented() -> BTreeSet<String> {
    let document = fs::read_to_string(root().join("docs/monitoring.md")).unwrap();
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let names = rows.filter(|name| is_metric(name));
    names.map(|name| name.trim_end_matches("_total").trim_end_matches("_info").to_owned()).collect()
}

fn is_metric(name: &str) -> bool {
    name.starts_with("grpc_server_") || name.starts_with("wallet_")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_lists_exactly_the_metrics_of_a_server() {
    let server = Server::start(crate::harness::Database::sqlite()).await;
    let client = server.wallet("w", 1).await;
    client.get_balance(v1::GetBalanceRequest { wallet_id: "w".into(), ..Default::default() }).await.unwrap();
    let shown = metrics(&server);
    let types = shown.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let shown: BTreeSet<String> = types.map(str::to_owned).collect();
    assert_eq!(documented(), shown);
}

/// Returns the alerts with their severities.
fn alerts() -> BTreeSet<(String, String)> {
    let rules = fs::read_to_string(root().join("ops/alerts.yml")).unwrap();
    let rules = rules.split("- alert: ").skip(1).map(|rule| {
        let name = rule.lines().next().unwrap().to_owned();
        let (_, severity) = rule.split_once("severity: ").unwrap_or_else(|| panic!("{name} has no severity"));
        (name, severity.split('}').next().unwrap().to_owned())
    });
    rules.collect()
}

#[test]
fn the_document_lists_exactly_the_alerts_and_each_has_a_case_that_fires() {
    let document = fs::read_to_string(root().join("docs/monitoring.md")).unwrap();
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `Wallet")?.split_once("` | "));
    let listed =
        rows.map(|(name, rest)| (format!("Wallet{name}"), rest.split(' ').next().unwrap().to_owned()));
    let alerts = alerts();
    assert_eq!(listed.collect::<BTreeSet<_>>(), alerts);
    let cases = fs::read_to_string(root().join("ops/alerts_test.yml")).unwrap();
    let (quiet, failing) = cases.split_once("name: a failing server").unwrap();
    for (name, _) in &alerts {
        assert!(quiet.contains(&format!("alertname: {name}}}")), "{name} has no case that does not fire");
    }
    // Prometheus counts the alerts that fire in the second case.
    assert!(failing.contains(&format!("value: {}}}", alerts.len())), "{failing}");
}

#[test]
fn alerts_and_dashboard_use_documented_metrics_only() {
    let documented = documented();
    for file in ["ops/alerts.yml", "ops/alerts_test.yml", "ops/dashboard.json"] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let names: BTreeSet<&str> = words.filter(|word| is_metric(word)).collect();
        assert!(names.len() > 5, "{file}: {names:?}");
        for name in names {
            let suffixes = ["_total", "_bucket", "_sum", "_count"];
            let base = suffixes.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
            assert!(documented.contains(base), "{file}: {name}");
        }
    }
}
