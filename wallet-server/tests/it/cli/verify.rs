//! The command `verify`: exit code 0 for a clean ledger, 1 for one that was altered or truncated.

use sea_orm::ConnectionTrait;
use wallet_client::v1;

use super::run;
use crate::harness::{Database, Server, credits, video};
use crate::shorthand::{fail, settle};

/// A database with settled, failed and open jobs and two units. No server runs on it.
async fn ledger(server: Server) -> Database {
    let client = server.wallet("w", 100).await;
    client.top_up(v1::TopUpRequest::amount("w", "t", v1::Amount::new("trainings", 1))).await.unwrap();
    for (id, seconds) in [("open", "1"), ("settled", "5"), ("failed", "2")] {
        client.reserve(v1::ReserveRequest::new("w", id, video(seconds))).await.unwrap();
    }
    client.settle(settle("w", "settled", v1::Succeeded::usage([("duration_s", "4")]))).await.unwrap();
    client.settle(fail("w", "failed", "OOM")).await.unwrap();
    server.wallet("v", 7).await;
    let database = server.database.clone();
    server.stop().await;
    database
}

/// Executes SQL directly on the database, as no server does.
async fn tamper(database: &Database, sql: &str) {
    let connection = database.connect().await;
    let done = connection.execute_unprepared(sql).await.unwrap();
    assert!(done.rows_affected() > 0 || !sql.starts_with("UPDATE"), "{sql} changes no row");
    connection.close().await.unwrap();
}

/// The statements that drop the triggers which protect entries.
fn triggers(database: &Database) -> &'static [&'static str] {
    match database.url.starts_with("sqlite:") {
        true => &["DROP TRIGGER entries_never_change", "DROP TRIGGER entries_never_go"],
        false => &["DROP TRIGGER entries_never_change ON entries"],
    }
}

fn verify(database: &Database, more: &[&str]) -> super::Ended {
    run(&[&["verify", "--database-url", &database.url], more].concat(), &[])
}

fn json(ended: &super::Ended) -> serde_json::Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// The digest in the report of a clean ledger.
fn digest(report: &str) -> &str {
    let line = report.lines().find(|line| line.contains("digest")).expect("a digest");
    line.split_whitespace().last().expect("a digest")
}

each_database! {
    async fn a_clean_ledger_has_a_digest_that_does_not_change(server: Server) {
        let database = ledger(server).await;
        let first = verify(&database, &[]);
        assert_eq!(first.code, Some(0), "{first:?}");
        assert_eq!(verify(&database, &["--expect", digest(&first.stdout)]).code, Some(0));
        let other = verify(&database, &["--expect", &"0".repeat(64)]);
        assert_eq!(other.code, Some(1));
        assert!(other.stdout.contains("not the expected one"), "{}", other.stdout);
    }

    async fn a_ledger_that_has_grown_has_another_digest(server: Server) {
        let database = ledger(server).await;
        let before = verify(&database, &[]).stdout;
        let server = Server::start(database.clone()).await;
        server.client().await.top_up(v1::TopUpRequest::amount("v", "more", credits(1))).await.unwrap();
        server.stop().await;
        let grown = verify(&database, &["--expect", digest(&before)]);
        assert_eq!(grown.code, Some(1));
        assert_ne!(digest(&grown.stdout), digest(&before));
    }

    async fn one_wallet_is_verified_alone_and_the_report_may_be_json(server: Server) {
        let database = ledger(server).await;
        let all = json(&verify(&database, &["--json"]));
        assert_eq!((&all["clean"], &all["wallets"], &all["faults"]), (&true.into(), &2.into(), &0.into()));
        let one = json(&verify(&database, &["--json", "--wallet", "v"]));
        assert_eq!((&one["clean"], &one["wallets"], &one["entries"]), (&true.into(), &1.into(), &2.into()));
        assert_ne!(one["digest"], all["digest"]);
        let digest = one["digest"].as_str().unwrap();
        assert_eq!(verify(&database, &["--wallet", "v", "--expect", digest]).code, Some(0));

        tamper(&database, "UPDATE grants SET next_time = 1 WHERE available = 60").await;
        assert_eq!(verify(&database, &["--wallet", "v"]).code, Some(0), "the other wallet is unchanged");
        let found = verify(&database, &["--wallet", "w", "--json"]);
        assert_eq!((found.code, &json(&found)["faults"]), (Some(1), &1.into()));
        let nobody = verify(&database, &["--wallet", "nobody"]);
        assert_eq!(nobody.code, Some(2));
        assert!(nobody.stderr.contains("there is no wallet nobody"), "{}", nobody.stderr);
    }

    async fn a_ledger_continues_a_checkpoint_until_the_past_is_changed(server: Server) {
        let database = ledger(server).await;
        let folder = tempfile::tempdir().unwrap();
        let [key, file] = ["key", "checkpoint"].map(|name| folder.path().join(name).display().to_string());
        std::fs::write(&key, [9; 32]).unwrap();
        let without_key = verify(&database, &["--checkpoint", &file]);
        assert!(without_key.stderr.contains("--key-file"), "{without_key:?}");
        let written = verify(&database, &["--checkpoint", &file, "--key-file", &key]);
        assert_eq!(written.code, Some(0), "{written:?}");
        assert!(written.stdout.contains(&format!("checkpoint {file} is written\n")), "{}", written.stdout);

        let server = Server::start(database.clone()).await;
        server.client().await.top_up(v1::TopUpRequest::amount("v", "more", credits(1))).await.unwrap();
        server.stop().await;
        let against = ["--against", &file, "--key-file", &key];
        let grown = verify(&database, &against);
        assert_eq!(grown.code, Some(0), "{grown:?}");
        let compared = format!("against  {file} (2 wallets, 10 entries): the ledger continues it\n");
        assert!(grown.stdout.contains(&compared), "{}", grown.stdout);
        let grown = json(&verify(&database, &[&against[..], &["--json"]].concat()));
        assert_eq!(grown["against"], serde_json::json!({ "wallets": 2, "entries": 10 }));
        tamper(&database, "UPDATE signing_keys SET create_time = 1").await;
        assert_eq!(verify(&database, &[]).code, Some(0), "no row shows it");
        let secret = if database.url.starts_with("sqlite:") { "zeroblob(32)" } else { "decode(repeat('00', 32), 'hex')" };
        tamper(&database, &format!("UPDATE signing_keys SET secret = {secret}")).await;
        assert_eq!(verify(&database, &[]).code, Some(0), "no row shows it");
        let changed = verify(&database, &["--against", &file, "--key-file", &key]);
        assert_eq!(changed.code, Some(1), "{changed:?}");
        assert!(changed.stdout.contains("at the checkpoint"), "{}", changed.stdout);
        assert!(changed.stdout.contains(&format!("against  {file} (2 wallets, 10 entries): see the faults")));
        std::fs::write(&key, [8; 32]).unwrap();
        let other_key = verify(&database, &["--against", &file, "--key-file", &key]);
        assert_eq!(other_key.code, Some(2), "{other_key:?}");
    }

    async fn verify_may_run_while_a_server_runs(server: Server) {
        server.wallet("w", 100).await;
        let looked = verify(&server.database, &[]);
        assert_eq!(looked.code, Some(0), "{looked:?}");
    }

    async fn changes_outside_the_server_are_found(server: Server) {
        let database = ledger(server).await;
        for (change, back, fault) in [
            (
                "UPDATE wallets SET open_reservations = open_reservations + 7",
                "UPDATE wallets SET open_reservations = open_reservations - 7",
                "I5: counts ",
            ),
            (
                "UPDATE grants SET available = available + 1, consumed = consumed - 1 WHERE consumed = 32",
                "UPDATE grants SET available = available - 1, consumed = consumed + 1 WHERE consumed = 31",
                "I2: grant top_up:first has 61",
            ),
            (
                "UPDATE reservations SET state = 3 WHERE state = 4",
                "UPDATE reservations SET state = 4 WHERE reservation_id = 'failed'",
                "I7: reservation failed is SETTLED",
            ),
            (
                "UPDATE wallets SET revision = revision - 1 WHERE revision = 2",
                "UPDATE wallets SET revision = revision + 1 WHERE revision = 1",
                "I16: the wallet has revision 1, its last entry 2",
            ),
        ] {
            tamper(&database, change).await;
            let found = verify(&database, &[]);
            assert_eq!(found.code, Some(1), "{change}: {found:?}");
            assert!(found.stdout.contains(fault), "{change}: {}", found.stdout);
            tamper(&database, back).await;
            assert_eq!(verify(&database, &[]).code, Some(0), "{back}");
        }
    }

    async fn entries_are_protected_and_a_changed_entry_is_found(server: Server) {
        let database = ledger(server).await;
        let connection = database.connect().await;
        let change = "UPDATE entries SET reason = 'another' WHERE revision = 8";
        let cut = "DELETE FROM entries WHERE revision = 8";
        for sql in [change, cut] {
            connection.execute_unprepared(sql).await.expect_err("a trigger forbids it");
        }
        connection.close().await.unwrap();
        assert_eq!(verify(&database, &[]).code, Some(0));
        for trigger in triggers(&database) {
            tamper(&database, trigger).await;
        }
        for (sql, fault) in
            [(change, "I16: has hash"), (cut, "I16: the wallet has revision 8, its last entry 7")]
        {
            tamper(&database, sql).await;
            let found = verify(&database, &[]);
            assert_eq!(found.code, Some(1), "{sql}: {found:?}");
            assert!(found.stdout.contains(fault), "{sql}: {}", found.stdout);
            assert!(found.stdout.contains("has no trigger entries.entries_never_change"), "{}", found.stdout);
        }
    }
}

#[test]
fn a_text_that_is_no_digest_is_refused_before_the_ledger_is_read() {
    for text in ["", "0000", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64), &"0".repeat(66)] {
        let refused = run(&["verify", "--database-url", "sqlite:///nowhere.db", "--expect", text], &[]);
        assert_eq!(refused.code, Some(2), "{text}");
        let reason = format!(
            "a digest has 64 hexadecimal digits, as verify prints it; this text has {} characters",
            text.len()
        );
        assert!(refused.stderr.contains(&reason), "{text}: {}", refused.stderr);
    }
}

#[test]
fn a_missing_database_is_not_a_clean_ledger() {
    let missing = run(&["verify", "--database-url", "sqlite:///nowhere/wallet.db"], &[]);
    assert_eq!(missing.code, Some(2));
    assert!(missing.stderr.contains("does not exist"), "{}", missing.stderr);
}

/// Runs a copy of the binary as a user without write permission.
#[cfg(unix)]
fn run_as_reader(arguments: &[&str]) -> super::Ended {
    use std::os::unix::process::CommandExt;
    let place = tempfile::tempdir().unwrap();
    let binary = place.path().join("wallet-server");
    std::fs::copy(env!("CARGO_BIN_EXE_wallet-server"), &binary).unwrap();
    set_mode(place.path(), 0o755);
    let mut command = std::process::Command::new(&binary);
    command.args(arguments).current_dir("/");
    if is_root() {
        // The user `nobody`: root may write regardless of file modes.
        command.uid(65_534).gid(65_534);
    }
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    super::Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[cfg(unix)]
fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(unix)]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

#[cfg(unix)]
mod a_copy_that_cannot_be_written_to_is_verified {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        let database = ledger(Server::start(Database::sqlite()).await).await;
        let file = database.url.strip_prefix("sqlite://").unwrap().to_owned();
        let copies = tempfile::tempdir().unwrap();
        let copy = copies.path().join("copy.db");
        std::fs::copy(&file, &copy).unwrap();
        set_mode(&copy, 0o444);
        set_mode(copies.path(), 0o555);
        let url = format!("sqlite://{}", copy.display());
        let verified = run_as_reader(&["verify", "--database-url", &url]);
        assert_eq!(verified.code, Some(0), "{verified:?}");
        assert!(verified.stdout.starts_with(&format!("database {url}\n")), "{}", verified.stdout);
        assert_eq!(digest(&verified.stdout), digest(&verify(&database, &[]).stdout));

        // A copy with a journal cannot be verified without the journal.
        set_mode(copies.path(), 0o755);
        std::fs::write(copies.path().join("copy.db-wal"), "commits").unwrap();
        set_mode(&copies.path().join("copy.db-wal"), 0o444);
        set_mode(copies.path(), 0o555);
        let refused = run_as_reader(&["verify", "--database-url", &url]);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains("copy both files to a writable folder"), "{}", refused.stderr);
        set_mode(copies.path(), 0o755);
    }
}
