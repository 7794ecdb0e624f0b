//! The counters of the lanes, which show batching, retries and bisections.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters over all lanes, since start.
#[derive(Debug, Default)]
pub(crate) struct EngineMetrics {
    batches: AtomicU64,
    commands: AtomicU64,
    largest_batch: AtomicU64,
    retries: AtomicU64,
    bisections: AtomicU64,
    optimistic_batches: AtomicU64,
}

/// The values of the counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineCounts {
    /// The number of committed batches.
    pub batches: u64,
    /// Commands in committed batches.
    pub commands: u64,
    /// The most commands in one committed batch.
    pub largest_batch: u64,
    /// Retries of a batch after a conflict or a lost connection.
    pub retries: u64,
    /// Batches that were split to find a command at fault.
    pub bisections: u64,
    /// Committed batches that did not lock their wallets first.
    pub optimistic_batches: u64,
}

impl EngineMetrics {
    pub(super) fn committed(&self, commands: usize) {
        let commands = commands as u64;
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.commands.fetch_add(commands, Ordering::Relaxed);
        self.largest_batch.fetch_max(commands, Ordering::Relaxed);
    }

    pub(super) fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn bisected(&self) {
        self.bisections.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn optimistic(&self) {
        self.optimistic_batches.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> EngineCounts {
        EngineCounts {
            batches: self.batches.load(Ordering::Relaxed),
            commands: self.commands.load(Ordering::Relaxed),
            largest_batch: self.largest_batch.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            bisections: self.bisections.load(Ordering::Relaxed),
            optimistic_batches: self.optimistic_batches.load(Ordering::Relaxed),
        }
    }
}
