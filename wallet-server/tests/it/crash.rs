//! `kill -9` of the server under load, again and again, and of PostgreSQL with it. Nothing acknowledged is missing
//! afterwards, what was not acknowledged is there whole or not at all, and sending it again converges: every call
//! happened exactly once.
//!
//! Killing PostgreSQL loses what it had not written yet. What the operating system holds, and a power cut would
//! lose, survives here: whether the disk is told to keep it, no test of this kind can see.

mod caller;
mod points;
mod witness;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use wallet_client::{ClientConfig, RetryPolicy, WalletClient, v1};

use self::caller::Caller;
use self::witness::Witness;
use crate::harness::{Database, Postgres, Process};

const KILLS: usize = 10;
const KILLS_OF_THE_DATABASE: usize = 3;
/// So many calls are acknowledged before each kill.
const ACKNOWLEDGED: usize = 1_000;
const CALLERS: usize = 64;
const WALLETS: usize = 8;

mod what_was_acknowledged_survives_ten_kills_and_the_rest_converges {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        survive(Database::sqlite(), KILLS, || {}).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        survive(Database::postgres(), KILLS, || {}).await;
    }
}

mod what_was_acknowledged_survives_kills_of_the_database {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        let cluster = Postgres::private();
        survive(Database::on(&cluster), KILLS_OF_THE_DATABASE, || cluster.kill_and_restart()).await;
    }
}

/// Kills the server so many times, each time after `strike`.
async fn survive(database: Database, kills: usize, strike: impl Fn()) {
    let mut process = Process::start(&database, &[]);
    let mut witness = Witness::default();
    for n in 0..WALLETS {
        let create = v1::CreateWalletRequest { wallet_id: wallet(n), ..Default::default() };
        let client = client(&process, RetryPolicy::never()).await;
        witness.saw_new_wallet(client.create_wallet(create).await.unwrap());
    }
    let mut callers: Vec<Caller> = (0..CALLERS).map(|n| Caller::new(n, wallet(n % WALLETS))).collect();
    for _ in 0..kills {
        callers = load_until_killed(&mut process, callers, &mut witness, &strike).await;
        verify(&database).await;
        process = Process::start(&database, &[]);
        let client = client(&process, RetryPolicy::never()).await;
        witness.compare(&client).await;
        for caller in &callers {
            caller.hears_the_same_again(&client).await;
        }
    }

    let client = client(&process, RetryPolicy::default()).await;
    for caller in &mut callers {
        caller.finish_job(&client, &mut witness).await;
    }
    witness.compare(&client).await;
    witness.assert_all_happened_once(&callers);
    witness.assert_final_state(&client).await;
    process.kill();
    verify(&database).await;
}

/// All callers at work; killed in the middle of it. The callers as they were left: each knows what it has to send
/// again.
async fn load_until_killed(
    process: &mut Process,
    callers: Vec<Caller>,
    witness: &mut Witness,
    strike: &impl Fn(),
) -> Vec<Caller> {
    let client = client(process, RetryPolicy::never()).await;
    let (acknowledge, mut acknowledged) = mpsc::unbounded_channel();
    let mut working = JoinSet::new();
    for caller in callers {
        working.spawn(caller.work(client.clone(), acknowledge.clone()));
    }
    drop(acknowledge);
    let mut last = None;
    for n in 1.. {
        let acknowledgement = acknowledged.recv().await.expect("callers work until the server is gone");
        let first_of_batch = last.replace(acknowledgement.decided) != Some(acknowledgement.decided);
        witness.saw(acknowledgement);
        // A server that acknowledges too early has its commit still before it.
        if n > ACKNOWLEDGED && first_of_batch {
            break;
        }
    }
    strike();
    process.kill();
    while let Some(acknowledgement) = acknowledged.recv().await {
        witness.saw(acknowledgement);
    }
    working.join_all().await
}

fn wallet(n: usize) -> String {
    format!("wallet-{n}")
}

async fn client(process: &Process, retry: RetryPolicy) -> WalletClient {
    let mut config = ClientConfig::new(process.endpoint());
    config.retry = retry;
    WalletClient::connect(config).await.expect("the client connects")
}

async fn verify(database: &Database) {
    let report = wallet_server::verify(&database.url).await.expect("the ledger can be read");
    assert!(report.is_clean(), "{:?}", report.faults);
}
