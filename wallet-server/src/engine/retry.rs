//! Runs a batch until every command in it has an answer, through all failures of the database.
//!
//! | Failure | Reaction |
//! |---|---|
//! | conflict with another transaction | the whole batch again, skipping wallets that stay locked |
//! | a row is refused or unreadable, or an invariant is violated | halves of the batch, down to the command at fault |
//! | a command alone violates an invariant | the same command again, with its wallet frozen |
//! | a panic | as for a violated invariant, on a new connection |
//! | connection lost before COMMIT | the whole batch again on a new connection |
//! | connection lost during COMMIT | the same; the ids show whether the first attempt was committed |
//! | a caller's deadline passes | its command leaves the batch before the next attempt |
//!
//! A command whose COMMIT was sent without a known outcome is in doubt ([`QueuedCommand::in_doubt`]). It stays in doubt
//! through all of the above, and its answer never means "not executed".

use std::future::poll_fn;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;
use tracing::Span;

use crate::causes::Chain;
use crate::engine::error::EngineError;
use crate::engine::queued_command::{Answer, QueuedCommand, is_frozen};
use crate::engine::runner::BatchRunner;
use crate::store::{StoreError, StoreErrorKind, failpoints};

/// Attempts after the first, for a batch in conflict.
const CONFLICT_RETRIES: u32 = 5;
/// The time for which a batch is retried while the database is unavailable, without the time of its first attempt.
const OUTAGE_BUDGET: Duration = Duration::from_secs(5);
/// The first pause is up to twice as long at random, so that two servers do not collide again. Pauses double until
/// they are up to twice `LONGEST_PAUSE`.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// The attempts of a batch so far.
struct Tries {
    conflicts: u32,
    outages: u32,
    /// The time since which the database is known to be unavailable.
    away_since: Option<Instant>,
    pauses: ExponentialBackoff,
}

impl Tries {
    /// Begins with the first attempt. `is_away` if the database is known to be unavailable.
    fn new(is_away: bool) -> Self {
        Self { conflicts: 0, outages: 0, away_since: is_away.then(Instant::now), pauses: pauses() }
    }

    fn count(&mut self, kind: StoreErrorKind) {
        if kind == StoreErrorKind::Conflict {
            self.conflicts += 1;
        } else {
            self.outages += 1;
            self.away_since.get_or_insert_with(Instant::now);
        }
    }

    fn are_used_up(&self) -> bool {
        self.conflicts > CONFLICT_RETRIES || self.away_since.is_some_and(|t| t.elapsed() >= OUTAGE_BUDGET)
    }
}

impl BatchRunner {
    /// Runs a batch and answers its commands. Returns, in order, the commands that are not answered, because more
    /// is due in their wallets than was processed.
    pub(super) async fn answer(&mut self, batch: Vec<QueuedCommand>) -> Vec<QueuedCommand> {
        let (mut halves, mut behind) = (vec![batch], Vec::new());
        while let Some(mut batch) = halves.pop() {
            let started = Instant::now();
            self.batch_span = self.traces.batch(batch.iter().filter_map(QueuedCommand::trace));
            let decided = self.until_decided(&mut batch).await;
            mem::take(&mut self.batch_span).ran(self.lane, batch.len());
            match decided {
                Ok(answers) => {
                    let took = started.elapsed();
                    if let Some(queued) = batch.first() {
                        let decided = answers.iter().flatten().filter(|answer| answer.is_ok()).count();
                        let is_committed = answers.iter().any(|answer| !matches!(answer, Some(Err(_))));
                        if is_committed {
                            self.metrics.committed(decided, took);
                        }
                        // The pace would be far too high with commands that were refused at once.
                        queued.ticket.decided(decided, Instant::now());
                    }
                    for (queued, answer) in batch.into_iter().zip(answers) {
                        let Some(answer) = answer else {
                            behind.push(queued);
                            continue;
                        };
                        if let Some(call) = queued.trace().filter(|_| answer.is_ok()) {
                            let waited = started.saturating_duration_since(queued.queued_at);
                            call.decided(&queued.wallet, queued.command.name(), waited, took);
                        }
                        failpoints::reach_before_reply();
                        self.answer_one(queued, answer);
                    }
                }
                Err(_) if batch.len() > 1 => {
                    self.metrics.bisected();
                    let second = batch.split_off(batch.len() / 2);
                    halves.extend([second, batch]);
                }
                Err(error) => {
                    for queued in batch {
                        self.answer_one(queued, Err(error.clone()));
                    }
                }
            }
        }
        behind
    }

    fn answer_one(&self, queued: QueuedCommand, answer: Answer) {
        if is_frozen(&answer) {
            self.metrics.refused_as_frozen();
        }
        queued.answer(answer);
    }

    /// Returns one answer per command that is left in the batch, or the error that some command of the batch
    /// causes. An answer is `None` if the command's wallet is not up to date.
    async fn until_decided(
        &mut self,
        batch: &mut Vec<QueuedCommand>,
    ) -> Result<Vec<Option<Answer>>, EngineError> {
        let mut tries = Tries::new(self.is_lost);
        loop {
            dismiss_late(batch);
            if batch.is_empty() {
                return Ok(Vec::new());
            }
            if let Some(why) = self.may_not_execute() {
                return Ok(same_for_all(batch, &why));
            }
            let error = match self.try_once(batch, tries.conflicts > 0).await {
                Ok(answers) => {
                    self.to_freeze.clear();
                    // A refused wallet may not have been read.
                    for (queued, answer) in batch.iter().zip(&answers) {
                        if !matches!(answer, Some(Err(_))) {
                            self.unreadable.remove(&queued.key);
                        }
                    }
                    // Checked between COMMIT and the answers: an acknowledged command must be found again.
                    if self.store.in_place().is_err() {
                        return Ok(same_for_all(batch, &EngineError::OutcomeUnknown));
                    }
                    return Ok(answers);
                }
                Err(error) => error,
            };
            let (lane, commands, cause) = (self.lane, batch.len(), Chain(&error).to_string());
            // Of a batch of one command, the lines name wallet, command and request id.
            let span = if let [queued] = &batch[..] { queued.span() } else { Span::none() };
            match error.kind {
                StoreErrorKind::InvariantViolated
                    if batch.len() == 1 && self.to_freeze.insert(batch[0].key) =>
                {
                    span.in_scope(|| {
                        tracing::error!(lane, error = cause, "a wallet is frozen: an invariant is violated; run `wallet-server verify --wallet ID`");
                    });
                    continue;
                }
                StoreErrorKind::Unreadable => {
                    // In a batch of one command the wallet is known. It is logged once, because the sweeper tries
                    // again every second.
                    if batch.len() == 1 && self.unreadable.insert(batch[0].key) {
                        span.in_scope(|| {
                            tracing::error!(
                                lane,
                                error = cause,
                                "a wallet is unreadable; run `wallet-server verify --wallet ID`"
                            )
                        });
                    }
                    return Err(EngineError::Unreadable);
                }
                StoreErrorKind::Refused | StoreErrorKind::InvariantViolated => {
                    span.in_scope(|| {
                        tracing::error!(
                            lane,
                            commands,
                            error = cause,
                            "a command cannot be stored; look at the error and at the log of the database"
                        )
                    });
                    return Err(EngineError::Internal);
                }
                kind => tries.count(kind),
            }
            if tries.are_used_up() {
                span.in_scope(|| tracing::error!(lane, commands, error = cause, "giving up on a batch: its commands are answered with STORE_UNAVAILABLE, or with OUTCOME_UNKNOWN after a COMMIT without an answer; look at the log of the database"));
                return Ok(same_for_all(batch, &EngineError::Unavailable));
            }
            self.metrics.retried();
            self.batch_span.retried(error.kind);
            span.in_scope(|| tracing::warn!(lane, commands, error = cause, "running a batch again"));
            tokio::time::sleep(tries.pauses.next().unwrap_or(LONGEST_PAUSE)).await;
        }
    }

    /// Returns the reason why no command may be executed, if there is one: the file is lost, or the reference clock
    /// jumped.
    fn may_not_execute(&self) -> Option<EngineError> {
        if self.store.in_place().is_err() {
            return Some(EngineError::Unavailable);
        }
        (!self.clock.is_trusted()).then_some(EngineError::ClockInDoubt)
    }

    /// Runs the batch once, on a new connection if the old one has failed, and records which commands are in doubt
    /// afterwards.
    async fn try_once(
        &mut self,
        batch: &mut [QueuedCommand],
        skip_locked: bool,
    ) -> Result<Vec<Option<Answer>>, StoreError> {
        if self.is_lost {
            self.reconnect().await?;
        }
        let tried = catch_panic(self.run_batch(batch, skip_locked)).await;
        let in_doubt = mem::take(&mut self.committing);
        for queued in batch.iter_mut().filter(|queued| in_doubt.contains(&queued.key)) {
            queued.in_doubt = true;
        }
        let Ok(tried) = tried else {
            // The state of the connection is unknown too.
            self.is_lost = true;
            return Err(StoreError::new(StoreErrorKind::InvariantViolated, "a decision has panicked"));
        };
        let kind = tried.as_ref().err().map(|error| error.kind);
        self.is_lost = matches!(kind, Some(StoreErrorKind::Unavailable | StoreErrorKind::CommitUnknown));
        tried
    }

    /// Opens a new connection, and closes the old one in the background.
    async fn reconnect(&mut self) -> Result<(), StoreError> {
        let connection = self.store.lane().await?;
        let old = mem::replace(&mut self.connection, connection);
        tokio::spawn(async move { old.close().await });
        self.is_lost = false;
        Ok(())
    }
}

/// Answers the commands whose callers' deadline has passed. They are not executed any more.
fn dismiss_late(batch: &mut Vec<QueuedCommand>) {
    for queued in batch.extract_if(.., |queued| queued.is_late()) {
        queued.answer(Err(EngineError::DeadlinePassed));
    }
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        match error.kind {
            StoreErrorKind::Conflict | StoreErrorKind::Unavailable => EngineError::Unavailable,
            StoreErrorKind::CommitUnknown => EngineError::OutcomeUnknown,
            StoreErrorKind::Unreadable => EngineError::Unreadable,
            StoreErrorKind::Refused | StoreErrorKind::InvariantViolated => EngineError::Internal,
        }
    }
}

/// Returns the same error for every command of a batch.
fn same_for_all(batch: &[QueuedCommand], outcome: &EngineError) -> Vec<Option<Answer>> {
    batch.iter().map(|_| Some(Err(outcome.clone()))).collect()
}

/// A decision has panicked.
struct Panicked;

/// Runs a future and catches its panic, so that the lane survives.
async fn catch_panic<T>(future: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut future = pin!(future);
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        polled.map_or(Poll::Ready(Err(Panicked)), |polled| polled.map(Ok))
    })
    .await
}

/// Returns the pauses between attempts, without an end.
fn pauses() -> ExponentialBackoff {
    let pauses = ExponentialBuilder::new().with_min_delay(FIRST_PAUSE).with_max_delay(LONGEST_PAUSE);
    pauses.with_jitter().without_max_times().build()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns how many attempts a batch has, and for how long, if each of them fails after `attempt`.
    async fn until_used_up(mut tries: Tries, kind: StoreErrorKind, attempt: Duration) -> (u32, Duration) {
        let (started, mut attempts) = (Instant::now(), 0);
        loop {
            tokio::time::advance(attempt).await;
            tries.count(kind);
            attempts += 1;
            if tries.are_used_up() {
                return (attempts, started.elapsed());
            }
            tokio::time::advance(tries.pauses.next().unwrap()).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_is_retried_for_five_seconds_while_the_database_is_away() {
        use StoreErrorKind::{CommitUnknown, Unavailable};
        let second = Duration::from_secs(1);
        for kind in [Unavailable, CommitUnknown] {
            let (attempts, time) = until_used_up(Tries::new(false), kind, second / 1_000).await;
            assert!((8..=20).contains(&attempts), "{attempts} attempts");
            assert!((OUTAGE_BUDGET..OUTAGE_BUDGET + 2 * second).contains(&time), "{time:?}");
        }
        let slow = |is_away| until_used_up(Tries::new(is_away), Unavailable, 3 * second);
        assert_eq!(slow(true).await.0, 2, "the database was away before the first attempt, which counts");
        assert_eq!(slow(false).await.0, 3, "the first attempt finds out, and does not count");
        assert_eq!(until_used_up(Tries::new(false), Unavailable, 30 * second).await.0, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_in_conflict_is_retried_five_times() {
        let (attempts, _) = until_used_up(Tries::new(false), StoreErrorKind::Conflict, Duration::ZERO).await;
        assert_eq!(attempts, 1 + CONFLICT_RETRIES);
    }

    #[test]
    fn pauses_double_up_to_a_second_with_a_random_half() {
        let pauses: Vec<u128> = pauses().take(20).map(|pause| pause.as_millis()).collect();
        for (n, whole) in [(0, 20), (1, 40), (2, 80), (19, 1_000)] {
            assert!((whole / 2..=whole).contains(&pauses[n]), "{n}: {pauses:?}");
        }
    }
}
