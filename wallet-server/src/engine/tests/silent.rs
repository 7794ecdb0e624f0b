//! At each failpoint of a batch the database does not answer a call, and then fails in one of four ways: it stays
//! silent, others hold the wallets' locks, it is read-only, or the wallets' rows are unreadable. No caller gets a
//! wrong answer: a command that was executed is never answered as not executed, and "unknown" is answered only
//! after COMMIT was sent.

use std::fmt;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, TransactionTrait};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use wallet_core::{Command, WalletId};
use wallet_workload::figure;

use super::cancelled::{ALL, World, command, wallet};
use super::{Database, queued_with_answers, run, session};
use crate::engine::lane::Lane;
use crate::engine::queued_command::Answer;
use crate::engine::{EngineConfig, EngineError};
use crate::store::failpoints::armed::{STALL_AT, Stall};

/// More failpoints than the batch has.
const POINTS: i64 = 28;
/// Far longer than a lane may take to give up.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The state of the database after the call without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// It answers no later call either.
    Silence,
    /// Another server holds the locks of the batch's wallets.
    Locks,
    /// New sessions are read-only, as on a standby.
    ReadsOnly,
    /// The profiles of the batch's wallets cannot be decoded.
    Unreadable,
}

mod a_database_that_goes_silent_at_any_call_causes_no_wrong_answer {
    use super::*;

    mod and_stays_silent {
        use super::*;

        #[tokio::test]
        async fn postgres() {
            unanswered_everywhere(Then::Silence).await;
        }
    }

    mod and_then_others_hold_the_locks {
        use super::*;

        #[tokio::test]
        async fn postgres() {
            unanswered_everywhere(Then::Locks).await;
        }
    }

    mod and_is_then_read_only {
        use super::*;

        #[tokio::test]
        async fn postgres() {
            unanswered_everywhere(Then::ReadsOnly).await;
        }
    }

    mod and_then_has_unreadable_rows {
        use super::*;

        #[tokio::test]
        async fn postgres() {
            unanswered_everywhere(Then::Unreadable).await;
        }
    }
}

async fn unanswered_everywhere(then: Then) {
    let database = Database::postgres();
    let mut world = World::open(&database).await;
    let (over, _) = watch::channel(false);
    let mut rounds = Vec::new();
    for n in 0..POINTS {
        let round = format!("round-{n}");
        let (mut batch, mut before) = (Vec::new(), Vec::new());
        for kind in ALL {
            before.push(world.prepare(kind, &round).await);
            batch.push((wallet(kind, &round), command(kind)));
        }
        let lane = impatient(&world.lane, then).await;
        let failure = DatabaseFailure { then, url: database.url.clone(), round, over: over.subscribe() };
        rounds.push((n, lane, batch, before, failure));
    }
    let mut lanes = JoinSet::new();
    for (n, lane, batch, before, failure) in rounds {
        // All at the same time, because each may take seconds to give up.
        lanes.spawn(async move {
            let (answered, failure) = answered(lane, n, &batch, failure).await;
            (n, answered, batch, before, failure)
        });
    }
    let answered_all = timeout(TIMEOUT, lanes.join_all()).await;
    let mut rounds = answered_all.expect("a lane waits without end for a silent database");
    rounds.sort_by_key(|(n, ..)| *n);
    over.send_replace(true);

    let (mut not_executed, mut unknown) = (0, 0);
    for (n, answered, batch, before, failure) in rounds {
        if let Some(failure) = failure {
            failure.await.unwrap();
        }
        let again = run(&mut world.lane, &batch).await;
        for (i, (kind, answered)) in ALL.into_iter().zip(answered).enumerate() {
            let expected = before[i] + world.entries[&kind];
            assert_eq!(again[i].revision, expected, "{kind:?} at {n} happened once");
            let replayed = again[i].result.as_ref().is_ok_and(|answer| answer.replayed);
            match answered {
                Ok(answered) => assert_eq!(answered.revision, again[i].revision, "{kind:?} at {n}"),
                Err(EngineError::OutcomeUnknown) => unknown += 1,
                Err(error) if error == then.refusal() => {
                    not_executed += 1;
                    assert!(!replayed, "{kind:?} was executed, but answered as not executed, at {n}");
                }
                Err(other) => panic!("{kind:?} at {n}: {other}"),
            }
        }
    }
    figure("silent", &[&then, &(not_executed + unknown), &not_executed, &unknown]);
    // Two failpoints are next to COMMIT. The refused command, and an Extend to the same deadline, change no wallet.
    assert_eq!(unknown, 2 * (ALL.len() - 2));
    assert!(not_executed >= 10 * ALL.len());
    database.verify().await;
}

/// Returns the answers to the callers of a batch whose n-th failpoint gets no answer, and the task of the failure
/// that begins then.
async fn answered(
    mut lane: Lane,
    n: i64,
    batch: &[(WalletId, Command)],
    failure: DatabaseFailure,
) -> (Vec<Answer>, Option<JoinHandle<()>>) {
    let (queued, answers) = queued_with_answers(batch);
    let begun: Arc<Mutex<Option<JoinHandle<()>>>> = Arc::default();
    let (is_permanent, begins) = (failure.then == Then::Silence, begun.clone());
    let then = Box::new(move || *begins.lock().unwrap() = Some(tokio::spawn(failure.clone().run())));
    let stall = Stall { left: AtomicI64::new(n), is_permanent, then };
    STALL_AT.scope(Arc::new(stall), lane.runner.answer(queued)).await;
    let mut answered = Vec::new();
    for answer in answers {
        answered.push(answer.await.unwrap());
    }
    let begun = begun.lock().unwrap().take();
    (answered, begun)
}

/// Opens another lane on the same database, with the shortest time limit that the failure allows.
async fn impatient(lane: &Lane, then: Then) -> Lane {
    let database_timeout = match then {
        // Longer than PostgreSQL lets it wait for a lock.
        Then::Locks => Duration::from_millis(2_500),
        Then::Silence | Then::ReadsOnly | Then::Unreadable => Duration::from_millis(300),
    };
    let config = EngineConfig { database_timeout, ..EngineConfig::default() };
    Lane::open(1, &lane.runner.store, &lane.runner.catalogs, &lane.runner.clock, &config, Arc::default())
        .await
        .unwrap()
}

/// The failure of the database during one batch, until all batches are answered.
#[derive(Clone)]
struct DatabaseFailure {
    then: Then,
    url: String,
    /// The suffix of the ids of the batch's wallets.
    round: String,
    over: watch::Receiver<bool>,
}

impl DatabaseFailure {
    async fn run(mut self) {
        static READS_ONLY: OnceLock<()> = OnceLock::new();
        let own = format!("wallet_id LIKE '%-{}'", self.round);
        let name = self.url.rsplit('/').next().unwrap_or_default().to_owned();
        match self.then {
            Then::Silence => {}
            Then::Locks => {
                let connection = self.connect().await;
                #[expect(clippy::disallowed_methods, reason = "another server's transaction")]
                let transaction = connection.begin().await.unwrap();
                let lock = format!(
                    "SELECT 1 FROM wallets w JOIN wallet_profiles USING (bucket, wallet_key) WHERE {own}
                     ORDER BY w.bucket, w.wallet_key FOR UPDATE OF w"
                );
                transaction.execute_unprepared(&lock).await.unwrap();
                self.wait_until_over().await;
                transaction.rollback().await.unwrap();
            }
            Then::ReadsOnly => {
                // One setting applies to all batches.
                if READS_ONLY.set(()).is_ok() {
                    let connection = self.connect().await;
                    let setting = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
                    connection.execute_unprepared(&setting).await.unwrap();
                    self.wait_until_over().await;
                }
            }
            Then::Unreadable => {
                let connection = self.connect().await;
                let corrupt = format!("UPDATE wallet_profiles SET profile = 'x' || profile WHERE {own}");
                connection.execute_unprepared(&corrupt).await.unwrap();
                self.wait_until_over().await;
                let repair = format!("UPDATE wallet_profiles SET profile = substr(profile, 2) WHERE {own}");
                connection.execute_unprepared(&repair).await.unwrap();
            }
        }
    }

    async fn connect(&self) -> DatabaseConnection {
        session(&self.url).await
    }

    async fn wait_until_over(&mut self) {
        self.over.wait_for(|over| *over).await.unwrap();
    }
}

impl Then {
    /// Returns the error for a command that was not executed.
    fn refusal(self) -> EngineError {
        match self {
            Then::Silence | Then::Locks | Then::ReadsOnly => EngineError::Unavailable,
            Then::Unreadable => EngineError::Unreadable,
        }
    }
}

impl fmt::Display for Then {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Then::Silence => "it stays silent",
            Then::Locks => "others hold the locks",
            Then::ReadsOnly => "it is read-only",
            Then::Unreadable => "rows are unreadable",
        })
    }
}
