//! Replay of the public order: eight clients use two servers that share a PostgreSQL. Calls to the database hang
//! from time to time, and readers run at the same time. The version and the time of every reply determine its place
//! in the wallet's history. At that place a single thread, on the core alone, must give the same reply, refusals
//! included. It must also show what every reader saw, and end with the same ledger.

mod client;
mod history;
mod server;

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use wallet_core::{TenantId, Wallet, WalletId, WalletKey};
use wallet_workload::figure;

use super::Database;
use super::traces::{seed, story};
use crate::clock::Clock;
use crate::store::Store;
use client::{Answered, run_clients};
use history::History;
use server::{Seen, Server};

const SERVERS: usize = 2;
const WALLETS: u64 = 6;

mod every_reply_is_that_of_a_single_thread_in_the_public_order {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        super::every_reply().await;
    }
}

async fn every_reply() {
    let seed = seed();
    let steps = story(seed, WALLETS);
    let wallets: Vec<WalletId> = (0..WALLETS).map(|n| format!("wallet-{n}").parse().unwrap()).collect();
    let database = Database::postgres();
    let clock = Clock::manual(steps[0].at);
    let mut servers = Vec::new();
    for number in 0..SERVERS {
        servers.push(Server::start(&database, &clock, seed, number, &wallets).await);
    }
    let doors: Vec<_> = servers.iter().map(|server| server.door.clone()).collect();
    let answered = run_clients(seed, steps.into(), &doors, &clock).await;
    drop(doors);
    let (mut faults, mut seen) = (0, Vec::new());
    for server in servers {
        let (stood_still, reads) = server.stop().await;
        faults += stood_still;
        seen.extend(reads);
    }

    let lane = database.lane(&clock, wallet_workload::CATALOG).await;
    let replies: usize = answered.values().map(Vec::len).sum();
    let refused = answered.values().flatten().filter(|answered| answered.reply.result.is_err()).count();
    let hidden = replay(&lane.runner.store, answered, &seen).await;
    database.verify().await;
    assert!(faults > 0, "the test needs calls that hang");
    // Each fault hides at most the commands of one batch.
    assert!(
        hidden <= faults * client::CLIENTS as u64,
        "{hidden} commands had no answer, with {faults} faults"
    );
    assert_eq!(
        deadlocks(lane.runner.connection.raw()).await,
        0,
        "servers waited for each other in a deadlock"
    );
    figure("order", &[&replies, &refused, &seen.len(), &faults, &hidden]);
}

/// Replays the history of every wallet, and returns the number of commands that took effect without an answer.
async fn replay(
    store: &Store,
    answered: BTreeMap<WalletId, Vec<Answered>>,
    seen: &[(WalletId, Seen)],
) -> u64 {
    let mut hidden = 0;
    for (id, answered) in answered {
        let key = WalletKey::new(TenantId::DEFAULT, &id);
        let snapshot = store.snapshot().await.unwrap();
        let ledger = snapshot.entries(key, 0, None, u64::from(u32::MAX)).await.unwrap();
        let history = History::of(Wallet::blank(key, id.clone()), &answered, ledger);
        hidden += history.hidden;
        for (_, seen) in seen.iter().filter(|(wallet, seen)| *wallet == id && history.has(seen.version)) {
            assert_eq!(*seen, Seen::of(&history.at(seen.version)), "read of {id}");
        }
    }
    hidden
}

/// Returns the number of deadlocks that PostgreSQL has resolved.
async fn deadlocks(connection: &DatabaseConnection) -> i64 {
    let sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    connection.query_one_raw(statement).await.unwrap().unwrap().try_get("", "deadlocks").unwrap()
}
