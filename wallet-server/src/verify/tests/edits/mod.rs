//! Edits by hand: what `verify` reports when somebody changes a column, for every column of every table and on both
//! databases.
//!
//! An edit is found, noted or declared. For a declared one `docs/verify.md` explains under the named heading why it
//! cannot be seen. The columns come from the schema, so a new column without an edit fails.

mod control;
mod feed;
mod grants;
mod ledger;
mod nats;
mod reservations;
mod wallets;
mod webhooks;

use std::collections::BTreeSet;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;

use super::fixture::{Story, write};
use super::rows::alter;
use crate::postgres::Postgres;
use crate::verify::{Report, verify};

const TABLES: [&str; 19] = [
    "tenants",
    "api_keys",
    "catalogs",
    "audit_events",
    "signing_keys",
    "task_leases",
    "wallets",
    "wallet_profiles",
    "grants",
    "reservations",
    "holds",
    "entries",
    "events",
    "feed_outbox",
    "feed_heads",
    "feed_blocks",
    "webhook_endpoints",
    "webhook_deliveries",
    "nats_positions",
];

/// The result of an edit.
#[derive(Debug, Clone, Copy)]
enum Finds {
    /// A fault with this text.
    Fault(&'static str),
    /// A note with this text; the ledger is clean.
    Note(&'static str),
    /// Nothing, for the reason under this heading of `docs/verify.md`.
    Nothing(&'static str),
}
use Finds::{Fault, Note, Nothing};

/// The column, the statement and its result. `{ann}` selects the rows of ann's wallet; `{uuid}` and `{bytes}` are
/// values that no row has.
type Edit = (&'static str, &'static str, Finds);

/// The column, the condition on its row, the change of its bytes, and its result.
type BinaryEdit = (&'static str, &'static str, fn(&[u8]) -> Vec<u8>, Finds);

/// The way in which a column is changed.
#[derive(Debug, Clone, Copy)]
enum Change {
    Sql(&'static str),
    /// A change of bytes, in the row that meets the condition.
    Binary(&'static str, fn(&[u8]) -> Vec<u8>),
}

fn edits() -> impl Iterator<Item = (&'static str, Change, Finds)> {
    let tables = [
        wallets::EDITS,
        grants::EDITS,
        reservations::EDITS,
        ledger::EDITS,
        feed::EDITS,
        webhooks::EDITS,
        nats::EDITS,
        control::EDITS,
    ];
    let texts = tables.into_iter().flatten().map(|(column, sql, finds)| (*column, Change::Sql(sql), *finds));
    let binary = [wallets::BINARY, reservations::BINARY, ledger::BINARY, feed::BINARY];
    let binary = binary.into_iter().flatten();
    texts.chain(binary.map(|(column, row, change, finds)| (*column, Change::Binary(row, *change), *finds)))
}

/// Decodes bytes, changes the value, and encodes it again.
fn changed<T>(bytes: &[u8], change: impl FnOnce(&mut T)) -> Vec<u8>
where
    T: Serialize + DeserializeOwned + Default + PartialEq,
{
    let mut changed = bytes.to_vec();
    alter(&mut changed, change);
    assert_ne!(changed, bytes, "the edit changes nothing");
    changed
}

/// Returns the statement that makes a change.
async fn statement(connection: &DatabaseConnection, column: &str, change: Change) -> String {
    let backend = connection.get_database_backend();
    let (row, change) = match change {
        Change::Sql(sql) => return render(sql, backend),
        Change::Binary(row, change) => (render(row, backend), change),
    };
    let (table, name) = column.split_once('.').unwrap();
    let select = Statement::from_string(backend, format!("SELECT {name} FROM {table} WHERE {row}"));
    let rows = connection.query_all_raw(select).await.unwrap();
    assert_eq!(rows.len(), 1, "{column}: {row}");
    let bytes = hex::encode(change(&rows[0].try_get_by_index::<Vec<u8>>(0).unwrap()));
    let bytes = match backend {
        DbBackend::Sqlite => format!("X'{bytes}'"),
        _ => format!("'\\x{bytes}'::bytea"),
    };
    format!("UPDATE {table} SET {name} = {bytes} WHERE {row}")
}

async fn sound(url: &str) {
    let stories = [Story::open("ann"), Story::money_back("bob"), Story::subscribed("eve")];
    write(url, &stories).await;
    let report = verify(url).await.unwrap();
    assert!(report.is_clean() && report.notes == 0, "{report}");
}

fn render(sql: &str, backend: DbBackend) -> String {
    let ours = |wallet: &str| {
        format!("wallet_key = (SELECT wallet_key FROM wallet_profiles WHERE wallet_id = '{wallet}')")
    };
    let (uuid, bytes) = match backend {
        DbBackend::Sqlite => (format!("X'{}'", "5a".repeat(16)), format!("X'{}'", "5a".repeat(32))),
        _ => (format!("'{}'::uuid", "5a".repeat(16)), format!("'\\x{}'::bytea", "5a".repeat(32))),
    };
    let sql =
        sql.replace("{ann}", &ours("ann")).replace("{bob}", &ours("bob")).replace("{eve}", &ours("eve"));
    sql.replace("{uuid}", &uuid).replace("{bytes}", &bytes)
}

/// Returns a description of the expected finding if the report does not have it.
fn missing(finds: Finds, report: &Report) -> Option<String> {
    let all: Vec<&String> = report.first_faults.iter().chain(&report.first_notes).collect();
    let as_expected = match finds {
        Fault(words) => report.first_faults.iter().any(|fault| fault.contains(words)),
        Note(words) => report.is_clean() && report.first_notes.iter().any(|note| note.contains(words)),
        Nothing(_) => report.is_clean() && report.notes == 0,
    };
    (!as_expected).then(|| format!("{finds:?}, found {all:#?}"))
}

/// Opens a connection without checks and triggers, so that rows can be edited by hand.
async fn unlocked(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    let connection = Database::connect(options).await.unwrap();
    let unlock = match connection.get_database_backend() {
        DbBackend::Sqlite => "PRAGMA ignore_check_constraints = ON",
        _ => "SET session_replication_role = replica",
    };
    connection.execute_unprepared(unlock).await.unwrap();
    connection
}

async fn names(connection: &DatabaseConnection, sql: &str) -> Vec<String> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

/// Edits a file without its triggers, and creates them again.
async fn edit_file(url: &str, column: &str, change: Change) {
    let connection = unlocked(url).await;
    let sql = statement(&connection, column, change).await;
    let triggers = names(
        &connection,
        "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND sql NOT LIKE '%foreign%'",
    )
    .await;
    for table in ["entries", "events"] {
        for kind in ["never_change", "never_go"] {
            connection.execute_unprepared(&format!("DROP TRIGGER {table}_{kind}")).await.unwrap();
        }
    }
    let done = connection.execute_unprepared(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    assert!(done.rows_affected() > 0 || sql.starts_with("DROP"), "{sql} changes nothing");
    for trigger in triggers {
        connection.execute_unprepared(&trigger).await.unwrap();
    }
    connection.close().await.unwrap();
}

/// A clean ledger in a file, of which each edit gets a copy.
struct Original {
    folder: TempDir,
    connection: DatabaseConnection,
    copies: u32,
}

impl Original {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/wallet.db", folder.path().display());
        sound(&url).await;
        Self { folder, connection: Database::connect(&url).await.unwrap(), copies: 0 }
    }

    /// Copies the database, including pages that are still in the journal.
    async fn copy(&mut self) -> String {
        self.copies += 1;
        let path = self.folder.path().join(format!("copy-{}.db", self.copies));
        let copy = format!("VACUUM INTO '{}'", path.display());
        self.connection.execute_unprepared(&copy).await.unwrap();
        format!("sqlite://{}", path.display())
    }
}

#[tokio::test]
async fn every_edit_of_a_file_is_found_or_declared() {
    let mut original = Original::new().await;
    let mut wrong = Vec::new();
    for (column, change, finds) in edits() {
        let url = original.copy().await;
        edit_file(&url, column, change).await;
        let missing = missing(finds, &verify(&url).await.unwrap());
        wrong.extend(missing.map(|missing| format!("{column}: {change:?}\n    {missing}")));
    }
    assert!(wrong.is_empty(), "{} edits:\n{}", wrong.len(), wrong.join("\n"));
}

/// Returns whether the database refuses the edit, so that it cannot be made.
fn is_refused(error: &sea_orm::DbErr) -> bool {
    ["check constraint", "out of range", "duplicate key"].iter().any(|why| error.to_string().contains(why))
}

#[tokio::test]
async fn every_edit_of_a_postgres_database_is_found_or_declared() {
    let url = Postgres::shared().create_database();
    sound(&url).await;
    let connection = unlocked(&url).await;
    connection.execute_unprepared("CREATE SCHEMA kept").await.unwrap();
    for table in TABLES {
        connection.execute_unprepared(&format!("CREATE TABLE kept.{table} AS TABLE {table}")).await.unwrap();
    }
    let (mut wrong, mut refused) = (Vec::new(), 0);
    for (column, change, finds) in edits() {
        let sql = statement(&connection, column, change).await;
        match connection.execute_unprepared(&sql).await {
            Ok(done) => assert!(done.rows_affected() > 0, "{sql} changes nothing"),
            Err(error) if is_refused(&error) => {
                refused += 1;
                continue;
            }
            Err(error) => panic!("{sql}: {error}"),
        }
        let missing = missing(finds, &verify(&url).await.unwrap());
        wrong.extend(missing.map(|missing| format!("{column}: {sql}\n    {missing}")));
        let (table, _) = column.split_once('.').unwrap();
        let back = format!("TRUNCATE {table}; INSERT INTO {table} SELECT * FROM kept.{table}");
        connection.execute_unprepared(&back).await.unwrap();
    }
    assert!(wrong.is_empty(), "{} edits:\n{}", wrong.len(), wrong.join("\n"));
    assert!(refused < 20, "{refused} edits are refused by the database itself");
    assert!(verify(&url).await.unwrap().is_clean());
}

#[tokio::test]
async fn every_column_of_the_schema_has_an_edit_and_every_limit_a_heading() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/wallet.db", folder.path().display());
    write(&url, &[]).await;
    let connection = Database::connect(&url).await.unwrap();
    let columns = "SELECT t.name || '.' || c.name FROM sqlite_master t, pragma_table_info(t.name) c
                   WHERE t.type = 'table' AND t.name NOT LIKE 'seaql_%'";
    let columns: BTreeSet<String> = names(&connection, columns).await.into_iter().collect();
    let tables: BTreeSet<&str> = columns.iter().filter_map(|column| column.split('.').next()).collect();
    assert_eq!(tables, BTreeSet::from(TABLES));
    let edited: BTreeSet<String> = edits().map(|(column, ..)| column.to_owned()).collect();
    let without: Vec<_> = columns.difference(&edited).collect();
    let unknown: Vec<_> = edited.difference(&columns).collect();
    assert!(without.is_empty() && unknown.is_empty(), "without an edit: {without:?}; unknown: {unknown:?}");

    let document = include_str!("../../../../../docs/verify.md");
    let headings: BTreeSet<&str> =
        document.lines().filter_map(|line| line.strip_prefix("### ")).map(str::trim).collect();
    for (column, change, finds) in edits() {
        if let Nothing(heading) = finds {
            assert!(
                headings.contains(heading),
                "{column}: {change:?}: docs/verify.md has no heading {heading:?}"
            );
        }
    }
}

/// Bytes in a text column, text in a number column and so on: the row is a fault and the other rows are read.
#[tokio::test]
async fn a_cell_of_any_type_in_any_column_stops_nothing() {
    let mut original = Original::new().await;
    let columns = edits().map(|(column, ..)| column).collect::<BTreeSet<_>>();
    let mut wrong = Vec::new();
    for column in columns {
        let (table, name) = column.split_once('.').unwrap();
        for (value, is_found) in
            [("X'ff'", true), ("'x'", false), ("0.5", false), ("-9223372036854775808", false)]
        {
            let url = original.copy().await;
            let row = format!("(SELECT max(rowid) FROM {table})");
            let sql = format!("UPDATE {table} SET {name} = {value} WHERE rowid = {row}");
            edit_file(&url, column, Change::Sql(sql.leak())).await;
            match verify(&url).await {
                Ok(report) if is_found && report.is_clean() => {
                    wrong.push(format!("{column} = {value}: clean"))
                }
                Ok(_) => {}
                Err(error) => wrong.push(format!("{column} = {value}: {error}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Without a trigger, an index or a constraint the database accepts rows that no server writes.
#[tokio::test]
async fn a_schema_that_differs_from_the_migrations_is_found() {
    let mut original = Original::new().await;
    let postgres = Postgres::shared().create_database();
    sound(&postgres).await;
    for (sqlite, there, back, words) in control::SCHEMA {
        if !sqlite.is_empty() {
            let url = original.copy().await;
            let connection = Database::connect(&url).await.unwrap();
            connection.execute_unprepared(sqlite).await.unwrap();
            connection.close().await.unwrap();
            let report = verify(&url).await.unwrap();
            assert!(missing(Fault(words), &report).is_none(), "{sqlite}: {report}");
        }
        let connection = Database::connect(&postgres).await.unwrap();
        connection.execute_unprepared(there).await.unwrap();
        let report = verify(&postgres).await.unwrap();
        assert!(missing(Fault(words), &report).is_none(), "{there}: {report}");
        connection.execute_unprepared(back).await.unwrap();
        let report = verify(&postgres).await.unwrap();
        assert!(report.is_clean(), "{back}: {report}");
    }
}
