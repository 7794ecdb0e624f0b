//! The calls to the database. All of them go through [`TimedConnection`], which bounds their time: a connection to a
//! machine that is gone may otherwise stay silent for a quarter of an hour.
//!
//! The calls of a lane also have a failpoint before and after them. A lane reaches its transaction only through
//! this type, so no failpoint can be forgotten.

use std::time::{Duration, Instant};

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::sqlx;
use sea_orm::sqlx::postgres::PgRow;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult,
    RuntimeErr, SqliteTransactionMode, Statement, StreamTrait, TransactionOptions, TransactionTrait,
};
use tokio_stream::StreamExt;

use crate::store::LaneConnection;
use crate::store::error::is_of_connection;
use crate::store::failpoints;
use crate::store::pool::Pool;
use crate::store::sql::ColumnStatement;

/// A transaction, or connections for single statements. No call may take longer than `call_timeout`.
#[derive(Debug)]
pub(super) struct TimedConnection<C> {
    connection: C,
    call_timeout: Duration,
    calls: Calls,
}

/// The kind of calls, which decides about failpoints and repetition.
#[derive(Debug)]
enum Calls {
    /// Calls of a lane. They have failpoints.
    Lane,
    /// Calls of a transaction, on one connection of a pool.
    Transaction(Pool),
    /// Single statements, each on any connection of a pool. A query whose connection fails is repeated once.
    Single(Pool),
}

impl TimedConnection<DatabaseConnection> {
    /// Returns connections for single statements.
    pub(super) fn new(pool: Pool, call_timeout: Duration) -> Self {
        Self { connection: pool.connections(), call_timeout, calls: Calls::Single(pool) }
    }
}

impl TimedConnection<LaneConnection> {
    /// Returns the connection of a lane for single statements, each a transaction of its own.
    pub(super) fn of_lane(connection: &LaneConnection, call_timeout: Duration) -> Self {
        Self { connection: connection.clone(), call_timeout, calls: Calls::Lane }
    }

    /// Runs a statement that is a whole batch. The connection must be one of PostgreSQL.
    pub(super) async fn write_by_columns(&self, statement: ColumnStatement) -> Result<Vec<PgRow>, DbErr> {
        let ColumnStatement { sql, parameters } = statement;
        let arguments = ColumnStatement::arguments(parameters)
            .map_err(|error| DbErr::Query(RuntimeErr::SqlxError(sqlx::Error::Encode(error).into())))?;
        // In a box, because the futures of a batch fill most of a thread's stack in a debug build.
        let rows = Box::pin(self.connection.write(sql, arguments));
        self.call(rows).await
    }
}

impl TimedConnection<DatabaseTransaction> {
    /// Begins a transaction of a lane, which writes.
    ///
    /// On SQLite it takes the one write lock at once: a deferred transaction that reads and then writes fails if
    /// another one has written meanwhile.
    pub(super) async fn begin(
        connection: &DatabaseConnection,
        call_timeout: Duration,
    ) -> Result<Self, DbErr> {
        let transaction =
            bounded(call_timeout, between_points(begin_writing_transaction(connection))).await?;
        Ok(Self { connection: transaction, call_timeout, calls: Calls::Lane })
    }

    /// Begins a transaction that writes, outside the lanes. Tries again once if the pool lent a dead connection.
    pub(super) async fn begin_writing(pool: &Pool, call_timeout: Duration) -> Result<Self, DbErr> {
        let connections = pool.connections();
        let begin = || recorded(pool, call_timeout, begin_writing_transaction(&connections));
        let connection = match begin().await {
            Err(error) if is_of_connection(&error) => begin().await?,
            transaction => transaction?,
        };
        Ok(Self { connection, call_timeout, calls: Calls::Transaction(pool.clone()) })
    }

    /// Begins a read-only transaction. A BEGIN that is not answered is cancelled, or it would keep a connection
    /// from others; when the connection returns to the pool, it is rolled back or discarded. Tries again once if
    /// the pool lent a dead connection.
    pub(super) async fn begin_reading(pool: &Pool, call_timeout: Duration) -> Result<Self, DbErr> {
        let connections = pool.connections();
        #[expect(clippy::disallowed_methods, reason = "the one place where a reading transaction begins")]
        let begin = || recorded(pool, call_timeout, connections.begin());
        let connection = match begin().await {
            Err(error) if is_of_connection(&error) => begin().await?,
            transaction => transaction?,
        };
        Ok(Self { connection, call_timeout, calls: Calls::Transaction(pool.clone()) })
    }

    /// Commits. Unless the database refuses, an error leaves the outcome unknown.
    pub(super) async fn commit(self) -> Result<(), DbErr> {
        match self.calls {
            Calls::Lane => bounded(self.call_timeout, between_points(self.connection.commit())).await,
            Calls::Transaction(pool) | Calls::Single(pool) => {
                recorded(&pool, self.call_timeout, self.connection.commit()).await
            }
        }
    }

    /// Passes the rows of a query to `each` one by one. The time limit covers all of them together.
    pub(super) async fn each_row(
        &self,
        statement: Statement,
        mut each: impl FnMut(QueryResult) + Send,
    ) -> Result<(), DbErr> {
        self.call(async {
            let mut rows = self.connection.stream_raw(statement).await?;
            while let Some(row) = rows.next().await {
                each(row?);
            }
            Ok(())
        })
        .await
    }
}

impl<C> TimedConnection<C> {
    async fn call<T>(&self, call: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        match &self.calls {
            Calls::Lane => bounded(self.call_timeout, between_points(call)).await,
            Calls::Transaction(pool) | Calls::Single(pool) => recorded(pool, self.call_timeout, call).await,
        }
    }

    /// Runs a query, and once more if the pool lent a dead connection.
    async fn query_with_retry<'a, T, F>(
        &'a self,
        query: impl Fn(&'a C, Statement) -> F,
        statement: Statement,
    ) -> Result<T, DbErr>
    where
        F: Future<Output = Result<T, DbErr>>,
    {
        if !matches!(self.calls, Calls::Single(_)) {
            return self.call(query(&self.connection, statement)).await;
        }
        match self.call(query(&self.connection, statement.clone())).await {
            Err(error) if is_of_connection(&error) => self.call(query(&self.connection, statement)).await,
            answer => answer,
        }
    }
}

#[async_trait]
impl<C: ConnectionTrait + Send> ConnectionTrait for TimedConnection<C> {
    fn get_database_backend(&self) -> DbBackend {
        self.connection.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.call(self.connection.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.call(self.connection.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.query_with_retry(C::query_one_raw, statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.query_with_retry(C::query_all_raw, statement).await
    }
}

/// Begins the transaction of a migration, so that the schema changes completely or not at all. On SQLite it holds
/// the write lock from the beginning.
pub(super) async fn begin_migrating(connection: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    #[expect(clippy::disallowed_methods, reason = "the one place where a migration begins")]
    connection.begin_with_options(writing()).await
}

/// Begins a transaction that writes.
async fn begin_writing_transaction(connection: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let connection = connection.clone();
    // Runs in a task of its own, which always finishes: a BEGIN that is cancelled half-way would leave the
    // connection inside a transaction.
    #[expect(clippy::disallowed_methods, reason = "the one place where a writing transaction begins")]
    let transaction = tokio::spawn(async move { connection.begin_with_options(writing()).await });
    transaction.await.unwrap_or_else(|ended| Err(no_answer(&ended.to_string())))
}

fn writing() -> TransactionOptions {
    TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    }
}

/// Runs a call with a time limit, and records if it is answered, its connection fails, or there is no answer.
///
/// A call without an answer may have waited for a free connection all the time. So only connections that were opened
/// before it began are not lent again: otherwise callers that wait while new connections are opened would rule out
/// those too.
async fn recorded<T>(
    pool: &Pool,
    call_timeout: Duration,
    call: impl Future<Output = Result<T, DbErr>>,
) -> Result<T, DbErr> {
    let began = Instant::now();
    let answer = bounded(call_timeout, call).await;
    match &answer {
        Ok(_) => pool.answered(),
        Err(error) if is_of_connection(error) => pool.last_failure.record(),
        Err(error) if is_silence(error) || is_wait_for_connection(error) => {
            if is_silence(error) {
                pool.last_failure.record_opened_before(began);
            }
            // After this time, every call that began before the silence has been given up.
            pool.not_answered(began, 2 * call_timeout).await;
        }
        // A refusal is an answer.
        Err(_) => pool.answered(),
    }
    answer
}

async fn bounded<T>(
    call_timeout: Duration,
    call: impl Future<Output = Result<T, DbErr>>,
) -> Result<T, DbErr> {
    let answer = tokio::time::timeout(call_timeout, call).await;
    answer.unwrap_or_else(|_| Err(no_answer("the database did not answer in time")))
}

/// Runs a call between two failpoints. They are within the time limit: a test that hangs at one acts like a
/// database that has stopped answering.
async fn between_points<T>(call: impl Future<Output = T>) -> T {
    failpoints::reach().await;
    let answer = call.await;
    failpoints::reach().await;
    answer
}

fn no_answer(why: &str) -> DbErr {
    DbErr::Conn(RuntimeErr::Internal(why.to_owned()))
}

/// Returns true if no connection became free within the time that a caller waits for one.
fn is_wait_for_connection(error: &DbErr) -> bool {
    matches!(error, DbErr::ConnectionAcquire(_))
}

/// Returns true for errors made by [`no_answer`].
fn is_silence(error: &DbErr) -> bool {
    matches!(error, DbErr::Conn(RuntimeErr::Internal(_)))
}

/// Returns true if the next borrower of the connection would be inside a transaction.
#[cfg(test)]
pub(crate) async fn is_inside_a_transaction(connection: &DatabaseConnection) -> bool {
    // Both statements are refused outside a transaction, and neither changes anything.
    let statement = match connection.get_database_backend() {
        DbBackend::Sqlite => "ROLLBACK",
        _ => "SAVEPOINT probe",
    };
    connection.execute_unprepared(statement).await.is_ok()
}

/// Changes one row in a way that no server would.
#[cfg(test)]
pub(crate) async fn tamper(connection: &DatabaseConnection, sql: &str) {
    let done = connection.execute_unprepared(sql).await.map(|done| done.rows_affected());
    assert_eq!(done, Ok(1), "{sql}");
}
