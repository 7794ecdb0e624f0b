//! One batch in one transaction: lock, load, decide in order of arrival, write, commit.

use std::collections::{BTreeMap, BTreeSet};

use wallet_core::catalogs::Catalogs;
use wallet_core::entry::Entry;
use wallet_core::{Command, Context, Reply, TenantId, Timestamp, Touched, Wallet, WalletKey, execute_within};

use crate::engine::error::EngineError;
use crate::engine::job::{Answer, Job};
use crate::engine::lane::Lane;
use crate::store::{LoadPlan, Loaded, Locked, StoreError, Trouble, Tx, Written};

/// A wallet of the batch, as it becomes.
struct Slot {
    loaded: Loaded,
    now: Timestamp,
    /// How many due events are carried out at most.
    step: usize,
    /// Whether more is due: no command is decided.
    is_behind: bool,
    touched: Touched,
    entries: Vec<Entry>,
}

impl Lane {
    /// Runs every command of the batch once and commits what was decided. One answer per job, in order, or none if
    /// more was due in its wallet than one transaction carries out: then a part of that is done, and the command is
    /// not decided. An error means that nothing was committed, except for the wallets that are then left in
    /// `committing`.
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
        // Taken between lock and load: whatever else held these wallets has its time behind it.
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
        // Where more is due, only a part of that is committed, and no command.
        let changed = slots.values().filter(|slot| slot.touched.any && !slot.is_behind);
        self.committing = changed.map(|slot| slot.loaded.wallet.key).collect();
        let committed = tx.commit().await;
        if !committed.as_ref().is_err_and(|error| error.trouble == Trouble::CommitUnknown) {
            self.committing.clear();
        }
        committed.map(|()| answers)
    }

    /// Per tenant the current catalog, and every older one that a price is asked of or a plan was sold from. A wallet
    /// that was sold a plan of a newer catalog tells of that catalog.
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

/// What to read of the locked wallets.
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
    /// Time never runs back within a wallet. One that does not add up is frozen, together with whatever is then
    /// answered: its neighbours do not notice.
    fn new(mut loaded: Loaded, now: Timestamp, step: usize, is_broken: bool) -> Self {
        let mut touched = Touched::default();
        let wallet = &mut loaded.wallet;
        let now = now.max(wallet.last_time);
        if wallet.exists() && !wallet.frozen {
            let sound = wallet.check();
            if let Err(broken) = &sound {
                tracing::error!(%broken, "a wallet is frozen");
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
        // A step makes progress even if heartbeats have outrun all that it met.
        if self.is_behind || matches!(command, Command::Poke) {
            wallet.correct_hints(self.now, touched);
        }
        Ok(reply)
    }

    fn written(&self) -> Written<'_> {
        Written { loaded: &self.loaded, now: self.now, touched: &self.touched, entries: &self.entries }
    }
}
