//! The calls that a lane makes to the database, every one through [`Watched`]: bounded in time, with a fault point
//! before and after it. A lane has no other way to its transaction, so no call can be forgotten.

use std::time::Duration;

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult,
    RuntimeErr, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};

use crate::store::points;

/// A transaction that writes.
#[derive(Debug)]
pub(super) struct Watched {
    transaction: DatabaseTransaction,
    patience: Duration,
}

impl Watched {
    /// Begins one. No call of it may take longer than `patience`: a connection to a machine that is gone says nothing
    /// for a quarter of an hour.
    ///
    /// SQLite takes its one write lock at once: a deferred transaction that reads and then writes fails when another
    /// has written meanwhile.
    pub(super) async fn begin(connection: &DatabaseConnection, patience: Duration) -> Result<Self, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let connection = connection.clone();
        // In a task of its own, which ends what it began: a BEGIN that is cancelled half-way would leave the
        // connection inside a transaction.
        #[expect(clippy::disallowed_methods, reason = "the one place where a writing transaction begins")]
        let begun = tokio::spawn(async move { connection.begin_with_options(options).await });
        let begun = async { begun.await.unwrap_or_else(|ended| Err(gone(&ended.to_string()))) };
        Ok(Self { transaction: watched(patience, begun).await?, patience })
    }

    /// Makes it last. Unless the database refuses, an error leaves open whether it did.
    pub(super) async fn commit(self) -> Result<(), DbErr> {
        watched(self.patience, self.transaction.commit()).await
    }
}

#[async_trait]
impl ConnectionTrait for Watched {
    fn get_database_backend(&self) -> DbBackend {
        self.transaction.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        watched(self.patience, self.transaction.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        watched(self.patience, self.transaction.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        watched(self.patience, self.transaction.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        watched(self.patience, self.transaction.query_all_raw(statement)).await
    }
}

async fn watched<T>(patience: Duration, call: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
    // A point where a test stands still is as a database that has gone silent.
    let between_points = async {
        points::pass().await;
        let answer = call.await;
        points::pass().await;
        answer
    };
    let answer = tokio::time::timeout(patience, between_points).await;
    answer.unwrap_or_else(|_| Err(gone("the database did not answer in time")))
}

fn gone(why: &str) -> DbErr {
    DbErr::Conn(RuntimeErr::Internal(why.to_owned()))
}

/// Whether the next borrower of the connection would find itself inside a transaction.
#[cfg(test)]
pub(crate) async fn is_inside_a_transaction(connection: &DatabaseConnection) -> bool {
    // Each is refused outside of one, and changes nothing.
    let only_inside = match connection.get_database_backend() {
        DbBackend::Sqlite => "ROLLBACK",
        _ => "SAVEPOINT probe",
    };
    connection.execute_unprepared(only_inside).await.is_ok()
}

/// Does what no server would do, to one row.
#[cfg(test)]
pub(crate) async fn tamper(connection: &DatabaseConnection, sql: &str) {
    let done = connection.execute_unprepared(sql).await.map(|done| done.rows_affected());
    assert_eq!(done, Ok(1), "{sql}");
}
