//! A batch without locks between its statements (PostgreSQL). Its wallets come from memory or are read; what was
//! decided is written and committed by one statement, if all wallets still have the versions that were decided on.
//! Otherwise nothing is written, and the batch runs again in a transaction that locks its wallets.
//!
//! While another server writes the same wallets, or many commands are repetitions, a failed attempt costs more than the
//! locks. So after a failed attempt, the next batches of the lane lock their wallets.
//!
//! A statement without an answer may arrive at the database long after the lane has given it up, and still find the
//! versions that it expects. So the next batch of its wallets locks them and raises their versions,
//! regardless of its decisions ([`BatchRunner::unanswered`]).

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use wallet_core::ids::ReservationId;
use wallet_core::wallet::decision_time;
use wallet_core::{Command, Timestamp, WalletKey};

use crate::causes::Chain;
use crate::engine::batch::BatchDecisions;
use crate::engine::batch_time::BatchTime;
use crate::engine::queued_command::{Answer, QueuedCommand};
use crate::engine::runner::BatchRunner;
use crate::store::{Backend, LoadedWallets, Optimistic, ReadPlan, StoreError, StoreErrorKind, WalletRows};

/// The number of batches that lock their wallets after one whose optimistic attempt failed.
const LOCKED_BATCHES: u32 = 16;

impl BatchRunner {
    /// Returns whether the batch may be tried without locks. Counts it down if the last attempt failed and batches lock
    /// for now.
    pub(super) fn may_be_optimistic(&mut self, batch: &[QueuedCommand], keys: &[WalletKey]) -> bool {
        if self.locked_batches > 0 {
            self.locked_batches -= 1;
            return false;
        }
        self.store.backend() == Backend::Postgres
            && self.to_freeze.is_empty()
            && !batch.iter().any(|queued| queued.command.sells_plan())
            && !keys.iter().any(|key| self.unanswered.contains(key))
    }

    /// Runs the batch without locks. Returns `None`, and has written nothing, if it has to run with them.
    pub(super) async fn run_optimistically(
        &mut self,
        batch: &[QueuedCommand],
        keys: &[WalletKey],
    ) -> Result<Option<Vec<Option<Answer>>>, StoreError> {
        match self.try_optimistically(batch, keys).await {
            Ok(Some(answers)) => {
                self.metrics.optimistic();
                return Ok(Some(answers));
            }
            Ok(None) => {}
            Err(error) => match error.kind {
                StoreErrorKind::Unavailable | StoreErrorKind::CommitUnknown => return Err(error),
                // Rows that were read at different moments may contradict each other. With locks, the same error is
                // certain.
                StoreErrorKind::Conflict
                | StoreErrorKind::Refused
                | StoreErrorKind::Unreadable
                | StoreErrorKind::InvariantViolated => {
                    tracing::debug!(lane = self.lane, error = %Chain(&error), "a batch has to lock its wallets");
                }
            },
        }
        self.locked_batches = LOCKED_BATCHES;
        Ok(None)
    }

    async fn try_optimistically(
        &mut self,
        batch: &[QueuedCommand],
        keys: &[WalletKey],
    ) -> Result<Option<Vec<Option<Answer>>>, StoreError> {
        let database = Optimistic::new(&self.connection, self.database_timeout);
        let kept = keys.iter().filter_map(|key| Some((*key, self.cache.take_unchecked(*key)?)));
        let mut loaded: LoadedWallets = kept.collect();
        let unknown: Vec<WalletKey> = keys.iter().filter(|key| !loaded.contains_key(key)).copied().collect();
        let rows = database.wallets(&unknown).await?;
        let time = BatchTime::read(&self.clock, batch);
        let step = self.steps.of(keys.len());
        let new = new_reservations(batch, &loaded);
        let plan = plan(batch, &rows, &loaded, &new, &time, step);
        database.load(&rows, &plan, &mut loaded).await?;
        let catalogs = self.catalogs_for(batch, &loaded).await?;
        let decide = || self.decide(batch, &mut loaded, &BTreeSet::new(), &catalogs, &time, step);
        let Ok(decided) = catch_unwind(AssertUnwindSafe(decide)) else { return Ok(None) };
        let decided = decided?;
        // A wallet of memory and a row that another server has written since may contradict each other. With locks, the
        // violation is certain.
        if !decided.violations.is_empty() {
            return Ok(None);
        }
        // The insertion of a reservation proves that its id is new. The ids that are not inserted are looked up.
        if database.any_exists(&not_inserted(new, &decided)).await? {
            return Ok(None);
        }
        self.batch_span.decided();
        self.committing = decided.commands_of().collect();
        self.unanswered.extend(keys);
        let written = database.write(&decided.writes(&loaded)).await;
        if !written.as_ref().is_err_and(|error| error.kind == StoreErrorKind::CommitUnknown) {
            self.committing.clear();
            self.unanswered.retain(|key| keys.binary_search(key).is_err());
        }
        Ok(written?.then(|| self.keep_all(decided, loaded)))
    }
}

/// Returns the ids of Reserves that are not in memory. Nearly all of them are new, so they are not looked up.
fn new_reservations(batch: &[QueuedCommand], loaded: &LoadedWallets) -> BTreeSet<(WalletKey, ReservationId)> {
    let id = |queued: &QueuedCommand| match &queued.command {
        Command::Reserve(reserve) => Some((queued.key, reserve.id.clone())),
        _ => None,
    };
    let is_new = |(key, id): &(WalletKey, ReservationId)| {
        loaded.get(key).is_none_or(|loaded| !loaded.wallet.reservations.contains_key(id))
    };
    batch.iter().filter_map(id).filter(is_new).collect()
}

/// Returns those of the reservations that the batch does not insert.
fn not_inserted(
    mut reservations: BTreeSet<(WalletKey, ReservationId)>,
    decided: &BatchDecisions,
) -> Vec<(WalletKey, ReservationId)> {
    for (key, finished) in &decided.finished {
        for id in &finished.changes.reservations {
            reservations.remove(&(*key, id.clone()));
        }
    }
    reservations.into_iter().collect()
}

/// Returns the rows to read. Reservations that count as new are not among them.
fn plan(
    batch: &[QueuedCommand],
    rows: &WalletRows,
    loaded: &LoadedWallets,
    new: &BTreeSet<(WalletKey, ReservationId)>,
    time: &BatchTime,
    step: usize,
) -> ReadPlan {
    let mut plan = ReadPlan::new(step).keeping_wallets();
    let read = rows.iter().map(|(key, row)| (*key, Timestamp::from_micros(row.last_time)));
    let kept = loaded.iter().map(|(key, loaded)| (*key, loaded.wallet.last_time));
    plan.wallets.extend(read.chain(kept).map(|(key, last)| (key, decision_time(time.of(key), last))));
    for queued in
        batch.iter().filter(|queued| rows.contains_key(&queued.key) || loaded.contains_key(&queued.key))
    {
        let mut read_set = queued.command.read_set();
        read_set.reservation = read_set.reservation.filter(|id| !new.contains(&(queued.key, id.clone())));
        plan.add(queued.key, read_set);
    }
    plan
}
