//! The sweeper: pokes wallets in which something is due and that nobody touches.
//!
//! It decides nothing. What it finds is decided again under the wallet's lock, by the same code that every
//! command begins with, so the ledger is the same whether or when it ran. Several servers share the work by leases.

use std::ops::Range;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wallet_core::key::BUCKETS;
use wallet_core::{Command, Timestamp};

use crate::clock::Clock;
use crate::engine::{Engine, Submission};
use crate::store::{DueWallet, Store, StoreError};

/// How the buckets are shared among servers: in this many parts.
const PARTS: i16 = 8;
/// How many due wallets of a part are looked up at once.
const LIMIT: u32 = 256;

/// How often to sweep.
#[derive(Debug, Clone)]
pub(crate) struct SweeperConfig {
    /// The time between two sweeps.
    pub(crate) period: Duration,
}

impl Default for SweeperConfig {
    fn default() -> Self {
        Self { period: Duration::from_secs(1) }
    }
}

/// The job that finds due wallets. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Sweeper {
    pub(crate) store: Store,
    pub(crate) engine: Engine,
    pub(crate) clock: Clock,
    pub(crate) config: SweeperConfig,
}

impl Sweeper {
    /// Sweeps until told to stop.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let holder = Uuid::new_v4();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(self.config.period) => {}
            }
            for part in 0..PARTS {
                if shutdown.is_cancelled() {
                    return;
                }
                if let Err(error) = self.sweep(part, holder).await {
                    tracing::warn!(part, %error, "sweep failed; it will be tried again");
                }
            }
        }
    }

    /// One sweep of one part: a bounded number of wallets, each poked through its lane.
    async fn sweep(&self, part: i16, holder: Uuid) -> Result<(), StoreError> {
        let now = self.clock.now();
        if self.store.sweep_lease(part, holder, now, self.config.period * 10).await? {
            self.poke(buckets(part), now).await?;
        }
        Ok(())
    }

    /// Sweeps all parts, whoever has their leases, until nothing more is found.
    pub(crate) async fn sweep_all(&self) -> Result<(), StoreError> {
        for part in 0..PARTS {
            let mut before = Vec::new();
            loop {
                let found = self.poke(buckets(part), self.clock.now()).await?;
                // A wallet that stays due, a frozen one for example, is not poked for ever.
                if found.is_empty() || found == before {
                    break;
                }
                before = found;
            }
        }
        Ok(())
    }

    /// Pokes a bounded number of due wallets, and says which.
    async fn poke(&self, buckets: Range<i16>, now: Timestamp) -> Result<Vec<DueWallet>, StoreError> {
        let due = self.store.due_wallets(buckets, now, LIMIT).await?;
        // All at once, so that they share batches.
        let mut pokes = JoinSet::new();
        for DueWallet { tenant, wallet } in due.clone() {
            let engine = self.engine.clone();
            let poke = Submission { tenant, wallet, command: Command::Poke, deadline: None };
            pokes.spawn(async move { engine.submit(poke).await });
        }
        for poke in pokes.join_all().await {
            if let Err(error) = poke {
                tracing::debug!(%error, "a poke was not carried out; the next sweep tries again");
            }
        }
        Ok(due)
    }
}

/// The buckets of a part.
fn buckets(part: i16) -> Range<i16> {
    let width = BUCKETS / PARTS;
    part * width..(part + 1) * width
}
