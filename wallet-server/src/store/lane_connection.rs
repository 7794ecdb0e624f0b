//! The connection of a lane.

use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::postgres::{PgArguments, PgRow};
use sea_orm::sqlx::{self, AssertSqlSafe, Postgres};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement,
};

use crate::store::StoreError;

/// The connection on which a lane runs its batches. No other task uses it. Cheap to clone.
///
/// It is in a pool of one. On the way back into a pool, a connection answers a ping, which would be one round trip more
/// for each batch. So the lane keeps it from one statement that is a whole batch to the next ([`write`](Self::write));
/// any other use gives it back first.
#[derive(Debug, Clone)]
pub(crate) struct LaneConnection {
    pool: DatabaseConnection,
    kept: Arc<Mutex<Option<PoolConnection<Postgres>>>>,
}

impl LaneConnection {
    /// Returns the connection in this pool of one.
    pub(super) fn new(pool: DatabaseConnection) -> Self {
        Self { pool, kept: Arc::default() }
    }

    /// Returns the pool. The connection is given back to it.
    pub(super) fn pool(&self) -> &DatabaseConnection {
        drop(self.take());
        &self.pool
    }

    /// Runs a statement of PostgreSQL and keeps the connection. After an error, or if the call is cancelled, the
    /// connection goes back into its pool, which closes it unless it answers. A [`DbErr::Conn`] means that there is no
    /// connection, and the statement was not sent.
    pub(super) async fn write(&self, sql: String, arguments: PgArguments) -> Result<Vec<PgRow>, DbErr> {
        let acquire = async || {
            let acquired = self.pool.get_postgres_connection_pool().acquire().await;
            acquired.map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(error.into())))
        };
        let mut connection = match self.take() {
            Some(connection) => connection,
            None => acquire().await?,
        };
        let rows = sqlx::query_with(AssertSqlSafe(sql), arguments).fetch_all(&mut *connection).await;
        let rows = rows.map_err(|error| DbErr::Query(RuntimeErr::SqlxError(error.into())))?;
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
        Ok(rows)
    }

    /// Closes the connection, after the transaction at hand has been rolled back.
    pub(crate) async fn close(self) -> Result<(), StoreError> {
        drop(self.take());
        Ok(self.pool.close().await?)
    }

    /// Returns the connection, for tests that change rows or look at the session.
    #[cfg(test)]
    pub(crate) fn raw(&self) -> &DatabaseConnection {
        self.pool()
    }

    fn take(&self) -> Option<PoolConnection<Postgres>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[async_trait]
impl ConnectionTrait for LaneConnection {
    fn get_database_backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.pool().execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.pool().execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.pool().query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.pool().query_all_raw(statement).await
    }
}
