//! The server dies before and after every database call of a batch, around COMMIT and before each reply. The next
//! server finds each command executed completely or not at all, and a retry completes it exactly once.
//!
//! The failpoints are not listed anywhere. The server dies at the first one, the next server at the second, and so on
//! until one lives to answer.

use tokio::task::JoinSet;
use wallet_client::{RetryPolicy, WalletClient};
use wallet_workload::figure;

use super::{client, verify};
use crate::harness::{Database, Process};
use crate::sample_commands::{self, SampleCommand};
use crate::shorthand::kinds;

mod a_server_that_dies_at_any_point_executes_each_command_completely_or_not_at_all {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        die_everywhere(Database::sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        die_everywhere(Database::postgres).await;
    }
}

/// A command that was sent to a server which then died.
struct Sent {
    seven: SampleCommand,
    wallet: String,
    acknowledged: bool,
}

async fn die_everywhere(database: fn() -> Database) {
    let alone = sample_commands::ALL.map(|seven| vec![seven]);
    let (mut name, mut all) = ("", 0);
    for batch in alone.into_iter().chain([sample_commands::ALL.to_vec()]) {
        // A database per batch keeps the check after each death quick.
        let database = database();
        name = database.name();
        let mut calm = Process::start(&database, &[]);
        prepare(&calm, &batch).await;
        calm.kill();
        let sent = die_in_batch(&database, &batch).await;
        let mut calm = Process::start(&database, &[]);
        send_again(&calm, &sent, batch.len() == 1).await;
        calm.kill();
        verify(&database).await;
        let deaths = sent.len() / batch.len() - 1;
        let sent =
            if batch.len() == 1 { format!("{:?}", batch[0]) } else { "all of these together".to_owned() };
        figure("points", &[&sent, &name, &deaths]);
        // A batch on PostgreSQL may be one statement, after those that read its wallets.
        let calls = if name == "SQLite" { 8 } else { 6 };
        assert!(deaths > 2 * calls, "{batch:?} died only {deaths} times");
        all += deaths;
    }
    figure("points", &[&"in all", &name, &all]);
}

/// More failpoints than any batch has. Commands that are sent together run in two or three batches.
fn room(batch: &[SampleCommand]) -> usize {
    if batch.len() == 1 { 40 } else { 120 }
}

fn wallet(seven: SampleCommand, batch: usize, n: usize) -> String {
    format!("{seven:?}-of-{batch}-{n}")
}

/// Creates the model wallets and a wallet for every death.
async fn prepare(process: &Process, batch: &[SampleCommand]) {
    let client = client(process, RetryPolicy::default()).await;
    sample_commands::make_models(&client, batch).await;
    let mut wallets = JoinSet::new();
    for n in 0..room(batch) {
        for &seven in batch {
            let (client, wallet) = (client.clone(), wallet(seven, batch.len(), n));
            wallets.spawn(async move { seven.prepare(&client, &wallet).await });
        }
    }
    wallets.join_all().await;
}

/// Sends the batch to one server after another, each of which dies one failpoint later, until one lives.
async fn die_in_batch(database: &Database, batch: &[SampleCommand]) -> Vec<Sent> {
    let mut sent = Vec::new();
    for n in 0..room(batch) {
        let mut process = Process::start_with(database, &[], &[("WALLET_ABORT_AT", &n.to_string())]);
        let client = client(&process, RetryPolicy::never()).await;
        let mut calls = JoinSet::new();
        for &seven in batch {
            let (client, wallet) = (client.clone(), wallet(seven, batch.len(), n));
            calls.spawn(async move { (seven.send(&client, &wallet).await, seven, wallet) });
        }
        let mut lives = true;
        for (answer, seven, wallet) in calls.join_all().await {
            let acknowledged = answer.is_ok();
            lives &= acknowledged;
            if let Err(error) = answer {
                assert!(error.is_retryable(), "{wallet}: {error}");
            }
            sent.push(Sent { seven, wallet, acknowledged });
        }
        if lives {
            process.kill();
            return sent;
        }
        process.has_died();
        verify(database).await;
    }
    panic!("{batch:?} has more failpoints than expected")
}

/// Repeats every command that was sent: nothing acknowledged is missing and nothing happens twice. The deaths of a lone
/// command are in order: its effect is absent up to the commit and present from then on.
async fn send_again(process: &Process, sent: &[Sent], in_order: bool) {
    let client: WalletClient = client(process, RetryPolicy::default()).await;
    let mut was_there = Vec::new();
    for Sent { seven, wallet, acknowledged } in sent {
        let replayed = seven.send(&client, wallet).await.expect("the retry succeeds");
        assert!(replayed || !acknowledged || !seven.tells_replays(), "{wallet} was acknowledged and is lost");
        assert_eq!(kinds(&client, wallet).await, kinds(&client, &seven.model()).await, "{wallet}");
        was_there.push(replayed);
    }
    if in_order && sent[0].seven.tells_replays() {
        assert!(was_there.is_sorted(), "{was_there:?}");
        assert!(!was_there[0], "a command was there before it was decided");
        // Two failpoints follow COMMIT: one after it and one before the reply.
        assert!(was_there.iter().filter(|there| **there).count() >= 2, "{was_there:?}");
    }
}
