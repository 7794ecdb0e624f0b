//! The configuration file: served from, printed and checked.

use std::fs;

use tempfile::TempDir;

use super::run;
use crate::harness::{Database, Process};

/// A folder with a configuration file. Returns the folder and the name of the file.
fn file(text: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wallet.toml");
    fs::write(&path, text).unwrap();
    let path = path.display().to_string();
    (folder, path)
}

#[test]
fn every_command_that_uses_the_database_takes_it_from_the_file() {
    let database = Database::sqlite();
    let (_folder, path) = file(&format!("database_url = {:?}\nlanes = 1\n", database.url));
    let migrated = run(&["migrate", "--config", &path], &[]);
    assert_eq!(migrated.stdout, format!("the schema of {} is up to date\n", database.url), "{migrated:?}");
    for words in [&["verify"][..], &["tenants", "list"], &["keys", "list"]] {
        for ended in
            [run(&[words, &["--config", &path]].concat(), &[]), run(words, &[("WALLET_CONFIG", &path)])]
        {
            assert_eq!(ended.code, Some(0), "{words:?}: {ended:?}");
        }
    }
    let copy = format!("{}.copy", database.url.strip_prefix("sqlite://").unwrap());
    assert_eq!(run(&["backup", "--config", &path, &copy], &[]).code, Some(0));
    let unfrozen = run(&["unfreeze", "--config", &path, "w"], &[]);
    assert!(unfrozen.stderr.contains("there is no wallet w"), "{unfrozen:?}");
}

#[test]
fn a_server_serves_what_the_file_names_and_flags_win() {
    let (database, other) = (Database::sqlite(), Database::sqlite());
    let (folder, _) = file("");
    let secret = folder.path().join("url");
    fs::write(&secret, &other.url).unwrap();
    let (_folder, path) = file(&format!("listen = \"0.0.0.0:1\"\ndatabase_url_file = {secret:?}\n"));
    // The harness gives the address and the database as flags.
    let served = Process::start(&database, &["--config", &path]);
    assert!(served.address.starts_with("127.0.0.1:"), "{}", served.address);
    assert!(!fs::exists(other.url.strip_prefix("sqlite://").unwrap()).unwrap());
    let refused = run(&["serve", "--config", &path], &[]);
    assert!(refused.stderr.contains("0.0.0.0:1 is not a loopback address"), "{refused:?}");
}

#[test]
fn the_filter_of_the_log_is_a_setting_of_the_server() {
    for (filter, is_logged) in [("error", false), ("trace", true)] {
        let (database, (_folder, path)) = (Database::sqlite(), file(&format!("log = {filter:?}\n")));
        let (mut served, log) = Process::start_logged_with(&database, &["--config", &path], &[]);
        served.stop();
        let log = log.join().unwrap();
        assert_eq!(log.contains("stopping: no new calls"), is_logged, "{filter}: {log}");
    }
}

#[test]
fn an_invalid_file_is_refused_with_the_place_of_each_fault() {
    let (_folder, path) = file("lanse = 2\n[limits]\nstreams_per_connection = 0\n");
    let faults = [
        format!("{path}, line 1, column 1: there is no setting lanse; did you mean lanes?"),
        format!(
            "{path}, line 3, column 26: limits.streams_per_connection: must be a whole number from 1 to 10000, is 0"
        ),
    ]
    .join("\n");
    for command in [&["serve"][..], &["migrate"], &["config", "print"]] {
        let refused = run(&[command, &["--config", &path]].concat(), &[]);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert_eq!(refused.stderr, format!("error: the configuration is invalid\n{faults}\n"));
    }
    let checked = run(&["config", "check", &path], &[]);
    assert_eq!((checked.code, checked.stdout), (Some(1), format!("{faults}\n")));
    let missing = run(&["config", "check", "/nowhere.toml"], &[]);
    assert!(
        missing.code == Some(2) && missing.stderr.contains("/nowhere.toml cannot be read"),
        "{missing:?}"
    );
}

#[test]
fn the_printed_defaults_are_a_valid_file_and_secrets_are_not_printed() {
    let defaults = run(&["config", "print", "--commented"], &[]);
    let (_folder, path) = file(&defaults.stdout);
    assert_eq!(run(&["config", "check", &path], &[]).stdout, "ok: 0 settings\n");
    let environment = [("WALLET_DATABASE_URL", "postgres://ann:canary@db/wallet"), ("WALLET_LANES", "3")];
    let printed = run(&["config", "print", "--batch-max", "7", "--insecure"], &environment);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    assert!(!printed.stdout.contains("canary"), "{printed:?}");
    for line in [
        "database_url = \"***\" # WALLET_DATABASE_URL: postgres://ann@db:5432/wallet",
        "lanes = 3 # WALLET_LANES",
        "batch_max = 7 # --batch-max",
        "insecure = true # --insecure",
        "drain_ms = 10000 # default",
    ] {
        assert!(printed.stdout.lines().any(|printed| printed == line), "{line}\n{}", printed.stdout);
    }
}

#[test]
fn the_help_shows_default_bounds_and_variable_of_each_flag() {
    let help = run(&["serve", "--help"], &[]).stdout;
    let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for shown in [
        "--config <FILE>",
        "[env: WALLET_CONFIG]",
        "--batch-max <NUMBER> The most commands committed together [1 to 4096] [default: 256] [env: WALLET_BATCH_MAX]",
        "[default: sqlite://data/wallet.db] [env: WALLET_DATABASE_URL]",
        "--database-url-file <FILE>",
        "[default: the number of CPU cores; always 1 for SQLite]",
    ] {
        assert!(words.contains(shown), "{shown}\n{help}");
    }
}
