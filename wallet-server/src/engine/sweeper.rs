//! The sweeper sends a `ProcessDue` command to wallets in which something is due and that no other command reaches.
//!
//! It decides nothing. Due events are decided under the wallet's lock, by the same code with which every command
//! begins, so the ledger does not depend on when the sweeper runs. Several servers share the work by leases. Wallets of
//! tenants whose clocks are ahead are not found by the times of their rows, but looked at in turn: a page after each
//! sweep of the others, by the server that has the lease of the first part.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wallet_core::decide::ProcessDue;
use wallet_core::key::BUCKETS;
use wallet_core::{Author, TenantId, Timestamp};

use crate::causes::Chain;
use crate::clock::Clock;
use crate::engine::{CommandRequest, Engine};
use crate::store::{DueRows, DueWallet, Store, StoreError, WalletPlace};

/// The number of parts into which the buckets are divided among servers.
const PARTS: i16 = 8;
/// The most due rows read by one query.
const PAGE: u32 = 2_000;
/// The most `ProcessDue` commands in progress at the same time.
const TASKS: usize = 256;
/// The most of them for wallets whose tenants' clocks are ahead, in addition to those for all other wallets.
const TASKS_AHEAD: usize = 64;

/// The schedule of the sweeper.
#[derive(Debug, Clone)]
pub(crate) struct SweeperConfig {
    /// The time between two sweeps; 1 s by default.
    pub(crate) period: Duration,
}

impl Default for SweeperConfig {
    fn default() -> Self {
        Self { period: Duration::from_secs(1) }
    }
}

/// The metrics of a sweeper. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct SweeperMetrics {
    failures: Counter,
    /// The time of the last sweep of all parts without a failure, in seconds since 1970.
    last_sweep: Gauge,
}

impl SweeperMetrics {
    /// Registers the metrics.
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register("wallet_sweep_failures", "Sweeps of a part that failed", self.failures.clone());
        registry.register_with_unit(
            "wallet_last_sweep_timestamp",
            "When this server last finished a sweep without a failure, in Unix time",
            Unit::Seconds,
            self.last_sweep.clone(),
        );
    }
}

/// The background task that finds wallets with due events. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Sweeper {
    pub(crate) store: Store,
    pub(crate) engine: Engine,
    pub(crate) clock: Clock,
    pub(crate) config: SweeperConfig,
    pub(crate) metrics: SweeperMetrics,
}

impl Sweeper {
    /// Sweeps until `shutdown` is cancelled.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let holder = Uuid::new_v4();
        let (mut tasks, mut ahead) = (DueTasks::of_at_most(TASKS), AheadSweep::of_at_most(TASKS_AHEAD));
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(self.config.period) => {}
            }
            let mut failed = false;
            let mut fail = |part: Option<i16>, error: StoreError| {
                tracing::warn!(part, error = %Chain(&error), "sweep failed; it will be tried again");
                self.metrics.failures.inc();
                failed = true;
            };
            let mut has_first = false;
            for part in 0..PARTS {
                if shutdown.is_cancelled() {
                    return;
                }
                match self.sweep(part, holder, &mut tasks).await {
                    Ok(swept) => has_first |= swept && part == 0,
                    Err(error) => fail(Some(part), error),
                }
            }
            if has_first && let Err(error) = self.sweep_ahead(&mut ahead).await {
                fail(None, error);
            }
            if !failed {
                self.metrics.last_sweep.set(self.clock.now().as_micros() / 1_000_000);
            }
        }
    }

    /// Sweeps one part if this server gets its lease, and returns whether it does. Does not wait for a wallet in which
    /// much is due.
    async fn sweep(&self, part: i16, holder: Uuid, tasks: &mut DueTasks) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let leased = self.store.sweep_lease(part, holder, now, self.config.period * 10).await?;
        if leased {
            self.process_due(buckets(part), now, tasks).await?;
        }
        Ok(leased)
    }

    /// Sweeps the next page of wallets whose tenants' clocks are ahead. If there is no room for a command, it does not
    /// wait: the next sweep goes on there.
    pub(super) async fn sweep_ahead(&self, ahead: &mut AheadSweep) -> Result<(), StoreError> {
        if self.clock.ahead().is_empty() || ahead.tasks.is_full() {
            return Ok(());
        }
        let page = self.store.due_wallets_ahead(None, self.clock.now(), ahead.place.clone(), PAGE).await?;
        for wallet in page.wallets {
            if ahead.tasks.is_full() {
                return Ok(());
            }
            ahead.place = Some((wallet.tenant.0, wallet.wallet.to_string()));
            ahead.tasks.send(&self.engine, wallet).await;
        }
        ahead.place = page.next;
        Ok(())
    }

    /// Sweeps all parts, regardless of their leases, until nothing more is found. Returns the number of wallets in
    /// which something stays due.
    pub(crate) async fn sweep_all(&self) -> Result<usize, StoreError> {
        let mut left = 0;
        for part in 0..PARTS {
            left += self.sweep_completely(Swept::Part(part)).await?;
        }
        if !self.clock.ahead().is_empty() {
            left += self.sweep_completely(Swept::Ahead(None)).await?;
        }
        Ok(left)
    }

    /// Sweeps the wallets of a tenant whose clock is ahead until nothing more is found. Returns the number of wallets
    /// in which something stays due.
    pub(crate) async fn sweep_tenant(&self, tenant: TenantId) -> Result<usize, StoreError> {
        self.sweep_completely(Swept::Ahead(Some(tenant))).await
    }

    /// Sweeps until nothing more is found, or the same wallets again. Returns the number of wallets that were found
    /// last.
    async fn sweep_completely(&self, swept: Swept) -> Result<usize, StoreError> {
        // A clock that runs would make more wallets due during every pass.
        let now = self.clock.now();
        let mut before = BTreeSet::new();
        loop {
            let mut tasks = DueTasks::of_at_most(TASKS);
            let found = match swept {
                Swept::Part(part) => self.process_due(buckets(part), now, &mut tasks).await?,
                Swept::Ahead(tenant) => self.process_ahead(tenant, now, &mut tasks).await?,
            };
            tasks.finish().await;
            // Stops at wallets that stay due, or it would never end.
            if found.is_empty() || found == before {
                return Ok(found.len());
            }
            before = found;
        }
    }

    /// Sends a `ProcessDue` to every wallet in which something is due, of a tenant whose clock is ahead or of all of
    /// them, and returns those wallets.
    async fn process_ahead(
        &self,
        tenant: Option<TenantId>,
        now: Timestamp,
        tasks: &mut DueTasks,
    ) -> Result<BTreeSet<DueWallet>, StoreError> {
        let (mut found, mut after) = (BTreeSet::new(), None);
        loop {
            let page = self.store.due_wallets_ahead(tenant, now, after, PAGE).await?;
            for wallet in page.wallets {
                found.insert(wallet.clone());
                tasks.send(&self.engine, wallet).await;
            }
            after = page.next;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    /// Sends a `ProcessDue` to every wallet in which something is due, each through its lane, and returns those
    /// wallets.
    async fn process_due(
        &self,
        buckets: Range<i16>,
        now: Timestamp,
        tasks: &mut DueTasks,
    ) -> Result<BTreeSet<DueWallet>, StoreError> {
        let mut found = BTreeSet::new();
        for due in DueRows::ALL {
            let mut after = None;
            loop {
                let page = self.store.due_wallets(due, buckets.clone(), now, after, PAGE).await?;
                for wallet in page.wallets {
                    if found.insert(wallet.clone()) {
                        tasks.send(&self.engine, wallet).await;
                    }
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(found)
    }
}

/// The wallets of a complete sweep.
#[derive(Debug, Clone, Copy)]
enum Swept {
    /// Those of a part, by the server's clock.
    Part(i16),
    /// Those of a tenant whose clock is ahead, or of all such tenants.
    Ahead(Option<TenantId>),
}

/// The place of the sweep of wallets whose tenants' clocks are ahead, and its commands in progress.
pub(super) struct AheadSweep {
    /// `None`: the next page is the first one.
    pub(super) place: Option<WalletPlace>,
    tasks: DueTasks,
}

impl AheadSweep {
    pub(super) fn of_at_most(tasks: usize) -> Self {
        Self { place: None, tasks: DueTasks::of_at_most(tasks) }
    }
}

/// The `ProcessDue` commands in progress. Those of one sweep share batches. One for a wallet in which much is due may
/// take longer than a sweep.
struct DueTasks {
    most: usize,
    tasks: JoinSet<DueWallet>,
    wallets: BTreeSet<DueWallet>,
}

impl DueTasks {
    fn of_at_most(most: usize) -> Self {
        Self { most, tasks: JoinSet::new(), wallets: BTreeSet::new() }
    }

    /// Returns whether the next command would wait for room.
    fn is_full(&mut self) -> bool {
        while let Some(done) = self.tasks.try_join_next() {
            self.forget(done.ok());
        }
        self.tasks.len() >= self.most
    }

    /// Sends a `ProcessDue` to a wallet as soon as there is room, unless one is in progress.
    async fn send(&mut self, engine: &Engine, due: DueWallet) {
        while let Some(done) = self.tasks.try_join_next() {
            self.forget(done.ok());
        }
        if !self.wallets.insert(due.clone()) {
            return;
        }
        while self.tasks.len() >= self.most {
            let done = self.tasks.join_next().await;
            self.forget(done.and_then(Result::ok));
        }
        let engine = engine.clone();
        self.tasks.spawn(async move {
            let (tenant, wallet) = (due.tenant, due.wallet.clone());
            let (command, author) = (ProcessDue.into(), Author::system());
            let request = CommandRequest { tenant, wallet, command, author, deadline: None };
            if let Err(error) = engine.submit(request).await {
                tracing::debug!(%error, "due events were not processed; the next sweep tries again");
            }
            due
        });
    }

    fn forget(&mut self, done: Option<DueWallet>) {
        if let Some(due) = done {
            self.wallets.remove(&due);
        }
    }

    /// Waits for all commands in progress.
    async fn finish(self) {
        self.tasks.join_all().await;
    }
}

/// Returns the buckets of a part.
fn buckets(part: i16) -> Range<i16> {
    let width = BUCKETS / PARTS;
    part * width..(part + 1) * width
}
