//! Edits by hand: for every column of every table what `verify` says if somebody changes it, on both databases.
//!
//! An edit is found, noted, or declared: then `docs/verify.md` says under the heading named why nothing can tell. The
//! columns come from the schema, so that a new one without an edit fails.

mod control;
mod grants;
mod ledger;
mod reservations;
mod wallets;

use std::collections::BTreeSet;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use tempfile::TempDir;

use super::fixture::{Story, write};
use crate::postgres::Postgres;
use crate::verify::{Report, verify};

const TABLES: [&str; 11] = [
    "tenants",
    "catalogs",
    "signing_keys",
    "sweeper_leases",
    "wallets",
    "wallet_balances",
    "wallet_profiles",
    "grants",
    "reservations",
    "entries",
    "events",
];

/// What becomes of an edit.
#[derive(Debug, Clone, Copy)]
enum Finds {
    /// A fault of this wallet, or of the database, in these words.
    Fault(&'static str),
    /// A note in these words; the ledger is clean.
    Note(&'static str),
    /// Nothing: this heading of `docs/verify.md` says why.
    Nothing(&'static str),
}
use Finds::{Fault, Note, Nothing};

/// The column, what is done, and what becomes of it. `{ann}` finds the rows of ann's wallet, `{uuid}` and `{bytes}` are
/// values of these types that nothing else has.
type Edit = (&'static str, &'static str, Finds);

fn edits() -> impl Iterator<Item = Edit> {
    let tables = [wallets::EDITS, grants::EDITS, reservations::EDITS, ledger::EDITS, control::EDITS];
    tables.into_iter().flatten().copied()
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

/// What is missing in what was found, if anything is.
fn missing(finds: Finds, report: &Report) -> Option<String> {
    let all: Vec<&String> = report.first_faults.iter().chain(&report.first_notes).collect();
    let as_expected = match finds {
        Fault(words) => report.first_faults.iter().any(|fault| fault.contains(words)),
        Note(words) => report.is_clean() && report.first_notes.iter().any(|note| note.contains(words)),
        Nothing(_) => report.is_clean() && report.notes == 0,
    };
    (!as_expected).then(|| format!("{finds:?}, found {all:#?}"))
}

/// Triggers and checks stand in nobody's way who edits by hand.
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

/// Edits a file, whose triggers are there again afterwards.
async fn edit_file(url: &str, sql: &str) {
    let connection = unlocked(url).await;
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
    let done = connection.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    assert!(done.rows_affected() > 0 || sql.starts_with("DROP"), "{sql} touches nothing");
    for trigger in triggers {
        connection.execute_unprepared(&trigger).await.unwrap();
    }
    connection.close().await.unwrap();
}

/// A sound ledger in a file, and copies of it to be edited, each a file of its own.
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

    /// As large as it was, however much of it is still in the journal.
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
    for (column, sql, finds) in edits() {
        let url = original.copy().await;
        edit_file(&url, &render(sql, DbBackend::Sqlite)).await;
        let missing = missing(finds, &verify(&url).await.unwrap());
        wrong.extend(missing.map(|missing| format!("{column}: {sql}\n    {missing}")));
    }
    assert!(wrong.is_empty(), "{} edits:\n{}", wrong.len(), wrong.join("\n"));
}

/// A row that the database itself refuses is one that nobody could write.
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
    for (column, sql, finds) in edits() {
        match connection.execute_unprepared(&render(sql, DbBackend::Postgres)).await {
            Ok(done) => assert!(done.rows_affected() > 0, "{sql} touches nothing"),
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
    for (column, sql, finds) in edits() {
        if let Nothing(heading) = finds {
            assert!(headings.contains(heading), "{column}: {sql}: docs/verify.md has no heading {heading:?}");
        }
    }
}

/// Bytes that are no text, text that is no number: whatever a cell has, the rest is read and the row is a fault.
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
            edit_file(&url, &format!("UPDATE {table} SET {name} = {value} WHERE rowid = {row}")).await;
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

/// A missing trigger, index or constraint lets in what no server would write.
#[tokio::test]
async fn a_schema_that_is_not_what_migrations_make_is_found() {
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
