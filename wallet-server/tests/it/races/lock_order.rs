//! Servers whose batches lock the same wallets. All servers lock in one order, so there are no deadlocks. PostgreSQL
//! ends one of two deadlocked transactions, which is then merely retried, so the test reads PostgreSQL's own count.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tokio::task::JoinSet;
use wallet_client::WalletClient;
use wallet_client::v1;

use crate::harness::{Database, credits};

const CALLERS: usize = 48;
const CALLS: usize = 30;
const WALLETS: usize = 12;

each_fleet! {
    async fn batches_that_lock_the_same_wallets_never_deadlock(servers: Vec<Server>) {
        for n in 0..WALLETS {
            servers[0].wallet(&wallet(n), 0).await;
        }
        let intruder = tokio::spawn(intrude(servers[0].database.clone()));
        let mut callers = JoinSet::new();
        for n in 0..CALLERS {
            callers.spawn(buy(servers[n % servers.len()].client().await, n));
        }
        callers.join_all().await;
        intruder.abort();

        let report = servers[0].verify().await;
        assert!(report.is_clean(), "{report}");
        assert_eq!(report.entries, (WALLETS + CALLERS * CALLS) as u64);
        let database = servers[0].database.clone();
        // A connection reports its counters to PostgreSQL at its end at the latest.
        for server in servers {
            server.stop().await;
        }
        assert_eq!(deadlocks(&database).await, 0);
    }
}

/// Locks one random wallet after another for a while, so that batches wait while they hold a part of their locks.
async fn intrude(database: Database) {
    if database.name() == "SQLite" {
        return;
    }
    let connection = database.connect().await;
    loop {
        let keep = "BEGIN; SELECT 1 FROM wallets ORDER BY random() LIMIT 1 FOR NO KEY UPDATE;
                    SELECT pg_sleep(0.03); COMMIT";
        connection.execute_unprepared(keep).await.unwrap();
    }
}

fn wallet(n: usize) -> String {
    format!("wallet-{}", n % WALLETS)
}

/// Makes one purchase after another, each for another wallet.
async fn buy(client: WalletClient, caller: usize) {
    for n in 0..CALLS {
        let id = format!("{caller}-{n}");
        client.top_up(v1::TopUpRequest::amount(wallet(5 * caller + 7 * n), id, credits(1))).await.unwrap();
    }
}

async fn deadlocks(database: &Database) -> i64 {
    if database.name() == "SQLite" {
        return 0;
    }
    let connection = database.connect().await;
    let sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let row = connection.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap();
    row.unwrap().try_get("", "deadlocks").unwrap()
}
