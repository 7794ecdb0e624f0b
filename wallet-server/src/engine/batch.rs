//! One batch in one transaction: lock, load, decide in order of arrival, write, commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use wallet_core::catalogs::Catalogs;
use wallet_core::entry::Entry;
use wallet_core::{Command, Context, Reply, TenantId, Timestamp, Touched, Wallet, WalletKey, execute};

use crate::engine::Job;
use crate::engine::error::EngineError;
use crate::engine::lane::Lane;
use crate::store::{LoadPlan, Loaded, Locked, StoreError, Tx, Written};

/// A wallet of the batch, as it becomes.
struct Slot {
    loaded: Loaded,
    now: Timestamp,
    touched: Touched,
    entries: Vec<Entry>,
}

impl Lane {
    /// Runs every command of the batch once and commits what was decided. One reply per job, in order; an error
    /// means that nothing was committed, or, if the error says so, that this is not known.
    pub(super) async fn run_batch(
        &mut self,
        batch: &[Job],
        skip_locked: bool,
    ) -> Result<Vec<Result<Reply, EngineError>>, StoreError> {
        let keys: Vec<WalletKey> =
            batch.iter().map(|job| job.key).collect::<BTreeSet<_>>().into_iter().collect();
        let tx = Tx::begin(&self.connection, self.store.backend(), self.database_timeout).await?;
        let locked = tx.lock(&keys, skip_locked).await?;
        // Taken between lock and load: whatever else held these wallets has its time behind it.
        let now = self.clock.now();
        let plan = plan(batch, &locked, now);
        let mut loaded = tx.load(&locked, &plan).await?;
        let catalogs = self.catalogs_for(batch, &loaded).await?;

        let mut slots: BTreeMap<WalletKey, Slot> = BTreeMap::new();
        let mut replies = Vec::with_capacity(batch.len());
        for job in batch {
            if locked.taken.contains(&job.key) {
                replies.push(Err(EngineError::Unavailable));
                continue;
            }
            let slot = slots.entry(job.key).or_insert_with(|| {
                let fresh = || Loaded::missing(job.tenant, job.key, job.wallet.clone());
                let loaded = loaded.remove(&job.key).unwrap_or_else(fresh);
                Slot::new(loaded, now, self.broken.contains(&job.key))
            });
            replies.push(Ok(slot.run(&job.command, &catalogs[&job.tenant])?));
        }
        let written: Vec<Written<'_>> = slots.values().map(Slot::written).collect();
        tx.append(&written).await?;
        tx.commit().await?;
        Ok(replies)
    }

    /// Per tenant the current catalog, and every older one that a quote or a settling reservation names.
    async fn catalogs_for(
        &self,
        batch: &[Job],
        loaded: &BTreeMap<WalletKey, Loaded>,
    ) -> Result<BTreeMap<TenantId, Catalogs>, StoreError> {
        let mut sets: BTreeMap<TenantId, Catalogs> = BTreeMap::new();
        for job in batch {
            let set =
                sets.entry(job.tenant).or_insert_with(|| Catalogs::of(self.catalogs.current(job.tenant)));
            let pinned = match &job.command {
                Command::Settle(settle) => loaded
                    .get(&job.key)
                    .and_then(|loaded| loaded.wallet.reservations.get(&settle.id))
                    .and_then(|reservation| reservation.terms.pin.as_ref())
                    .map(|pin| pin.catalog_version),
                command => command.addressed().catalog_version,
            };
            let Some(version) = pinned else { continue };
            if version == set.current.version || set.older.contains_key(&version) {
                continue;
            }
            if let Some(catalog) = self.catalogs.version(job.tenant, version).await? {
                set.older.insert(version, Arc::clone(&catalog));
            }
        }
        Ok(sets)
    }
}

/// What to read of the locked wallets.
fn plan(batch: &[Job], locked: &Locked, now: Timestamp) -> LoadPlan {
    let mut plan = LoadPlan::default();
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
    fn new(mut loaded: Loaded, now: Timestamp, is_broken: bool) -> Self {
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
        Self { loaded, now, touched, entries: Vec::new() }
    }

    fn run(&mut self, command: &Command, catalogs: &Catalogs) -> Result<Reply, StoreError> {
        let context = Context { now: self.now, catalogs };
        let wallet = &mut self.loaded.wallet;
        let reply = execute(wallet, &context, command, &mut self.entries, &mut self.touched)?;
        if matches!(command, Command::Poke) {
            correct_hints(wallet, self.now, &mut self.touched);
        }
        Ok(reply)
    }

    fn written(&self) -> Written<'_> {
        Written { loaded: &self.loaded, touched: &self.touched, entries: &self.entries }
    }
}

/// Brings the sweeper's indexes up to date where heartbeats have outrun them, so that it does not come again
/// for nothing: the times that rows are found by, not what they mean.
fn correct_hints(wallet: &mut Wallet, now: Timestamp, touched: &mut Touched) {
    for reservation in wallet.reservations.values_mut() {
        if reservation.state.is_open() && reservation.sweep_at <= now {
            reservation.sweep_at = reservation.deadline;
            touched.reservations.insert(reservation.id.clone());
        }
    }
    let done = wallet.grants.values().filter(|grant| grant.is_open() && grant.has_expired(now));
    touched.grants.extend(done.map(|grant| grant.key.clone()));
}
