//! One unreadable row stops its wallet and nothing else. Every column of every table of wallet data is corrupted, each
//! in another wallet; then every operation on many wallets must get past all of them: a batch, a list, a sweep, a
//! publication, a start.

use std::collections::BTreeSet;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use wallet_client::v1::threshold::Threshold::Amount;
use wallet_client::v1::{self, EntryKind, ErrorReason, WalletStatus};
use wallet_client::{Code, Error, WalletClient};
use wallet_server::{BUNDLED_CATALOG, Config};

use crate::harness::{Database, Server, eventually, video};
use crate::shorthand::{entries, low_balance, refused, reservation, seconds, set_status, settle};

/// A column and the SQL value that makes it unreadable.
#[derive(Debug, Clone)]
struct Corruption {
    table: String,
    column: String,
    value: &'static str,
}

each_database! {
    async fn an_unreadable_row_stops_its_wallet_and_nothing_else(server: Server) {
        let server = server.without_cache().await;
        let connection = server.database.connect().await;
        connection.execute_unprepared(defenceless(&connection)).await.unwrap();
        let all = corruptions(&connection).await;
        assert!(all.len() > 70, "{} columns", all.len());
        let client = server.client().await;
        server.wallet("neighbour", 1_000).await;
        for n in 0..all.len() {
            victim(&server, &format!("v{n}")).await;
        }
        for (n, corruption) in all.iter().enumerate() {
            corrupt(&connection, corruption, &format!("v{n}")).await;
        }

        // Commands in one batch with another wallet's.
        for (n, corruption) in all.iter().enumerate() {
            let (wallet, job_id) = (format!("v{n}"), format!("job-{n}"));
            let (mine, others) = tokio::join!(
                client.reserve(v1::ReserveRequest::new(&wallet, "next", video("1"))),
                client.reserve(v1::ReserveRequest::new("neighbour", &job_id, video("1"))),
            );
            others.unwrap_or_else(|error| panic!("in a batch with {corruption:?}: {error}"));
            if corruption.column == "profile" {
                refused(mine, ErrorReason::WalletFrozen, Code::FailedPrecondition);
            } else {
                is_final(mine, corruption);
            }
            let read = v1::GetBalanceRequest { wallet_id: wallet.clone(), ..Default::default() };
            is_final(client.get_balance(read).await, corruption);
        }
        server.wallet("swept", 100).await;
        sweeps(&client).await;
        publishes(&client, "second").await;
        lists(&client, &all).await;

        let database = server.database.clone();
        drop(client);
        server.stop().await;
        let catalog = Some(format!("{BUNDLED_CATALOG}\n# third\n"));
        let server = Server::start_with(database, Config { catalog, ..Config::default() }).await;
        let client = server.client().await;
        client.reserve(v1::ReserveRequest::new("neighbour", "after-the-start", video("1"))).await.unwrap();
        lists(&client, &all).await;
    }
}

/// SQLite keeps bytes in a column of text, and its JSON functions refuse them.
mod a_due_hold_with_an_unreadable_id_is_no_outage {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        let config = Config { cached_rows: 0, sweep_period: Duration::from_secs(3_600), ..Config::default() };
        let server = Server::start_with(Database::sqlite(), config).await;
        victim(&server, "w").await;
        let connection = server.database.connect().await;
        let (table, column) = ("holds".to_owned(), "reservation_id".to_owned());
        let corruption = Corruption { table, column, value: "X'FF00'" };
        corrupt(&connection, &corruption, "w").await;

        let client = server.client().await;
        let due = reservation(&client, "w", "short").await.deadline.unwrap().seconds;
        eventually("the hold is due", async || {
            let request = v1::GetBalanceRequest { wallet_id: "w".into(), ..Default::default() };
            let answer = client.get_balance(request).await;
            let read = answer.as_ref().map_or(i64::MAX, |balance| balance.read_time.unwrap().seconds);
            is_final(answer, &corruption);
            if read > due { Ok(()) } else { Err(read) }
        })
        .await;
        is_final(client.reserve(v1::ReserveRequest::new("w", "next", video("1"))).await, &corruption);
    }
}

/// The statements that remove the triggers and constraints against invalid values.
fn defenceless(connection: &DatabaseConnection) -> &'static str {
    match connection.get_database_backend() {
        sea_orm::DbBackend::Sqlite => {
            "DROP TRIGGER entries_never_change; DROP TRIGGER entries_never_go;
             DROP TRIGGER events_never_change; DROP TRIGGER events_never_go"
        }
        _ => {
            "DO $$ DECLARE c record; BEGIN
               FOR c IN SELECT conrelid::regclass AS t, conname FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0 LOOP
                 EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.t, c.conname);
               END LOOP;
               FOR c IN SELECT table_name AS t FROM information_schema.columns
                   WHERE table_schema = 'public' AND column_name = 'wallet_key' LOOP
                 EXECUTE format('ALTER TABLE %I DISABLE TRIGGER ALL', c.t);
               END LOOP;
             END $$"
        }
    }
}

/// Every column of the tables with a wallet's key, each with a value that makes it unreadable.
async fn corruptions(connection: &DatabaseConnection) -> Vec<Corruption> {
    let backend = connection.get_database_backend();
    let is_sqlite = backend == sea_orm::DbBackend::Sqlite;
    let sql = match is_sqlite {
        true => {
            "SELECT m.name AS t, c.name AS c, c.type = 'TEXT' AS is_text, c.pk > 0 AS is_key
             FROM sqlite_master m, pragma_table_info(m.name) c
             WHERE m.type = 'table' AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) k WHERE k.name = 'wallet_key')"
        }
        false => {
            "SELECT c.table_name::text AS t, c.column_name::text AS c, c.data_type = 'text' AS is_text,
               EXISTS (SELECT 1 FROM information_schema.key_column_usage k
                       WHERE k.table_name = c.table_name AND k.column_name = c.column_name) AS is_key
             FROM information_schema.columns c WHERE c.table_schema = 'public' AND c.table_name IN
               (SELECT table_name FROM information_schema.columns WHERE column_name = 'wallet_key')"
        }
    };
    let mut all = Vec::new();
    for row in connection.query_all_raw(Statement::from_string(backend, sql)).await.unwrap() {
        let (table, column): (String, String) =
            (row.try_get("", "t").unwrap(), row.try_get("", "c").unwrap());
        let (is_text, is_key): (bool, bool) =
            (row.try_get("", "is_text").unwrap(), row.try_get("", "is_key").unwrap());
        let mut values = Vec::new();
        if is_text {
            values.push("'x{'");
        }
        match (is_sqlite, is_text) {
            // SQLite stores any value in any column, except NULL.
            (true, true) => values.push("X'FF00'"),
            (true, false) => values.push("'x{'"),
            (false, _) if !is_key => values.push("NULL"),
            (false, _) => {}
        }
        all.extend(values.into_iter().map(|value| Corruption {
            table: table.clone(),
            column: column.clone(),
            value,
        }));
    }
    all
}

/// Corrupts a column in one row of the wallet.
async fn corrupt(
    connection: &DatabaseConnection,
    Corruption { table, column, value }: &Corruption,
    wallet: &str,
) {
    let (row, first, before) = match connection.get_database_backend() {
        sea_orm::DbBackend::Sqlite => ("rowid", "PRAGMA ignore_check_constraints = ON", String::new()),
        _ if *value == "NULL" => {
            ("ctid", "SELECT 1", format!("ALTER TABLE {table} ALTER {column} DROP NOT NULL"))
        }
        _ => ("ctid", "SELECT 1", String::new()),
    };
    connection.execute_unprepared(first).await.unwrap();
    if !before.is_empty() {
        connection.execute_unprepared(&before).await.unwrap();
    }
    let sql = format!(
        "UPDATE {table} SET {column} = {value} WHERE {row} = (SELECT min({row}) FROM {table} WHERE wallet_key =
           (SELECT wallet_key FROM wallet_profiles WHERE wallet_id = '{wallet}'))"
    );
    let done = connection.execute_unprepared(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    assert_eq!(done.rows_affected(), 1, "{sql}");
}

/// Creates a wallet with a row in every table, a hold that is due soon, and one that stays.
async fn victim(server: &Server, wallet: &str) {
    let client = server.wallet(wallet, 100).await;
    let low = v1::UpdateWalletRequest {
        low_balance: vec![low_balance("credits", &[Amount(95)])],
        ..set_status(wallet, "low", WalletStatus::Unspecified)
    };
    client.update_wallet(low).await.unwrap();
    client.reserve(v1::ReserveRequest::new(wallet, "done", video("1"))).await.unwrap();
    client.settle(settle(wallet, "done", v1::Succeeded::usage([("duration_s", "1")]))).await.unwrap();
    let short =
        v1::ReserveRequest { ttl: Some(seconds(1)), ..v1::ReserveRequest::new(wallet, "short", video("1")) };
    client.reserve(short).await.unwrap();
    client.reserve(v1::ReserveRequest::new(wallet, "open", video("1"))).await.unwrap();
}

/// Asserts that the call, repeated by its client while its error is retryable, succeeded or failed for good: clients
/// would repeat an error that stays retryable endlessly.
fn is_final<A>(answer: Result<A, Error>, corruption: &Corruption) {
    if let Err(error) = answer {
        assert!(!error.is_retryable(), "{corruption:?}: {error}");
    }
}

/// Asserts that the hold of another wallet expires without a command.
async fn sweeps(client: &WalletClient) {
    let short =
        v1::ReserveRequest { ttl: Some(seconds(1)), ..v1::ReserveRequest::new("swept", "short", video("1")) };
    client.reserve(short).await.unwrap();
    eventually("a sweep happens", async || {
        let entries = entries(client, "swept").await;
        let is_swept = entries.iter().any(|entry| entry.kind() == EntryKind::HoldExpired);
        if is_swept { Ok(()) } else { Err(entries) }
    })
    .await;
}

async fn publishes(client: &WalletClient, remark: &str) {
    let toml = format!("{BUNDLED_CATALOG}\n# {remark}\n");
    client.publish_catalog(v1::PublishCatalogRequest { toml, ..Default::default() }).await.unwrap();
}

/// Lists all pages: every wallet that still has an id is there, and one with an unreadable profile is shown as frozen.
/// A list of the frozen wallets has those with an unreadable row or profile.
async fn lists(client: &WalletClient, all: &[Corruption]) {
    let pages = v1::ListWalletsRequest::default().with_page_size(7);
    let wallets = client.list_wallets_stream(pages.clone()).try_into_vec().await.unwrap();
    let is_frozen = |wallet: &&v1::Wallet| wallet.status() == WalletStatus::Frozen;
    let frozen: BTreeSet<_> =
        wallets.iter().filter(is_frozen).map(|wallet| wallet.wallet_id.clone()).collect();
    let listed: BTreeSet<_> = wallets.iter().map(|wallet| wallet.wallet_id.clone()).collect();
    let found = client.list_wallets_stream(pages.with_frozen_only(true)).try_into_vec().await.unwrap();
    let found: BTreeSet<_> = found.into_iter().map(|wallet| wallet.wallet_id).collect();
    assert!(found.is_subset(&frozen), "{found:?} are not among {frozen:?}");
    assert!(listed.contains("neighbour") && !frozen.contains("neighbour"));
    for (n, corruption) in all.iter().enumerate() {
        let has_id = corruption.table != "wallet_profiles"
            || !["tenant", "wallet_id", "wallet_key", "bucket"].contains(&corruption.column.as_str());
        let has_row =
            corruption.table != "wallets" || !["wallet_key", "bucket"].contains(&corruption.column.as_str());
        if has_id && has_row {
            assert!(listed.contains(&format!("v{n}")), "{corruption:?} is not listed");
        }
        let is_read = ["wallets", "wallet_profiles"].contains(&corruption.table.as_str());
        if is_read && frozen.contains(&format!("v{n}")) {
            assert!(found.contains(&format!("v{n}")), "{corruption:?} is not found");
        }
        if corruption.table == "wallet_profiles" && corruption.column == "profile" {
            assert!(frozen.contains(&format!("v{n}")), "{corruption:?} is not frozen");
        }
    }
}
