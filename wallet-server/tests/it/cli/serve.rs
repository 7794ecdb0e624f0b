//! The commands `serve` and `migrate`: addresses, databases, catalogs, and what they refuse.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};

use wallet_client::{ClientConfig, WalletClient, v1};

use super::{run, wallet_server};
use crate::harness::{Database, Postgres, Process};
use crate::shorthand::POLICIES;

/// A running server with these arguments and this environment; killed when dropped.
struct Serving {
    child: Child,
    greeting: String,
    /// The output after the greeting.
    rest: Option<BufReader<ChildStdout>>,
}

impl Serving {
    fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = wallet_server(arguments, environment);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut greeting = String::new();
        let mut rest = BufReader::new(child.stdout.take().expect("piped"));
        rest.read_line(&mut greeting).expect("a greeting");
        Self { child, greeting, rest: Some(rest) }
    }

    async fn client(&self) -> WalletClient {
        let rest = self.greeting.split_once("serving on ").expect("it serves").1;
        let endpoint = format!("http://{}", rest.split_once(',').expect("the greeting has an address").0);
        WalletClient::connect(ClientConfig::new(endpoint)).await.expect("the client connects")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn current_catalog(client: &WalletClient) -> String {
    client.get_catalog(v1::GetCatalogRequest::default()).await.unwrap().catalog.unwrap().toml
}

#[test]
fn migrate_creates_the_schema_and_may_be_repeated_on_either_database() {
    for database in [Database::sqlite(), Database::postgres()] {
        for _ in 0..2 {
            let done = run(&["migrate", "--database-url", &database.url], &[]);
            let migrated = format!("the schema of {} is up to date\n", database.url);
            assert_eq!((done.code, done.stdout.as_str()), (Some(0), migrated.as_str()), "{done:?}");
        }
    }
}

#[test]
fn flags_win_over_the_environment() {
    let (flag, environment) = (Database::sqlite(), Database::sqlite());
    let path = |database: &Database| database.url.strip_prefix("sqlite://").unwrap().to_owned();
    let shown = [("WALLET_DATABASE_URL", environment.url.as_str())];
    assert_eq!(run(&["migrate", "--database-url", &flag.url], &shown).code, Some(0));
    assert!(fs::exists(path(&flag)).unwrap() && !fs::exists(path(&environment)).unwrap());
    assert_eq!(run(&["migrate"], &shown).code, Some(0));
    assert!(fs::exists(path(&environment)).unwrap());
}

#[tokio::test]
async fn the_environment_sets_what_no_flag_sets() {
    let database = Database::sqlite();
    let folder = tempfile::tempdir().unwrap();
    let catalog = folder.path().join("policies.toml");
    fs::write(&catalog, POLICIES).unwrap();
    let environment = [
        ("WALLET_LISTEN", "127.0.0.1:0"),
        ("WALLET_DATABASE_URL", database.url.as_str()),
        ("WALLET_CATALOG", catalog.to_str().unwrap()),
        ("WALLET_LANES", "1"),
        ("WALLET_BATCH_MAX", "8"),
        ("WALLET_CACHED_ROWS", "0"),
        ("WALLET_QUEUE_WAIT_MS", "2000"),
    ];
    let serving = Serving::start(&[], &environment);
    assert!(serving.greeting.contains(&database.url), "{}", serving.greeting);
    assert_eq!(current_catalog(&serving.client().await).await, POLICIES);
    drop(serving);

    // Flags win here too: the address in the environment would be refused, and its catalog does not exist.
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/catalogs/example.toml");
    let wrong = [("WALLET_LISTEN", "0.0.0.0:0"), ("WALLET_CATALOG", "/nowhere.toml")];
    let database = Database::sqlite();
    let flags = ["serve", "--listen", "127.0.0.1:0", "--catalog", example, "--database-url", &database.url];
    let serving = Serving::start(&flags, &wrong);
    assert_eq!(current_catalog(&serving.client().await).await, wallet_server::BUNDLED_CATALOG);
}

#[test]
fn beyond_loopback_it_serves_only_with_tls_and_keys_or_a_flag() {
    let database = Database::sqlite();
    for address in ["0.0.0.0:0", "[::]:0"] {
        let refused = run(&["--listen", address, "--database-url", &database.url], &[]);
        assert_eq!(refused.code, Some(2));
        assert!(refused.stderr.contains("is not a loopback address"), "{}", refused.stderr);
        let remedies = "add --tls-cert, --tls-key and --key-pepper-file, or --insecure";
        assert!(refused.stderr.contains(remedies), "{}", refused.stderr);
    }
    let flags = ["--insecure", "--listen", "0.0.0.0:0", "--database-url", &database.url];
    assert!(Serving::start(&flags, &[]).greeting.contains("serving on 0.0.0.0:"));
}

#[tokio::test]
async fn a_host_name_is_accepted_as_a_listen_address() {
    let database = Database::sqlite();
    let serving = Serving::start(&["--listen", "localhost:0", "--database-url", &database.url], &[]);
    assert!(serving.greeting.contains("serving on 127.0.0.1:"), "{}", serving.greeting);
    current_catalog(&serving.client().await).await;
}

#[test]
fn a_manual_clock_is_for_sqlite_on_loopback_only() {
    let (sqlite, postgres) = (Database::sqlite(), Database::postgres());
    let loopback = ["--manual-clock", "--listen", "127.0.0.1:0", "--database-url", &sqlite.url];
    assert!(Serving::start(&loopback, &[]).greeting.contains("serving on 127.0.0.1:"));
    let public = ["--manual-clock", "--insecure", "--listen", "0.0.0.0:0", "--database-url", &sqlite.url];
    let shared = ["--manual-clock", "--listen", "127.0.0.1:0", "--database-url", &postgres.url];
    for arguments in [&public, &shared[..]] {
        let refused = run(arguments, &[]);
        assert_eq!(refused.code, Some(2));
        assert!(refused.stderr.contains("--manual-clock is for trials"), "{}", refused.stderr);
    }
}

#[tokio::test]
async fn a_database_that_a_manual_clock_moved_ahead_is_reported_at_the_start() {
    let database = Database::sqlite();
    let arguments = ["--listen", "127.0.0.1:0", "--database-url", &database.url];
    let greeting = |mut serving: Serving| {
        let _ = serving.child.kill();
        std::io::read_to_string(serving.rest.take().unwrap()).unwrap()
    };
    let moved = Serving::start(&[&arguments[..], &["--manual-clock"]].concat(), &[]);
    let client = moved.client().await;
    let create = v1::CreateWalletRequest { wallet_id: "w".into(), ..Default::default() };
    client.create_wallet(create.clone()).await.unwrap();
    let by = Some(v1::advance_clock_request::Step::By(prost_types::Duration { seconds: 86_400, nanos: 0 }));
    client.advance_clock(v1::AdvanceClockRequest { step: by }).await.unwrap();
    client.create_wallet(v1::CreateWalletRequest { wallet_id: "x".into(), ..create }).await.unwrap();
    assert!(!greeting(moved).contains("Warning"));

    let serving = Serving::start(&arguments, &[]);
    // The warning is printed after the greeting and before the first answer.
    serving.client().await.get_catalog(v1::GetCatalogRequest::default()).await.unwrap();
    let output = greeting(serving);
    assert!(
        output.contains("this database's time lies in the future") && output.contains("1.0 days"),
        "{output}"
    );
}

#[test]
fn a_second_server_on_the_same_sqlite_file_is_refused_until_the_first_is_gone() {
    let database = Database::sqlite();
    let mut first = Process::start(&database, &[]);
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"]] {
        let arguments = [command, &["--database-url", &database.url]].concat();
        let refused = run(&arguments, &[]);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains("is in use by another wallet-server"), "{}", refused.stderr);
    }
    first.kill();
    assert!(!Process::start(&database, &[]).address.is_empty());
}

#[cfg(unix)]
#[test]
fn another_name_of_the_same_sqlite_file_does_not_bypass_the_lock() {
    let database = Database::sqlite();
    let file = database.url.strip_prefix("sqlite://").unwrap().to_owned();
    let elsewhere = tempfile::tempdir().unwrap();
    let (symbolic, hard) = (elsewhere.path().join("symbolic.db"), format!("{file}.hard"));
    let first = Process::start(&database, &[]);
    std::os::unix::fs::symlink(&file, &symbolic).unwrap();
    let through = |name: &str| {
        let url = format!("sqlite://{name}");
        run(&["serve", "--listen", "127.0.0.1:0", "--database-url", &url], &[])
    };
    let refused = through(symbolic.to_str().unwrap());
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("is in use by another wallet-server"), "{}", refused.stderr);
    fs::hard_link(&file, &hard).unwrap();
    let refused = through(&hard);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("has 2 hard links"), "{}", refused.stderr);
    drop(first);
    fs::remove_file(&hard).unwrap();
    let url = format!("sqlite://{}", symbolic.display());
    assert_eq!(run(&["migrate", "--database-url", &url], &[]).code, Some(0), "a symbolic link may be served");
}

#[test]
fn several_servers_share_a_postgres() {
    let database = Database::postgres();
    let servers = [Process::start(&database, &[]), Process::start(&database, &[])];
    assert_ne!(servers[0].address, servers[1].address);
}

#[test]
fn a_postgres_that_may_lose_commits_is_served_only_with_a_flag() {
    let cluster = Postgres::without_fsync();
    let database = Database::on(&cluster);
    let served = Database::postgres();
    let asynchronous = format!("{}?options=-c%20synchronous_commit%3Doff", served.url);
    for (url, faults) in [
        (
            database.url.as_str(),
            "fsync is off, full_page_writes is off; change it, or add --accept-unsafe-database",
        ),
        (asynchronous.as_str(), "acknowledged: synchronous_commit is off; change it"),
    ] {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--database-url", url];
        let refused = run(&arguments, &[]);
        assert!(refused.code == Some(2) && refused.stderr.contains(faults), "{refused:?}");
        let accepted = [&arguments[..], &["--accept-unsafe-database"]].concat();
        assert!(Serving::start(&accepted, &[]).greeting.contains("serving on 127.0.0.1:"));
        let accepted = [("WALLET_ACCEPT_UNSAFE_DATABASE", "true")];
        assert!(Serving::start(&arguments, &accepted).greeting.contains("serving on 127.0.0.1:"));
    }
    let synchronous = format!("{}?options=-c%20synchronous_commit%3Dlocal", served.url);
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--database-url", &synchronous];
    assert!(Serving::start(&arguments, &[]).greeting.contains("serving on 127.0.0.1:"));
}

#[test]
fn a_failed_start_is_reported_in_one_line_without_the_password() {
    for (arguments, output) in [
        (&["--database-url", "mysql://localhost/db"][..], "database"),
        (&["--database-url", "postgres://ann:secret@127.0.0.1:1/db"], "database"),
        (&["--catalog", "/nowhere.toml"], "/nowhere.toml"),
    ] {
        let arguments = [&["serve", "--listen", "127.0.0.1:0"], arguments].concat();
        let ended = run(&arguments, &[]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("error: ") && ended.stderr.contains(output), "{}", ended.stderr);
        assert!(!ended.stderr.contains("secret"), "{}", ended.stderr);
    }
}

#[test]
fn an_invalid_catalog_is_not_served() {
    let database = Database::sqlite();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.toml");
    fs::write(&file, "[units.credits]\nscale = 9\n").unwrap();
    let flags =
        ["--listen", "127.0.0.1:0", "--database-url", &database.url, "--catalog", file.to_str().unwrap()];
    let ended = run(&flags, &[]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("units.credits.scale: must be from 0 to 6, is 9"), "{}", ended.stderr);
}
