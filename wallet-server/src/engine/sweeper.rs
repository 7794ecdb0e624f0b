//! The sweeper sends a `ProcessDue` command to wallets in which something is due and that no other command reaches.
//!
//! It decides nothing. Due events are decided under the wallet's lock, by the same code with which every command
//! begins, so the ledger does not depend on when the sweeper runs. Several servers share the work by leases. Wallets of
//! tenants whose clocks are ahead are not found by the times of their rows, but looked at in turn, a page per sweep.

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

/// The job that finds wallets with due events. Cheap to clone.
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
        let (mut tasks, mut ahead) = (DueTasks::default(), None);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(self.config.period) => {}
            }
            let mut failed = false;
            for part in 0..PARTS {
                if shutdown.is_cancelled() {
                    return;
                }
                if let Err(error) = self.sweep(part, holder, &mut tasks, &mut ahead).await {
                    tracing::warn!(part, error = %Chain(&error), "sweep failed; it will be tried again");
                    self.metrics.failures.inc();
                    failed = true;
                }
            }
            if !failed {
                self.metrics.last_sweep.set(self.clock.now().as_micros() / 1_000_000);
            }
        }
    }

    /// Sweeps one part if this server gets its lease. Does not wait for a wallet in which much is due. The first part comes with
    /// the next page of wallets whose tenants' clocks are ahead.
    async fn sweep(
        &self,
        part: i16,
        holder: Uuid,
        tasks: &mut DueTasks,
        ahead: &mut Option<WalletPlace>,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        if self.store.sweep_lease(part, holder, now, self.config.period * 10).await? {
            self.process_due(buckets(part), now, tasks).await?;
            if part == 0 && !self.clock.ahead().is_empty() {
                *ahead =
                    self.process_page_ahead(None, now, ahead.take(), tasks, &mut BTreeSet::new()).await?;
            }
        }
        Ok(())
    }

    /// Sweeps all parts, regardless of their leases, until nothing more is found. Returns the number of wallets in which
    /// something stays due.
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

    /// Sweeps the wallets of a tenant whose clock is ahead until nothing more is found. Returns the number of wallets in
    /// which something stays due.
    pub(crate) async fn sweep_tenant(&self, tenant: TenantId) -> Result<usize, StoreError> {
        self.sweep_completely(Swept::Ahead(Some(tenant))).await
    }

    /// Sweeps until nothing more is found, or the same wallets again. Returns the number of wallets that were found last.
    async fn sweep_completely(&self, swept: Swept) -> Result<usize, StoreError> {
        let mut before = BTreeSet::new();
        loop {
            let mut tasks = DueTasks::default();
            let found = match swept {
                Swept::Part(part) => self.process_due(buckets(part), self.clock.now(), &mut tasks).await?,
                Swept::Ahead(tenant) => self.process_ahead(tenant, &mut tasks).await?,
            };
            tasks.finish().await;
            // Stops at wallets that stay due, or it would never end.
            if found.is_empty() || found == before {
                return Ok(found.len());
            }
            before = found;
        }
    }

    /// Sends a `ProcessDue` to every wallet in which something is due, of a tenant whose clock is ahead or of all of them,
    /// and returns those wallets.
    async fn process_ahead(
        &self,
        tenant: Option<TenantId>,
        tasks: &mut DueTasks,
    ) -> Result<BTreeSet<DueWallet>, StoreError> {
        let (mut found, mut after) = (BTreeSet::new(), None);
        loop {
            after = self.process_page_ahead(tenant, self.clock.now(), after, tasks, &mut found).await?;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    /// Does so for the wallets of the page after a place, and returns the place of the next page.
    async fn process_page_ahead(
        &self,
        tenant: Option<TenantId>,
        now: Timestamp,
        after: Option<WalletPlace>,
        tasks: &mut DueTasks,
        found: &mut BTreeSet<DueWallet>,
    ) -> Result<Option<WalletPlace>, StoreError> {
        let page = self.store.due_wallets_ahead(tenant, now, after, PAGE).await?;
        for wallet in page.wallets {
            found.insert(wallet.clone());
            tasks.send(&self.engine, wallet).await;
        }
        Ok(page.next)
    }

    /// Sends a `ProcessDue` to every wallet in which something is due, each through its lane, and returns those wallets.
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

/// The `ProcessDue` commands in progress. Those of one sweep share batches. One for a wallet in which much is due may
/// take longer than a sweep.
#[derive(Default)]
struct DueTasks {
    tasks: JoinSet<DueWallet>,
    wallets: BTreeSet<DueWallet>,
}

impl DueTasks {
    /// Sends a `ProcessDue` to a wallet as soon as there is room, unless one is in progress.
    async fn send(&mut self, engine: &Engine, due: DueWallet) {
        while let Some(done) = self.tasks.try_join_next() {
            self.forget(done.ok());
        }
        if !self.wallets.insert(due.clone()) {
            return;
        }
        while self.tasks.len() >= TASKS {
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
