//! `kill -9` of the server under load, of PostgreSQL under it, and of both. Afterwards every acknowledged call is in
//! the ledger, every other call is there completely or not at all, and after retries every call has happened exactly
//! once.
//!
//! Killing PostgreSQL loses what it had not written yet. Data that it passed to the operating system survives a kill
//! and is lost in a power cut, which `power` tests.

mod caller;
mod chaos;
mod load;
mod lost_file;
mod operator;
mod outage;
mod points;
mod points_of_migrations;
mod power;
mod restarts;
mod silence;
mod upgrade;
mod witness;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wallet_client::{ClientConfig, RetryPolicy, WalletClient, v1};
use wallet_workload::figure;

use self::caller::Caller;
use self::witness::Witness;
use crate::harness::{Database, Postgres, Process};

/// Kills of the server alone, per database.
const KILLS: usize = 26;
/// Kills of PostgreSQL alone, and of both together.
const KILLS_OF_THE_DATABASE: usize = 4;
/// Acknowledged calls before each kill, and again after a kill of PostgreSQL alone.
const ACKNOWLEDGED: usize = 250;
const CALLERS: usize = 64;
const WALLETS: usize = 8;

mod acknowledged_commands_survive_26_kills_of_the_server_and_the_rest_converges {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        survive(Database::sqlite(), KILLS, Blow::Server).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        survive(Database::postgres(), KILLS, Blow::Server).await;
    }
}

mod acknowledged_commands_survive_kills_of_the_database {
    use super::*;

    mod under_a_server_that_lives_on {
        use super::*;

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgres() {
            let cluster = Postgres::private();
            survive(Database::on(&cluster), KILLS_OF_THE_DATABASE, Blow::Database(&cluster)).await;
        }
    }

    mod together_with_the_server {
        use super::*;

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgres() {
            let cluster = Postgres::private();
            survive(Database::on(&cluster), KILLS_OF_THE_DATABASE, Blow::Both(&cluster)).await;
        }
    }
}

/// The processes that are killed.
enum Blow<'a> {
    Server,
    Database(&'a Postgres),
    Both(&'a Postgres),
}

impl Blow<'_> {
    fn strike(&self, process: &mut Process) {
        match self {
            Blow::Server => process.kill(),
            Blow::Database(cluster) => cluster.kill_and_restart(),
            Blow::Both(cluster) => {
                cluster.kill_and_restart();
                process.kill();
            }
        }
    }

    fn name(&self, database: &Database) -> String {
        match self {
            Blow::Server => format!("server on {}", database.name()),
            Blow::Database(_) => "PostgreSQL under a living server".to_owned(),
            Blow::Both(_) => "both".to_owned(),
        }
    }

    fn spares_the_server(&self) -> bool {
        matches!(self, Blow::Database(_))
    }
}

/// Kills the processes `kills` times, each time in the middle of the load.
async fn survive(database: Database, kills: usize, blow: Blow<'_>) {
    let mut process = Process::start(&database, &[]);
    let mut witness = Witness::default();
    for n in 0..WALLETS {
        let create = v1::CreateWalletRequest { wallet_id: wallet(n), ..Default::default() };
        let client = client(&process, RetryPolicy::never()).await;
        witness.saw_new_wallet(client.create_wallet(create).await.unwrap());
    }
    let mut callers: Vec<Caller> = (0..CALLERS).map(|n| Caller::new(n, wallet(n % WALLETS))).collect();
    for n in 0..kills {
        // The calls of all callers travel together before every other kill.
        let coalesce = n % 2 == 0;
        callers = load_until_struck(&mut process, callers, &mut witness, &blow, coalesce).await;
        verify(&database).await;
        if !blow.spares_the_server() {
            process = Process::start(&database, &[]);
        }
        let client = client(&process, RetryPolicy::default()).await;
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
    let killed = blow.name(&database);
    figure("kills", &[&killed, &kills, &witness.acknowledged(), &"none", &"none"]);
}

/// Runs all callers and kills in the middle of their work. Returns the callers; each knows which call it has to
/// send again.
async fn load_until_struck(
    process: &mut Process,
    callers: Vec<Caller>,
    witness: &mut Witness,
    blow: &Blow<'_>,
    coalesce: bool,
) -> Vec<Caller> {
    let config = ClientConfig::new(process.endpoint()).retry(RetryPolicy::never()).coalesce(coalesce);
    let client = WalletClient::connect(config).await.expect("the client connects");
    let (acknowledge, mut acknowledged) = mpsc::unbounded_channel();
    let enough = CancellationToken::new();
    let mut working = JoinSet::new();
    for caller in callers {
        working.spawn(caller.work(client.clone(), acknowledge.clone(), enough.clone()));
    }
    drop(acknowledge);
    let (mut received, mut struck_at, mut last) = (0, None, None);
    let mut seen = Vec::new();
    while acknowledged.recv_many(&mut seen, CALLERS).await > 0 {
        received += seen.len();
        let decided = seen.last().map(|acknowledgement| acknowledgement.decided);
        let first_of_batch = std::mem::replace(&mut last, decided) != decided;
        match struck_at {
            // A server that acknowledges too early has not committed yet at the first acknowledgement of a batch.
            None if received > ACKNOWLEDGED && first_of_batch => {
                blow.strike(process);
                struck_at = Some(received);
            }
            Some(before) if received > before + ACKNOWLEDGED => enough.cancel(),
            _ => {}
        }
        witness.saw(std::mem::take(&mut seen));
    }
    assert!(struck_at.is_some(), "the callers ended before the kill");
    working.join_all().await
}

fn wallet(n: usize) -> String {
    format!("wallet-{n}")
}

async fn client(process: &Process, retry: RetryPolicy) -> WalletClient {
    let config = ClientConfig::new(process.endpoint()).retry(retry);
    WalletClient::connect(config).await.expect("the client connects")
}

async fn verify(database: &Database) {
    let report = wallet_server::verify(&database.url).await.expect("the ledger can be read");
    assert!(report.is_clean(), "{:?}", report.faults);
}
