//! The command `doctor`: each check finds nothing on a healthy database in use, and names the fault that a test makes.

use std::collections::BTreeMap;
use std::fs;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use sea_orm::ConnectionTrait;
use serde_json::Value;
use wallet_client::v1;

use super::{Ended, run};
use crate::harness::{Database, Front, Server, credits, id_of, video, with_key};

/// The findings of a doctor by the name of their check: level, text and next step.
struct Findings(BTreeMap<String, [String; 3]>);

impl Findings {
    /// Examines a database with more arguments. The exit code is 1 exactly if there is an error.
    fn of(database: &Database, arguments: &[&str]) -> Self {
        Self::of_url(&database.url, arguments)
    }

    fn of_url(url: &str, arguments: &[&str]) -> Self {
        let ended = run(&[&["doctor", "--json", "--database-url", url], arguments].concat(), &[]);
        let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
        let code = i32::from(report["errors"] != 0);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let finding = |finding: &Value| {
            let parts = ["level", "text", "next"].map(|part| text(&finding[part]));
            (text(&finding["check"]), parts)
        };
        Self(report["findings"].as_array().unwrap().iter().map(finding).collect())
    }

    /// Expects this level of a check and a part of its text, and that all others found nothing.
    #[track_caller]
    fn only(&self, check: &str, level: &str, part: &str) {
        let [found, text, next] = self.0.get(check).unwrap_or_else(|| panic!("no {check}: {:?}", self.0));
        assert_eq!((found.as_str(), text.contains(part)), (level, true), "{check}: {text}");
        assert_eq!(next.is_empty(), level == "ok", "{check}: {next}");
        // The disk is that of the machine that runs the test.
        let others =
            self.0.iter().filter(|(name, [level, ..])| *name != check && *name != "disk" && level != "ok");
        assert_eq!(others.collect::<Vec<_>>(), [], "other findings");
    }
}

each_database! {
    async fn a_healthy_database_in_use_is_examined_without_findings(server: Server) {
        server.wallet("w", 100).await;
        let Ended { code, stdout, .. } = run(&["doctor", "--database-url", &server.database.url], &[]);
        assert_eq!(code, Some(0), "{stdout}");
        let lines: Vec<&str> = stdout.lines().collect();
        let database = format!("ok       database: {} ", server.database.name());
        assert!(lines.len() > 8 && lines[1].starts_with(&database), "{stdout}");
        assert!(lines.last().unwrap().starts_with("0 errors and "), "{stdout}");
        let findings = Findings::of(&server.database, &[]);
        findings.only("schema", "ok", "all migrations");
        let of_postgres = ["transactions", "vacuum"].map(|check| findings.0.contains_key(check));
        assert_eq!(of_postgres, [server.database.name() == "PostgreSQL"; 2]);
        assert_eq!(findings.0.contains_key("disk"), server.database.name() == "SQLite");
        assert!(server.verify().await.is_clean());
    }

    async fn a_schema_that_is_not_that_of_the_release_is_an_error(server: Server) {
        let database = server.database.clone();
        server.stop().await;
        database.execute("DROP INDEX holds_sweep").await;
        Findings::of(&database, &[]).only("indexes", "error", "has no index holds_sweep");
        database.execute("CREATE INDEX holds_sweep ON holds (bucket)").await;
        Findings::of(&database, &[]).only("indexes", "error", "has index holds_sweep as ");
        database.execute("DELETE FROM seaql_migrations WHERE version LIKE 'm0006%'").await;
        Findings::of(&database, &[]).only("schema", "error", "missing migrations: 1, the first is m0006");
        let newer = "INSERT INTO seaql_migrations (version, applied_at)
            VALUES ('m0006_webhooks', 0), ('m9999_later', 0)";
        database.execute(newer).await;
        Findings::of(&database, &[]).only("schema", "warning", "a newer release has applied m9999_later");
        database.execute("UPDATE seaql_migrations SET version = 'm9999_x_after_m9998' WHERE version LIKE 'm9999%'").await;
        Findings::of(&database, &[]).only("schema", "error", "a newer release has applied m9999_x_after_m9998");
    }

    async fn work_that_waits_in_the_database_is_a_warning(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(v1::ReserveRequest::new("w", "job", video("5"))).await.unwrap();
        let database = server.database.clone();
        let endpoint = server.endpoint();
        let hook = ["webhooks", "create", "crm", "https://crm.example/", "--endpoint", &endpoint];
        assert_eq!(tokio::task::block_in_place(|| run(&hook, &[])).code, Some(0));
        server.stop().await;

        database.execute("UPDATE holds SET sweep_at = 1000000").await;
        Findings::of(&database, &[]).only("holds", "warning", "overdue: 1, the oldest since 1970-01-01T00:00:01Z");
        database.execute("UPDATE wallets SET frozen = true").await;
        Findings::of(&database, &[]).only("wallets", "warning", "frozen: 1, with the ids w");
        database.execute("UPDATE wallets SET frozen = false; DELETE FROM holds; DELETE FROM feed_outbox").await;

        let (id, bytes) = match database.name() {
            "SQLite" => ("x'017f22e279b07cc398c4dc0c0c07398f'", "x'00'"),
            _ => ("'017f22e2-79b0-7cc3-98c4-dc0c0c07398f'", "'\\x00'"),
        };
        database.execute(&format!("INSERT INTO feed_outbox VALUES (1, {id}, {bytes})")).await;
        Findings::of(&database, &[]).only("feed", "warning", "batches without positions: 1, the oldest since 2022-02-22");
        database.execute("DELETE FROM feed_outbox").await;

        let unpublished = format!(
            "DELETE FROM feed_blocks; DELETE FROM feed_heads;
             INSERT INTO feed_heads (tenant, first_position, last_position) SELECT tenant, 1, 9 FROM tenants;
             INSERT INTO feed_blocks (tenant, last_position, first_position, create_time, items)
             SELECT tenant, 9, 1, 1000000, {bytes} FROM tenants;
             INSERT INTO nats_positions (tenant, last_position) SELECT tenant, 2 FROM tenants"
        );
        database.execute(&unpublished).await;
        let waiting = "items that are not published: 7, the oldest since 1970-01-01T00:00:01Z";
        Findings::of(&database, &["--nats-url", "nats://localhost"]).only("nats", "warning", waiting);

        database.execute("UPDATE webhook_endpoints SET failing_since = 1").await;
        let failing = "endpoints that have failed for an hour: 1, namely crm of tenant default (fails)";
        Findings::of(&database, &[]).only("webhooks", "warning", failing);
        database.execute("UPDATE webhook_endpoints SET state = 2").await;
        let disabled = "disabled endpoints: 1, namely crm of tenant default (it answered 410 Gone)";
        Findings::of(&database, &[]).only("webhooks", "warning", disabled);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holds_that_are_overdue_by_a_moved_clock_are_a_warning() {
    for database in [Database::sqlite(), Database::postgres()] {
        let front = Front::new(database);
        front.cli(&["tenants", "create", "sandbox", "--test"]);
        let key = front.key("sandbox", "all");
        let server = front.serve().await;
        let client = with_key(&server, &key).await;
        client.create_wallet(v1::CreateWalletRequest::new("w")).await.unwrap();
        client.top_up(v1::TopUpRequest::amount("w", "pack", credits(100))).await.unwrap();
        client.reserve(v1::ReserveRequest::new("w", "job", video("5"))).await.unwrap();
        server.stop().await;
        let pepper = front.pepper_file();
        let with_pepper = ["--key-pepper-file", pepper.as_str()];
        Findings::of(&front.database, &with_pepper).only("clocks", "ok", "nothing is overdue");
        // As by an AdvanceClock whose server ended before it had processed the wallet.
        let day = "UPDATE tenants SET clock_ahead = 86400000000 WHERE name = 'sandbox'";
        front.database.execute(day).await;
        let overdue = "something is overdue by the clock of their tenant: 1, namely w of tenant sandbox";
        Findings::of(&front.database, &with_pepper).only("clocks", "warning", overdue);
    }
}

#[test]
fn a_database_that_cannot_be_examined_is_an_error() {
    let none = Database::sqlite();
    Findings::of(&none, &[]).only("database", "error", "does not exist");
    let empty = Database::postgres();
    Findings::of(&empty, &[]).only("schema", "error", "missing migrations: 7");
    let findings = Findings::of_url("postgres://wallet:canary@127.0.0.1:1/wallet", &[]);
    findings.only("database", "error", "postgres://wallet@127.0.0.1:1/wallet: ");
    assert!(!format!("{:?}", findings.0).contains("canary"));
    let wrong = run(&["doctor", "--config", "/nowhere.toml"], &[]);
    assert_eq!(
        (wrong.code, wrong.stdout.starts_with("error    configuration: ")),
        (Some(1), true),
        "{wrong:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_and_housekeeping_of_postgresql_are_examined() {
    let database = Database::postgres();
    assert_eq!(run(&["migrate", "--database-url", &database.url], &[]).code, Some(0));
    let (_, name) = database.url.rsplit_once('/').unwrap();
    database.execute(&format!("ALTER DATABASE {name} SET synchronous_commit = off")).await;
    let unsafe_commits = "credits that were acknowledged may be lost: synchronous_commit is off";
    Findings::of(&database, &[]).only("durability", "error", unsafe_commits);
    Findings::of(&database, &["--accept-unsafe-database"]).only("durability", "warning", unsafe_commits);
    database.execute(&format!("ALTER DATABASE {name} RESET synchronous_commit")).await;

    database.execute("ALTER TABLE wallets SET (autovacuum_enabled = false)").await;
    Findings::of(&database, &[]).only("vacuum", "warning", "autovacuum is off for wallets");
    database.execute("ALTER TABLE wallets RESET (autovacuum_enabled)").await;

    // A view and a function in the database's own schema shadow those of PostgreSQL.
    let shadows = format!(
        "CREATE VIEW public.pg_stat_activity AS SELECT datname, pid, application_name, state,
             xact_start - interval '20 minutes' AS xact_start FROM pg_catalog.pg_stat_activity;
         CREATE TABLE ahead AS SELECT interval '0' AS by;
         CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql
             AS 'SELECT pg_catalog.clock_timestamp() + (SELECT by FROM public.ahead)';
         ALTER DATABASE {name} SET search_path = public, pg_catalog"
    );
    database.execute(&shadows).await;
    let session = database.connect().await;
    session.execute_unprepared("BEGIN").await.unwrap();
    let findings = Findings::of(&database, &[]);
    findings.only("transactions", "warning", " has had a transaction open for 20 minutes");
    session.close().await.unwrap();
    // Otherwise the sessions of the examinations themselves look old for a moment.
    database.execute("DROP VIEW public.pg_stat_activity").await;

    database.execute("UPDATE ahead SET by = '10 seconds'").await;
    Findings::of(&database, &[]).only("clock", "warning", "this machine are 10.0s apart");
    database.execute("UPDATE ahead SET by = '-2 hours'").await;
    Findings::of(&database, &[]).only("clock", "error", "this machine are 7");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_ahead_of_the_clock_and_keys_without_a_pepper_are_warnings() {
    let front = Front::new(Database::sqlite());
    front.key("default", "read");
    let pepper = front.pepper_file();
    let with_pepper = ["--key-pepper-file", pepper.as_str()];
    Findings::of(&front.database, &with_pepper).only("pepper", "ok", "can be read");
    Findings::of(&front.database, &[]).only("keys", "warning", "has API keys, but callers need none");
    let server = Server::start(front.database.clone()).await;
    server.wallet("w", 1).await;
    server.stop().await;
    front.database.execute("UPDATE wallets SET last_time = 4102444800000000").await;
    Findings::of(&front.database, &with_pepper).only(
        "clock",
        "warning",
        "2100-01-01T00:00:00Z, is ahead of the clock",
    );
    front.database.execute("UPDATE wallets SET last_time = 1").await;
    fs::write(&pepper, "short").unwrap();
    Findings::of(&front.database, &with_pepper).only("pepper", "error", "at least 32 bytes");
}

#[test]
fn an_id_for_certificates_that_no_key_has_is_a_warning() {
    let front = Front::new(Database::sqlite());
    let existing = format!("cn:a={}", id_of(&front.key("default", "read")));
    let folder = tempfile::tempdir().unwrap();
    let [pem, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name).display().to_string());
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_after = date_time_ymd(2100, 1, 1);
    let pair = KeyPair::generate().unwrap();
    fs::write(&pem, params.self_signed(&pair).unwrap().pem()).unwrap();
    fs::write(&key, pair.serialize_pem()).unwrap();
    let pepper = front.pepper_file();
    let examine = |known: &str| {
        let files = ["--tls-cert", &pem, "--tls-key", &key, "--tls-client-ca", &pem];
        let known = ["--key-pepper-file", &pepper, "--tls-client-keys", known];
        Findings::of(&front.database, &[&files[..], &known].concat())
    };
    examine(&existing).only("certificate", "ok", "cert.pem expires in ");
    examine(&format!("{existing},b=aaaaaaaaaa")).only(
        "keys",
        "warning",
        "no key for b=aaaaaaaaaa of tls_client_keys",
    );
}

#[test]
fn a_certificate_is_examined_with_its_key_and_its_end() {
    let database = Database::sqlite();
    assert_eq!(run(&["migrate", "--database-url", &database.url], &[]).code, Some(0));
    let folder = tempfile::tempdir().unwrap();
    let [pem, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name).display().to_string());
    let issue = |begin: i32, end: i32| {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(begin, 1, 1), date_time_ymd(end, 1, 1));
        let pair = KeyPair::generate().unwrap();
        fs::write(&pem, params.self_signed(&pair).unwrap().pem()).unwrap();
        fs::write(&key, pair.serialize_pem()).unwrap();
    };
    let files = ["--tls-cert", pem.as_str(), "--tls-key", key.as_str()];
    issue(2020, 2100);
    Findings::of(&database, &files).only("certificate", "ok", "cert.pem expires in ");
    issue(2019, 2020);
    Findings::of(&database, &files).only("certificate", "error", "cert.pem expired on 2020-01-01T00:00:00Z");
    issue(2099, 2100);
    Findings::of(&database, &files).only("certificate", "error", "cert.pem is valid only from 2099");
    fs::write(&key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    Findings::of(&database, &files).only("certificate", "error", "cannot be used together");
    fs::remove_file(&key).unwrap();
    Findings::of(&database, &files).only("certificate", "error", "key.pem");
}
