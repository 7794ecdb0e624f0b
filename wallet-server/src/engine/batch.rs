//! One batch: load its wallets, decide its commands in order of arrival, write, commit. This file runs it in one
//! transaction that locks the wallets first; [`super::optimistic`] runs it without locks, in fewer round trips.

use std::collections::{BTreeMap, BTreeSet};

use wallet_core::catalogs::Catalogs;
use wallet_core::wallet::decision_time;
use wallet_core::{Finished, InvariantViolation, Reply, TenantId, Timestamp, UnitOfWork, Wallet, WalletKey};

use crate::engine::batch_time::BatchTime;
use crate::engine::error::EngineError;
use crate::engine::queued_command::{Answer, QueuedCommand};
use crate::engine::runner::BatchRunner;
use crate::store::{
    LoadedWallet, LoadedWallets, Locked, ReadPlan, StoreError, StoreErrorKind, Tx, WalletWrite,
};

/// A wallet of the batch.
struct BatchedWallet<'a> {
    work: UnitOfWork<'a>,
    /// The invariant that the wallet violates as it was loaded.
    violation: Option<InvariantViolation>,
    /// True if more is due than one step processes. In that case no command is decided.
    is_behind: bool,
}

/// The decisions of a batch.
pub(super) struct BatchDecisions {
    answers: Vec<Option<Answer>>,
    pub(super) finished: Vec<(WalletKey, Finished)>,
    /// The wallets in which more is due than was processed. Of these, only due events are written, no command.
    behind: BTreeSet<WalletKey>,
    /// The violations for which wallets are frozen.
    pub(super) violations: Vec<InvariantViolation>,
}

impl BatchRunner {
    /// Runs every command of the batch once and commits the decisions. Returns one answer per command, in order.
    /// The answer is `None` if more was due in the command's wallet than one transaction processes: a part of that
    /// is committed, and the command is not decided. After an error nothing is committed, except possibly the
    /// wallets that are left in `committing`.
    pub(super) async fn run_batch(
        &mut self,
        batch: &[QueuedCommand],
        skip_locked: bool,
    ) -> Result<Vec<Option<Answer>>, StoreError> {
        self.committing.clear();
        let keys: Vec<WalletKey> =
            batch.iter().map(|queued| queued.key).collect::<BTreeSet<_>>().into_iter().collect();
        if !skip_locked
            && self.may_be_optimistic(batch, &keys)
            && let Some(answers) = self.run_optimistically(batch, &keys).await?
        {
            return Ok(answers);
        }
        self.run_locked(batch, &keys, skip_locked).await
    }

    /// Runs the batch in one transaction that locks its wallets first.
    async fn run_locked(
        &mut self,
        batch: &[QueuedCommand],
        keys: &[WalletKey],
        skip_locked: bool,
    ) -> Result<Vec<Option<Answer>>, StoreError> {
        let tx = Tx::begin(&self.connection, self.store.backend(), self.database_timeout).await?;
        let selling: BTreeSet<TenantId> =
            batch.iter().filter(|queued| queued.command.sells_plan()).map(|queued| queued.tenant).collect();
        for (tenant, newest) in tx.lock_catalogs(&selling).await? {
            self.catalogs.catch_up(tenant, newest).await;
        }
        let locked = tx.lock(keys, skip_locked).await?;
        // The clock is read after the locks are taken: every earlier transaction on these wallets has committed by
        // now, so its time is not later than this one.
        let time = BatchTime::read(&self.clock, batch);
        let step = self.steps.of(keys.len());
        let plan = plan(batch, &locked, &time, step);
        let mut loaded = self.kept(&locked);
        tx.load(&locked, &plan, &mut loaded).await?;
        let catalogs = self.catalogs_for(batch, &loaded).await?;
        let decided = self.decide(batch, &mut loaded, &locked.locked_elsewhere, &catalogs, &time, step)?;
        for violation in &decided.violations {
            tracing::error!(%violation, "a wallet is frozen: an invariant is violated; run `wallet-server verify --wallet ID`");
        }
        self.batch_span.decided();
        tx.append(&decided.writes(&loaded)).await?;
        self.committing = decided.commands_of().collect();
        let committed = tx.commit().await;
        if !committed.as_ref().is_err_and(|error| error.kind == StoreErrorKind::CommitUnknown) {
            self.committing.clear();
        }
        committed?;
        // The version of a wallet that another transaction has locked was not raised.
        self.unanswered
            .retain(|key| locked.locked_elsewhere.contains(key) || keys.binary_search(key).is_err());
        Ok(self.keep_all(decided, loaded))
    }

    /// Decides the commands of the batch in order, on the wallets that are loaded or do not exist.
    pub(super) fn decide(
        &self,
        batch: &[QueuedCommand],
        loaded: &mut LoadedWallets,
        locked_elsewhere: &BTreeSet<WalletKey>,
        catalogs: &BTreeMap<TenantId, Catalogs>,
        time: &BatchTime,
        step: usize,
    ) -> Result<BatchDecisions, StoreError> {
        for queued in batch.iter().filter(|queued| !locked_elsewhere.contains(&queued.key)) {
            let missing =
                || Box::new(LoadedWallet::missing(queued.tenant, queued.key, queued.wallet.clone()));
            loaded.entry(queued.key).or_insert_with(missing);
        }
        let mut slots: BTreeMap<WalletKey, BatchedWallet<'_>> = loaded
            .iter_mut()
            .map(|(key, loaded)| {
                let mut wallet =
                    BatchedWallet::open(&mut loaded.wallet, time.of(*key), self.to_freeze.contains(key));
                wallet.work.record(self.store.recorded());
                (*key, wallet)
            })
            .collect();
        let mut answers = Vec::with_capacity(batch.len());
        for queued in batch {
            // Another transaction has locked the wallet.
            let Some(slot) = slots.get_mut(&queued.key) else {
                answers.push(Some(Err(EngineError::Unavailable)));
                continue;
            };
            if queued.is_late() {
                answers.push(Some(Err(EngineError::DeadlinePassed)));
                continue;
            }
            answers.push(slot.run(step, queued, &catalogs[&queued.tenant])?.map(Ok));
        }
        for (_, slot) in slots.iter_mut().filter(|(key, _)| self.unanswered.contains(key)) {
            slot.work.raise_version();
        }
        let behind = slots.values().filter(|slot| slot.is_behind).map(BatchedWallet::key).collect();
        let violations = slots.values_mut().filter_map(|slot| slot.violation.take()).collect();
        let finished = slots.into_iter().map(|(key, slot)| (key, slot.work.finish())).collect();
        Ok(BatchDecisions { answers, finished, behind, violations })
    }

    /// Counts the entries of a committed batch, keeps its wallets in memory, and returns its answers.
    pub(super) fn keep_all(
        &mut self,
        decided: BatchDecisions,
        mut loaded: LoadedWallets,
    ) -> Vec<Option<Answer>> {
        self.metrics.recorded(decided.finished.iter().flat_map(|(key, finished)| {
            let tenant = loaded.get(key).map(|loaded| loaded.tenant);
            tenant.into_iter().flat_map(|tenant| finished.entries.iter().map(move |entry| (tenant, entry)))
        }));
        for (key, finished) in &decided.finished {
            self.keep(loaded.remove(key), finished);
        }
        decided.answers
    }

    /// Takes the locked wallets that are in memory at their versions.
    fn kept(&mut self, locked: &Locked) -> LoadedWallets {
        let rows = locked.wallets.iter();
        rows.filter_map(|(key, row)| Some((*key, self.cache.take(*key, row.version)?))).collect()
    }

    /// Keeps a wallet in memory after its commit, unless it does not exist or not everything that is due was loaded.
    fn keep(&mut self, wallet: Option<Box<LoadedWallet>>, finished: &Finished) {
        let Some(mut wallet) = wallet else { return };
        if wallet.wallet.exists() && wallet.wallet.horizon.is_none() {
            wallet.commit(&finished.changes);
            self.cache.put(wallet);
        }
    }

    /// Returns the catalogs of each tenant: the current one, and older ones that a command's price refers to or a
    /// wallet's plan was sold from. If a wallet was sold a plan of a newer catalog, the current catalog is
    /// refreshed first.
    pub(super) async fn catalogs_for(
        &self,
        batch: &[QueuedCommand],
        loaded: &LoadedWallets,
    ) -> Result<BTreeMap<TenantId, Catalogs>, StoreError> {
        for loaded in loaded.values() {
            self.catalogs.catch_up(loaded.tenant, loaded.wallet.sold_from().max().unwrap_or_default()).await;
        }
        let mut sets: BTreeMap<TenantId, Catalogs> = BTreeMap::new();
        for queued in batch {
            let set = sets
                .entry(queued.tenant)
                .or_insert_with(|| Catalogs::of(self.catalogs.current(queued.tenant)));
            let missing;
            let wallet = match loaded.get(&queued.key) {
                Some(loaded) => &loaded.wallet,
                None => {
                    missing = Wallet::blank(queued.key, queued.wallet.clone());
                    &missing
                }
            };
            self.catalogs.add_sold(queued.tenant, wallet, set).await?;
            if let Some(version) = queued.command.priced_by(wallet) {
                self.catalogs.add(queued.tenant, version, set).await?;
            }
        }
        Ok(sets)
    }
}

impl BatchDecisions {
    /// Returns the writes of the decisions.
    pub(super) fn writes<'a>(&'a self, loaded: &'a LoadedWallets) -> Vec<WalletWrite<'a>> {
        let write =
            |(key, finished): &'a (WalletKey, Finished)| WalletWrite { loaded: &loaded[key], finished };
        self.finished.iter().map(write).collect()
    }

    /// Returns the wallets that commands change. Wallets in which more is due are not among them, because only their
    /// due events are committed.
    pub(super) fn commands_of(&self) -> impl Iterator<Item = WalletKey> {
        let changed = |(key, finished): &&(WalletKey, Finished)| {
            finished.changes.raises_version && !self.behind.contains(key)
        };
        self.finished.iter().filter(changed).map(|(key, _)| *key)
    }
}

/// Returns the rows to read of the locked wallets.
fn plan(batch: &[QueuedCommand], locked: &Locked, time: &BatchTime, step: usize) -> ReadPlan {
    let mut plan = ReadPlan::new(step).keeping_wallets();
    for (key, row) in &locked.wallets {
        plan.wallets.push((*key, decision_time(time.of(*key), Timestamp::from_micros(row.last_time))));
    }
    for queued in batch.iter().filter(|queued| locked.wallets.contains_key(&queued.key)) {
        plan.add(queued.key, queued.command.read_set());
    }
    plan
}

impl<'a> BatchedWallet<'a> {
    /// Opens a loaded wallet. A wallet that violates an invariant is frozen; the other wallets of the batch are not
    /// affected.
    fn open(wallet: &'a mut Wallet, now: Timestamp, must_freeze: bool) -> Self {
        let mut work = UnitOfWork::open(wallet, now);
        let mut violation = None;
        if work.wallet().exists() && !work.wallet().frozen {
            violation = work.wallet().check().err();
            if must_freeze || violation.is_some() {
                work.freeze();
            }
        }
        Self { work, violation, is_behind: false }
    }

    const fn key(&self) -> WalletKey {
        self.work.wallet().key
    }

    /// Runs a command after at most `step` due events.
    fn run(
        &mut self,
        step: usize,
        queued: &QueuedCommand,
        catalogs: &Catalogs,
    ) -> Result<Option<Reply>, StoreError> {
        if self.is_behind {
            return Ok(None);
        }
        self.work.act_for(queued.author.clone());
        let reply = self.work.execute_within(step, &queued.command, catalogs)?;
        self.is_behind = reply.is_none();
        Ok(reply)
    }
}
