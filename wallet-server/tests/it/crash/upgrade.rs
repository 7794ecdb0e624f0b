//! An upgrade and its rollback under load. Two servers that share a PostgreSQL are replaced one by one, first by those
//! of this release and then by those of the release before, after a migration. No call fails, every call happens
//! exactly once, and the ledger verifies.
//!
//! The release before is the program in `WALLET_OLD_SERVER`, which `cargo xtask upgrade` builds from an earlier commit.
//! Without it both releases are the program under test. If this release has no migration that the release before lacks,
//! one is made up, which adds columns and an index to each table that commands write.

use std::env;

use sea_orm::{ConnectionTrait, Statement};
use tokio::task::block_in_place;

use super::load::{CALLERS, Load};
use super::operator::try_once;
use super::verify;
use crate::cli::run;
use crate::harness::{BINARY, Database, Process};
use crate::upgrade::WRITTEN;

/// Acknowledged calls between two steps. `cargo xtask upgrade` sets WALLET_UPGRADE_CALLS for a longer load.
const ACKNOWLEDGED: usize = 400;

mod no_call_fails_while_two_servers_are_upgraded_and_rolled_back {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn two_servers_postgres() {
        let calls =
            env::var("WALLET_UPGRADE_CALLS").map_or(ACKNOWLEDGED, |text| text.parse().expect("a number"));
        let old = env::var("WALLET_OLD_SERVER").unwrap_or_else(|_| BINARY.to_owned());
        let database = Database::postgres();
        let start =
            |program: &str, address: &str| block_in_place(|| Process::of(program, &database, address));
        let mut servers = [(); 2].map(|()| start(&old, "127.0.0.1:0"));
        let mut load = Load::start(&[servers[0].endpoint(), servers[1].endpoint()]).await;
        load.goes_on(calls).await;

        let before = migrations(&database).await;
        let migrated = block_in_place(|| run(&["migrate", "--database-url", &database.url], &[]));
        assert_eq!(migrated.code, Some(0), "{migrated:?}");
        let is_made_up = migrations(&database).await == before;
        if is_made_up {
            in_one_transaction(&database, &added()).await;
        }
        load.goes_on(calls).await;
        for (server, program) in [(0, BINARY), (1, BINARY), (0, &old), (1, &old)] {
            let server = &mut servers[server];
            block_in_place(|| server.stop());
            *server = start(program, &server.address);
            load.goes_on(calls).await;
        }
        let (all, load) = load.stop().await;
        println!("{all} calls of {CALLERS} callers; the migration is made up: {is_made_up}");

        load.assert_all_happened_once().await;
        servers.iter_mut().for_each(|server| block_in_place(|| server.stop()));
        if is_made_up {
            in_one_transaction(&database, &removed()).await;
        }
        verify(&database).await;
    }
}

/// Returns the names of the applied migrations.
async fn migrations(database: &Database) -> Vec<String> {
    let connection = database.connect().await;
    let sql = "SELECT version FROM seaql_migrations ORDER BY version";
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await.unwrap();
    connection.close().await.unwrap();
    rows.iter().map(|row| row.try_get("", "version").unwrap()).collect()
}

/// A migration that only adds: columns with a default and without, indexes on both, and a table.
fn added() -> String {
    let add = |table| {
        format!(
            "ALTER TABLE {table} ADD COLUMN colour bigint NOT NULL DEFAULT 7, ADD COLUMN shade text;
             CREATE INDEX {table}_by_colour ON {table} (colour, shade);"
        )
    };
    WRITTEN.map(add).concat()
        + "CREATE TABLE colours (colour bigint PRIMARY KEY);
           INSERT INTO seaql_migrations VALUES ('m9998_colours', 0)"
}

fn removed() -> String {
    WRITTEN.map(|table| format!("ALTER TABLE {table} DROP COLUMN colour, DROP COLUMN shade;")).concat()
        + "DROP TABLE colours; DELETE FROM seaql_migrations WHERE version = 'm9998_colours'"
}

/// Runs statements in one transaction, again until all locks are free in time.
async fn in_one_transaction(database: &Database, sql: &str) {
    let connection = database.connect().await;
    while !try_once(&connection, sql).await {}
    connection.close().await.unwrap();
}
