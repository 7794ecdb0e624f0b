//! An operator of PostgreSQL who works on the tables while they are in use: locks one for a moment, adds columns, and
//! changes the types of columns that servers read.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, RuntimeErr};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::harness::Database;

/// The tables that every batch uses.
const TABLES: [&str; 6] = ["wallets", "wallet_profiles", "grants", "reservations", "holds", "entries"];
/// Columns that batches read. Statements that were prepared before a change of their types fail once with 0A000.
const COLUMNS: [(&str, &str); 3] =
    [("wallet_profiles", "profile"), ("grants", "details"), ("reservations", "worker")];
/// The SQLSTATEs of a lock that was not free in time, and of one that servers and the operator awaited of each other.
const NOT_FREE: [&str; 2] = ["55P03", "40P01"];
/// The longest wait for a lock, during which all later statements about the table wait too.
const WAIT: &str = "SET LOCAL lock_timeout = '200ms'";

pub(super) struct Operator {
    work: JoinHandle<Work>,
    end: CancellationToken,
}

/// The changes that were carried out.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) locks: usize,
    pub(super) columns: usize,
    pub(super) types: usize,
}

impl Operator {
    pub(super) async fn start(database: &Database) -> Self {
        let connection = database.connect().await;
        let end = CancellationToken::new();
        let work = tokio::spawn(work(connection, end.clone()));
        Self { work, end }
    }

    /// Waits until the operator has restored the types, which `verify` checks.
    pub(super) async fn stop(self) -> Work {
        self.end.cancel();
        self.work.await.unwrap()
    }
}

async fn work(connection: DatabaseConnection, end: CancellationToken) -> Work {
    let mut done = Work::default();
    for n in 0.. {
        if end.is_cancelled() {
            break;
        }
        let table = TABLES[n % TABLES.len()];
        let lock = format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(0.1)");
        done.locks += usize::from(try_once(&connection, &lock).await);
        let add = format!("ALTER TABLE {table} ADD COLUMN added_{n} BIGINT NOT NULL DEFAULT 0");
        done.columns += usize::from(try_once(&connection, &add).await);
        let (table, column) = COLUMNS[n % COLUMNS.len()];
        let of_type = if (n / COLUMNS.len()).is_multiple_of(2) { "VARCHAR" } else { "TEXT" };
        done.types += usize::from(try_once(&connection, &alter(table, column, of_type)).await);
        try_once(&connection, "SELECT pg_sleep(0.3)").await;
    }
    for (table, column) in COLUMNS {
        while !try_once(&connection, &alter(table, column, "TEXT")).await {}
    }
    done
}

fn alter(table: &str, column: &str, of_type: &str) -> String {
    format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE {of_type}")
}

/// Runs statements in one transaction. Returns whether the locks were free in time.
pub(super) async fn try_once(connection: &DatabaseConnection, sql: &str) -> bool {
    let Err(error) = connection.execute_unprepared(&format!("{WAIT}; {sql}")).await else { return true };
    assert!(code(&error).is_some_and(|code| NOT_FREE.contains(&code.as_str())), "{sql}: {error}");
    false
}

fn code(error: &DbErr) -> Option<String> {
    let DbErr::Exec(RuntimeErr::SqlxError(error)) = error else { return None };
    Some(error.as_database_error()?.code()?.into_owned())
}
