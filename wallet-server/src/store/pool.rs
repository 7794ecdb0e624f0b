//! Connection pools that react to failures: after one connection has failed, those that were opened before it are
//! not lent again.
//!
//! When PostgreSQL restarts, it ends all connections at once. A session that was opened while the server was
//! read-only stays read-only until it is closed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr};

use crate::causes::Chain;

/// Connections for reads or for the control plane. Cheap to clone.
///
/// If no call is answered any more, the driver's pool is replaced by a new one. A connection that goes silent while it
/// is returned to the driver's pool takes its place there until the operating system gives it up, which may be after a
/// quarter of an hour. If that happens to all connections, no caller gets one.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    current: Arc<Mutex<Current>>,
    /// The options of another pool of the driver. None for SQLite, whose file does not go silent.
    renewal: Option<Arc<ConnectOptions>>,
    pub(super) last_failure: LastFailure,
}

/// The driver's pool in use.
#[derive(Debug)]
struct Current {
    connections: DatabaseConnection,
    /// The time of the last answer, at first that of the pool's creation.
    answered: Instant,
    /// The time since which there is no answer: the begin of the first unanswered call after the last answer.
    silent_since: Option<Instant>,
}

impl Pool {
    /// Opens a pool whose connections observe `last_failure`. Replaces it when it goes silent, if `renews`.
    pub(super) async fn open(
        options: ConnectOptions,
        last_failure: LastFailure,
        renews: bool,
    ) -> Result<Self, DbErr> {
        let connections = Database::connect(options.clone()).await?;
        let current = Arc::new(Mutex::new(Current::new(connections)));
        let renewal = renews.then(|| {
            let mut options = options;
            options.connect_lazy(true);
            Arc::new(options)
        });
        Ok(Self { current, renewal, last_failure })
    }

    /// Returns the connections to use for a call.
    pub(super) fn connections(&self) -> DatabaseConnection {
        self.lock().connections.clone()
    }

    /// Records that a call was answered now.
    pub(super) fn answered(&self) {
        let mut current = self.lock();
        current.answered = Instant::now();
        current.silent_since = None;
    }

    /// Records that a call that began at this time has no answer. Replaces all connections if there is none for this
    /// long.
    pub(super) async fn not_answered(&self, began: Instant, silence: Duration) {
        let is_stuck = |current: &Current| current.silent_since.is_some_and(|time| time.elapsed() >= silence);
        self.lock().is_silent_since(began);
        let Some(options) = self.renewal.as_ref().filter(|_| is_stuck(&self.lock())) else { return };
        let connections = match Database::connect((**options).clone()).await {
            Ok(connections) => connections,
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "cannot replace silent connections");
                return;
            }
        };
        let mut current = self.lock();
        // Another caller may have been faster.
        if is_stuck(&current) {
            tracing::warn!("no connection of a pool answers: all are replaced");
            let old = std::mem::replace(&mut *current, Current::new(connections));
            tokio::spawn(old.connections.close());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Current {
    fn new(connections: DatabaseConnection) -> Self {
        Self { connections, answered: Instant::now(), silent_since: None }
    }

    /// Records a call without an answer. Others may have been answered since it began.
    fn is_silent_since(&mut self, began: Instant) {
        let since = began.max(self.answered);
        self.silent_since = Some(self.silent_since.map_or(since, |earlier| earlier.min(since)));
    }
}

/// The time at which a connection of a pool last failed.
#[derive(Debug, Clone, Default)]
pub(super) struct LastFailure(Arc<Mutex<Option<Instant>>>);

impl LastFailure {
    /// Records that a connection has failed now.
    pub(super) fn record(&self) {
        self.record_opened_before(Instant::now());
    }

    /// Records the failure of a connection that was opened before this time.
    pub(super) fn record_opened_before(&self, time: Instant) {
        let mut failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *failed = Some(failed.map_or(time, |failed| failed.max(time)));
    }

    /// Returns true if a connection of this age was opened after the last failure.
    pub(super) fn is_before(&self, age: Duration) -> bool {
        let failed = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failed.is_none_or(|failed| failed.elapsed() > age)
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait as _, TransactionTrait as _};

    use super::*;
    use crate::postgres::Postgres;
    use crate::store::timed::TimedConnection;

    #[tokio::test]
    async fn connections_that_never_become_free_are_replaced() {
        let mut options = ConnectOptions::new(Postgres::shared().create_database());
        options.max_connections(1).acquire_timeout(Duration::from_millis(100)).sqlx_logging(false);
        let pool = Pool::open(options, LastFailure::default(), true).await.unwrap();
        #[expect(clippy::disallowed_methods, reason = "stands for a connection that went silent")]
        let lost = pool.connections().begin().await.unwrap();
        let mut failed = 0;
        let call = || TimedConnection::new(pool.clone(), Duration::from_millis(200));
        while call().execute_unprepared("SELECT 1").await.is_err() {
            failed += 1;
            assert!(failed < 100, "the only connection is waited for without end");
        }
        assert!(failed > 0, "the only connection was free");
        drop(lost);
    }

    #[test]
    fn connections_from_before_a_failure_are_not_lent_again() {
        let last_failure = LastFailure::default();
        assert!(last_failure.is_before(Duration::from_secs(3_600)));
        last_failure.record();
        assert!(!last_failure.is_before(Duration::from_secs(3_600)));
        let recorded = last_failure.0.lock().unwrap().unwrap();
        // Waits until the clock has advanced, however coarse it is.
        while recorded.elapsed().is_zero() {
            std::hint::spin_loop();
        }
        assert!(last_failure.is_before(Duration::ZERO));
    }

    #[test]
    fn connections_that_were_opened_during_a_call_without_an_answer_are_lent_again() {
        let last_failure = LastFailure::default();
        let (began, hour) = (Instant::now() - Duration::from_secs(3_600), Duration::from_secs(3_600));
        last_failure.record_opened_before(began);
        assert!(last_failure.is_before(hour / 2));
        assert!(!last_failure.is_before(2 * hour));
        // A call that began earlier says nothing new.
        last_failure.record_opened_before(began - hour);
        assert!(!last_failure.is_before(2 * hour - Duration::from_secs(1)));
    }
}
