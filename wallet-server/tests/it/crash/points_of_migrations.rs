//! The server dies while it migrates the schema: after each statement, around COMMIT, and at random instants. The next
//! server opens the database, serves, and finds a clean ledger.

use std::process::{Command, Stdio};
use std::time::Duration;

use wallet_client::{RetryPolicy, v1};
use wallet_workload::figure;

use super::{client, verify};
use crate::harness::{Database, Process, credits, seed};

/// More failpoints than the schema has statements.
const ROOM: usize = 120;
/// Kills at random instants.
const KILLS: u64 = 6;

mod a_server_that_dies_while_migrating_leaves_a_database_that_opens_and_serves {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        die_migrating(Database::sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        die_migrating(Database::postgres).await;
    }
}

async fn die_migrating(database: fn() -> Database) {
    let mut deaths = 0;
    for n in 0..ROOM {
        let database = database();
        let status =
            migrate(&database).env("WALLET_ABORT_MIGRATION_AT", n.to_string()).status().expect("it starts");
        serves(&database).await;
        if status.success() {
            break;
        }
        assert!(status.code().is_none(), "it ended with {status}");
        deaths += 1;
    }
    // Eleven tables with their indexes, and the failpoints around their statements.
    assert!((20..ROOM).contains(&deaths), "it died {deaths} times");
    let seed = seed();
    for n in 0..KILLS {
        let database = database();
        let mut migrating = migrate(&database).spawn().expect("it starts");
        tokio::time::sleep(Duration::from_micros((seed + n * 7_919) % 40_000)).await;
        migrating.kill().expect("it can be killed");
        migrating.wait().expect("it is gone");
        serves(&database).await;
    }
    figure("points", &[&"migrations", &database().name(), &deaths]);
}

fn migrate(database: &Database) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wallet-server"));
    command.args(["migrate", "--database-url", &database.url]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Starts a server on the database and creates a wallet.
async fn serves(database: &Database) {
    let mut process = Process::start(database, &[]);
    let client = client(&process, RetryPolicy::never()).await;
    let create = v1::CreateWalletRequest { wallet_id: "w".into(), ..Default::default() };
    client.create_wallet(create).await.expect("it serves");
    client.top_up(v1::TopUpRequest::amount("w", "t", credits(1))).await.expect("it credits");
    process.kill();
    verify(database).await;
}
