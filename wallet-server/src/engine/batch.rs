//! One batch in one transaction: lock, load, decide in order of arrival, write, commit.

use std::collections::{BTreeMap, BTreeSet};

use wallet_core::catalogs::Catalogs;
use wallet_core::entry::Entry;
use wallet_core::{Command, Context, Reply, TenantId, Timestamp, Touched, Wallet, WalletKey, execute_within};

use crate::engine::error::EngineError;
use crate::engine::job::{Answer, Job};
use crate::engine::lane::Lane;
use crate::store::{LoadPlan, Loaded, Locked, StoreError, Trouble, Tx, Written};

/// A wallet of the batch, with the changes made to it so far.
struct Slot {
    loaded: Loaded,
    now: Timestamp,
    /// The most due events that this transaction processes.
    step: usize,
    /// True if more is due. In that case no command is decided.
    is_behind: bool,
    touched: Touched,
    entries: Vec<Entry>,
}

impl Lane {
    /// Runs every command of the batch once and commits the decisions. Returns one answer per command, in order.
    /// The answer is `None` if more was due in the command's wallet than one transaction processes: a part of that
    /// is committed, and the command is not decided. After an error nothing is committed, except possibly the
    /// wallets that are left in `committing`.
    pub(super) async fn run_batch(
        &mut self,
        batch: &[Job],
        skip_locked: bool,
    ) -> Result<Vec<Option<Answer>>, StoreError> {
        self.committing.clear();
        let keys: Vec<WalletKey> =
            batch.iter().map(|job| job.key).collect::<BTreeSet<_>>().into_iter().collect();
        let tx = Tx::begin(&self.connection, self.store.backend(), self.database_timeout).await?;
        let selling: BTreeSet<TenantId> =
            batch.iter().filter(|job| job.command.sells()).map(|job| job.tenant).collect();
        for (tenant, newest) in tx.hold_catalogs(&selling).await? {
            self.catalogs.catch_up(tenant, newest).await;
        }
        let locked = tx.lock(&keys, skip_locked).await?;
        // The clock is read after the locks are taken: every earlier transaction on these wallets has committed by
        // now, so its time is not later than this one.
        let now = self.clock.now();
        let step = self.steps.of(keys.len());
        let plan = plan(batch, &locked, now, step);
        let mut loaded = tx.load(&locked, &plan).await?;
        let catalogs = self.catalogs_for(batch, &loaded).await?;

        let mut slots: BTreeMap<WalletKey, Slot> = BTreeMap::new();
        let mut answers = Vec::with_capacity(batch.len());
        for job in batch {
            if locked.taken.contains(&job.key) {
                answers.push(Some(Err(EngineError::Unavailable)));
                continue;
            }
            if job.is_late() {
                answers.push(Some(Err(EngineError::DeadlinePassed)));
                continue;
            }
            let slot = slots.entry(job.key).or_insert_with(|| {
                let fresh = || Loaded::missing(job.tenant, job.key, job.wallet.clone());
                let loaded = loaded.remove(&job.key).unwrap_or_else(fresh);
                Slot::new(loaded, now, step, self.broken.contains(&job.key))
            });
            answers.push(slot.run(&job.command, &catalogs[&job.tenant])?.map(Ok));
        }
        let written: Vec<Written<'_>> = slots.values().map(Slot::written).collect();
        tx.append(&written).await?;
        // If more is due in a wallet, only a part of it is committed, and no command.
        let changed = slots.values().filter(|slot| slot.touched.any && !slot.is_behind);
        self.committing = changed.map(|slot| slot.loaded.wallet.key).collect();
        let committed = tx.commit().await;
        if !committed.as_ref().is_err_and(|error| error.trouble == Trouble::CommitUnknown) {
            self.committing.clear();
        }
        committed.map(|()| answers)
    }

    /// Returns the catalogs of each tenant: the current one, and older ones that a command's price refers to or a
    /// wallet's plan was sold from. If a wallet was sold a plan of a newer catalog, the current catalog is
    /// refreshed first.
    async fn catalogs_for(
        &self,
        batch: &[Job],
        loaded: &BTreeMap<WalletKey, Loaded>,
    ) -> Result<BTreeMap<TenantId, Catalogs>, StoreError> {
        for loaded in loaded.values() {
            self.catalogs.catch_up(loaded.tenant, loaded.wallet.sold_from().max().unwrap_or_default()).await;
        }
        let mut sets: BTreeMap<TenantId, Catalogs> = BTreeMap::new();
        for job in batch {
            let set =
                sets.entry(job.tenant).or_insert_with(|| Catalogs::of(self.catalogs.current(job.tenant)));
            let unmade = Wallet::blank(job.key, job.wallet.clone());
            let wallet = loaded.get(&job.key).map_or(&unmade, |loaded| &loaded.wallet);
            self.catalogs.add_sold(job.tenant, wallet, set).await?;
            if let Some(version) = job.command.priced_by(wallet) {
                self.catalogs.add(job.tenant, version, set).await?;
            }
        }
        Ok(sets)
    }
}

/// Returns the rows to read of the locked wallets.
fn plan(batch: &[Job], locked: &Locked, now: Timestamp, step: usize) -> LoadPlan {
    let mut plan = LoadPlan::new(step);
    for (key, row) in &locked.wallets {
        plan.wallets.push((*key, now.max(Timestamp::from_micros(row.last_time))));
    }
    for job in batch.iter().filter(|job| locked.wallets.contains_key(&job.key)) {
        plan.address(job.key, job.command.addressed());
    }
    plan
}

impl Slot {
    /// Prepares a wallet for its commands. Time never runs backwards within a wallet. A wallet that violates an
    /// invariant is frozen; the other wallets of the batch are not affected.
    fn new(mut loaded: Loaded, now: Timestamp, step: usize, is_broken: bool) -> Self {
        let mut touched = Touched::default();
        let wallet = &mut loaded.wallet;
        let now = now.max(wallet.last_time);
        if wallet.exists() && !wallet.frozen {
            let sound = wallet.check();
            if let Err(broken) = &sound {
                tracing::error!(%broken, "a wallet is frozen: an invariant is violated");
            }
            if is_broken || sound.is_err() {
                wallet.freeze(&mut touched);
            }
        }
        Self { loaded, now, step, is_behind: false, touched, entries: Vec::new() }
    }

    fn run(&mut self, command: &Command, catalogs: &Catalogs) -> Result<Option<Reply>, StoreError> {
        if self.is_behind {
            return Ok(None);
        }
        let context = Context { now: self.now, catalogs };
        let (wallet, entries, touched) = (&mut self.loaded.wallet, &mut self.entries, &mut self.touched);
        let reply = execute_within(self.step, wallet, &context, command, entries, touched)?;
        self.is_behind = reply.is_none();
        // A step makes progress even if heartbeats have extended every hold that it read.
        if self.is_behind || matches!(command, Command::Poke) {
            wallet.correct_hints(self.now, touched);
        }
        Ok(reply)
    }

    fn written(&self) -> Written<'_> {
        Written { loaded: &self.loaded, now: self.now, touched: &self.touched, entries: &self.entries }
    }
}
