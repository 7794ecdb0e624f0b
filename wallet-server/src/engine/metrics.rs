//! The metrics of the lanes: batches with their retries and bisections, and the ledger entries that were committed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use wallet_core::entry::{Entry, EntryKind};
use wallet_core::posting::Part;
use wallet_core::{TenantId, UnitId};

type Labels = Vec<(&'static str, String)>;

/// The most units that are labels. Tenants name their units, so their number is bounded.
const UNITS: usize = 50;
/// The most tenants that are labels: those that were created first, so that all servers use the same.
pub(crate) const NAMED_TENANTS: u64 = 50;
/// The label of all other units and tenants.
const OTHER: &str = "other";

/// The upper bounds of the buckets of the commands of a batch.
const COMMANDS: [f64; 8] = [1.0, 2.0, 4.0, 16.0, 64.0, 256.0, 1_024.0, 4_096.0];
/// The upper bounds of the buckets of the time of a batch, in seconds.
const SECONDS: [f64; 12] = [0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// Counters over all lanes, since start.
#[derive(Debug)]
pub(crate) struct EngineMetrics {
    /// False if the server has no address that shows the metrics. Then only plain counters are kept.
    is_monitored: bool,
    batches: Counter,
    commands: Counter,
    largest_batch: AtomicU64,
    retries: Counter,
    bisections: Counter,
    frozen_refusals: Counter,
    optimistic_batches: Counter,
    batch_commands: Histogram,
    batch_seconds: Histogram,
    entries: Family<Labels, Counter>,
    moved: Family<Labels, Counter>,
    /// The units that are labels.
    units: Mutex<BTreeSet<UnitId>>,
    /// The names of the tenants that are labels.
    tenants: Mutex<BTreeMap<TenantId, String>>,
}

impl Default for EngineMetrics {
    fn default() -> Self {
        Self {
            is_monitored: true,
            batches: Counter::default(),
            commands: Counter::default(),
            largest_batch: AtomicU64::new(0),
            retries: Counter::default(),
            bisections: Counter::default(),
            frozen_refusals: Counter::default(),
            optimistic_batches: Counter::default(),
            batch_commands: Histogram::new(COMMANDS),
            batch_seconds: Histogram::new(SECONDS),
            entries: Family::default(),
            moved: Family::default(),
            units: Mutex::default(),
            tenants: Mutex::default(),
        }
    }
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
    pub(super) fn new(is_monitored: bool) -> Self {
        Self { is_monitored, ..Self::default() }
    }

    /// Registers the metrics of the lanes.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let counters = [
            ("wallet_batches", "Committed batches", &self.batches),
            ("wallet_commands", "Commands in committed batches", &self.commands),
            (
                "wallet_batch_retries",
                "Batches run again after a conflict or a lost connection",
                &self.retries,
            ),
            ("wallet_batch_bisections", "Batches split to find a command at fault", &self.bisections),
            (
                "wallet_frozen_refusals",
                "Commands refused because their wallet is frozen or unreadable",
                &self.frozen_refusals,
            ),
            (
                "wallet_optimistic_batches",
                "Committed batches that did not lock their wallets first",
                &self.optimistic_batches,
            ),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        registry.register("wallet_entries", "Committed ledger entries, by kind", self.entries.clone());
        registry.register(
            "wallet_credits",
            "Minor units that committed entries have moved, by tenant, unit and the parts that they left and entered",
            self.moved.clone(),
        );
        registry.register(
            "wallet_batch_commands",
            "Commands of a committed batch",
            self.batch_commands.clone(),
        );
        registry.register_with_unit(
            "wallet_batch",
            "Time from the start of a batch to its commit, retries included",
            Unit::Seconds,
            self.batch_seconds.clone(),
        );
    }

    #[expect(clippy::cast_precision_loss, reason = "a batch has at most 4,096 commands")]
    pub(super) fn committed(&self, commands: usize, took: Duration) {
        if self.is_monitored {
            self.batch_commands.observe(commands as f64);
            self.batch_seconds.observe(took.as_secs_f64());
        }
        let commands = commands as u64;
        self.batches.inc();
        self.commands.inc_by(commands);
        self.largest_batch.fetch_max(commands, Ordering::Relaxed);
    }

    /// Takes over the names of the tenants that are labels.
    pub(crate) fn name_tenants(&self, names: impl IntoIterator<Item = (TenantId, String)>) {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner).extend(names);
    }

    /// Counts entries that were committed, each with the tenant of its wallet.
    pub(super) fn recorded<'a>(&self, entries: impl Iterator<Item = (TenantId, &'a Entry)>) {
        if !self.is_monitored {
            return;
        }
        let (mut kinds, mut moved) = (BTreeMap::<EntryKind, u64>::new(), BTreeMap::new());
        for (tenant, entry) in entries {
            *kinds.entry(entry.kind).or_default() += 1;
            for posting in &entry.postings {
                let movement = Movement { tenant, unit: &posting.unit, from: posting.from, to: posting.to };
                let sum: &mut u64 = moved.entry(movement).or_default();
                *sum += posting.amount.unsigned_abs();
            }
        }
        for (kind, count) in kinds {
            self.entries.get_or_create_owned(&vec![("kind", format!("{kind:?}"))]).inc_by(count);
        }
        for (movement, amount) in moved {
            self.moved.get_or_create_owned(&self.labels(movement)).inc_by(amount);
        }
    }

    fn labels(&self, Movement { tenant, unit, from, to }: Movement<'_>) -> Labels {
        let tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let tenant = tenants.get(&tenant).map_or(OTHER, String::as_str).to_owned();
        let mut units = self.units.lock().unwrap_or_else(PoisonError::into_inner);
        let is_label = units.contains(unit) || units.len() < UNITS && units.insert(unit.clone());
        let unit = if is_label { unit.to_string() } else { OTHER.to_owned() };
        vec![("tenant", tenant), ("unit", unit), ("from", format!("{from:?}")), ("to", format!("{to:?}"))]
    }

    pub(super) fn retried(&self) {
        self.retries.inc();
    }

    pub(super) fn bisected(&self) {
        self.bisections.inc();
    }

    pub(super) fn refused_as_frozen(&self) {
        self.frozen_refusals.inc();
    }

    pub(super) fn optimistic(&self) {
        self.optimistic_batches.inc();
    }

    pub(crate) fn counts(&self) -> EngineCounts {
        EngineCounts {
            batches: self.batches.get(),
            commands: self.commands.get(),
            largest_batch: self.largest_batch.load(Ordering::Relaxed),
            retries: self.retries.get(),
            bisections: self.bisections.get(),
            optimistic_batches: self.optimistic_batches.get(),
        }
    }
}

/// A kind of movement that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Movement<'a> {
    tenant: TenantId,
    unit: &'a UnitId,
    from: Part,
    to: Part,
}
