//! Reads of single wallets, in which many callers share a query.
//!
//! A task takes all reads that wait. One query returns the versions of their wallets. A wallet that is in memory at its
//! version is the answer; the others are loaded from one snapshot. So an answer is always a state that was current
//! after the read was requested. If this task cannot answer a read, for example because of an unreadable row or too
//! many due holds, the caller makes it alone.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use wallet_core::wallet::decision_time;
use wallet_core::{Timestamp, Wallet, WalletKey};

use crate::causes::Chain;
use crate::query::snapshot::FEW;
use crate::store::{ReadPlan, Store, StoreError, WalletCache};

/// The most reads that are answered together.
const GROUP: usize = 256;
/// The most reads that wait; further ones are made by their callers.
const QUEUE: usize = 4_096;
/// The time after which a caller reads alone, for example because the connection of the group is silent.
const GROUP_TIMEOUT: Duration = Duration::from_secs(1);

/// A handle to the task. The task ends when the last clone is dropped.
#[derive(Debug, Clone)]
pub(super) struct GroupedReads {
    queue: mpsc::Sender<Wanted>,
}

/// A read that waits.
#[derive(Debug)]
struct Wanted {
    key: WalletKey,
    /// The time of the clock of its tenant when the read was requested.
    time: Timestamp,
    caller: oneshot::Sender<Found>,
}

/// The result of a read.
#[derive(Debug)]
pub(super) enum Found {
    /// The wallet does not exist.
    Missing,
    /// A committed state of the wallet with everything that is due at this time.
    Wallet(Box<Wallet>, Timestamp),
}

impl GroupedReads {
    /// Returns a handle to the task, and the task itself. At most `cached_rows` rows of wallets stay in memory.
    pub(super) fn new(store: Store, cached_rows: usize) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (queue, wanted) = mpsc::channel(QUEUE);
        let reader = Reader { store, cache: WalletCache::new(cached_rows) };
        (Self { queue }, reader.run(wanted))
    }

    /// Reads a wallet at a time together with other callers. `None` if the caller has to read alone.
    pub(super) async fn wallet(&self, key: WalletKey, time: Timestamp) -> Option<Found> {
        let (caller, found) = oneshot::channel();
        self.queue.try_send(Wanted { key, time, caller }).ok()?;
        timeout(GROUP_TIMEOUT, found).await.ok()?.ok()
    }
}

/// The task that reads.
struct Reader {
    store: Store,
    cache: WalletCache,
}

impl Reader {
    async fn run(mut self, mut queue: mpsc::Receiver<Wanted>) {
        let mut group = Vec::with_capacity(GROUP);
        while queue.recv_many(&mut group, GROUP).await > 0 {
            let group = std::mem::take(&mut group);
            if let Err(error) = self.answer(group).await {
                tracing::debug!(error = %Chain(&error), "a group of reads failed; the callers read alone");
            }
        }
    }

    /// Answers the reads of a group. A caller without an answer reads alone.
    async fn answer(&mut self, group: Vec<Wanted>) -> Result<(), StoreError> {
        // Callers of the same wallet see it at the latest of their times.
        let mut times: BTreeMap<WalletKey, Timestamp> = BTreeMap::new();
        for wanted in &group {
            times.entry(wanted.key).and_modify(|time| *time = wanted.time.max(*time)).or_insert(wanted.time);
        }
        let keys: Vec<WalletKey> = times.keys().copied().collect();
        let rows = self.store.wallet_rows(&keys).await?;
        let (mut read, mut unknown) = (BTreeMap::new(), Vec::new());
        for (key, row) in &rows {
            let read_time = decision_time(times[key], Timestamp::from_micros(row.last_time));
            let kept = self.cache.take(*key, row.version);
            match kept.filter(|kept| kept.complete_before > read_time) {
                Some(kept) => {
                    read.insert(*key, kept);
                }
                None => unknown.push((*key, times[key])),
            }
        }
        if !unknown.is_empty() {
            let snapshot = self.store.snapshot().await?;
            read.extend(snapshot.wallets(&unknown, ReadPlan::new(FEW).keeping_wallets()).await?);
        }
        read.retain(|_, loaded| loaded.wallet.horizon.is_none());
        for Wanted { key, caller, .. } in group {
            let found = match read.get(&key) {
                Some(loaded) => Found::Wallet(Box::new(loaded.wallet.clone()), times[&key]),
                None if !rows.contains_key(&key) => Found::Missing,
                None => continue,
            };
            // A caller that has gone away needs no answer.
            let _ = caller.send(found);
        }
        for loaded in read.into_values() {
            self.cache.put(loaded);
        }
        Ok(())
    }
}
