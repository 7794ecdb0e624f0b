//! Replay of the public order: eight clients on two servers that share a PostgreSQL, whose calls to it stand still now and
//! then, and readers beside them. Version and instant of every reply say where in its wallet's history it belongs; there
//! a single thread on the core alone must give the same reply, refusals included, show what every reader saw, and end
//! with the same ledger.

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
use client::{Told, everybody};
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
    let told = everybody(seed, steps.into(), &doors, &clock).await;
    drop(doors);
    let (mut faults, mut seen) = (0, Vec::new());
    for server in servers {
        let (stood_still, reads) = server.stop().await;
        faults += stood_still;
        seen.extend(reads);
    }

    let lane = database.lane(&clock, wallet_workload::CATALOG).await;
    let replies: usize = told.values().map(Vec::len).sum();
    let refused = told.values().flatten().filter(|told| told.reply.result.is_err()).count();
    let hidden = replay(&lane.store, told, &seen).await;
    database.verify().await;
    assert!(faults > 0, "a database that never stands still shows nothing");
    // Each hides the commands of one batch at most.
    assert!(
        hidden <= faults * client::CLIENTS as u64,
        "{hidden} commands had no answer, with {faults} faults"
    );
    assert_eq!(deadlocks(&lane.connection).await, 0, "servers waited for each other in a circle");
    figure("order", &[&replies, &refused, &seen.len(), &faults, &hidden]);
}

/// Tells every wallet's history again; how many commands had to be placed that nobody was answered.
async fn replay(store: &Store, told: BTreeMap<WalletId, Vec<Told>>, seen: &[(WalletId, Seen)]) -> u64 {
    let mut hidden = 0;
    for (id, told) in told {
        let key = WalletKey::new(TenantId::DEFAULT, &id);
        let snapshot = store.snapshot().await.unwrap();
        let ledger = snapshot.entries(key, 0, None, u64::from(u32::MAX)).await.unwrap();
        let history = History::of(Wallet::blank(key, id.clone()), &told, ledger);
        hidden += history.hidden;
        for (_, seen) in seen.iter().filter(|(wallet, _)| *wallet == id) {
            assert_eq!(*seen, Seen::of(history.at(seen.version)), "read of {id}");
        }
    }
    hidden
}

/// How often PostgreSQL had to end a batch that waited for one that waited for it.
async fn deadlocks(connection: &DatabaseConnection) -> i64 {
    let sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    connection.query_one_raw(statement).await.unwrap().unwrap().try_get("", "deadlocks").unwrap()
}
