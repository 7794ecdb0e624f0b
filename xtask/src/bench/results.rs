//! The measurements of all rounds, and their medians.

use std::collections::BTreeMap;

use super::load::Measured;

/// A cell of the table, in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cell {
    Echo,
    EchoItems,
    Many,
    Hot,
    HotUnrecorded,
    Items,
    Coalesced,
    CoalescedHot,
    Sqlite,
    SqliteHot,
    One,
    Pgbench,
    Estimate,
    Balance,
    HalfLoad,
    OwnCores,
    Overload,
    Recovered,
    Naive,
    NaiveHot,
}

/// A measured size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Size {
    DiskPerJob,
    WalPerCommand,
    EchoMemory,
    Memory,
    SqliteMemory,
}

/// The measured build of wallet-server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Build {
    This,
    Other,
}

/// The figures of a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Figures {
    /// Successful commands per second.
    pub(super) throughput: f64,
    /// Latencies in milliseconds.
    pub(super) p50: f64,
    pub(super) p99: f64,
    /// The share of commands that failed, 0 to 1.
    pub(super) failed: f64,
}

/// The measurements of all rounds.
#[derive(Debug, Default)]
pub(super) struct Results {
    figures: BTreeMap<(Cell, Build), Vec<Figures>>,
    sizes: BTreeMap<(Size, Build), Vec<f64>>,
}

impl Results {
    pub(super) fn add(&mut self, cell: Cell, build: Build, figures: Figures) {
        self.figures.entry((cell, build)).or_default().push(figures);
    }

    pub(super) fn add_size(&mut self, size: Size, build: Build, value: f64) {
        self.sizes.entry((size, build)).or_default().push(value);
    }

    /// The median of each figure of a cell.
    pub(super) fn median(&self, cell: Cell, build: Build) -> Option<Figures> {
        let rounds = self.figures.get(&(cell, build))?;
        let median_of = |figure: fn(&Figures) -> f64| median(rounds.iter().map(figure).collect());
        Some(Figures {
            throughput: median_of(|figures| figures.throughput),
            p50: median_of(|figures| figures.p50),
            p99: median_of(|figures| figures.p99),
            failed: median_of(|figures| figures.failed),
        })
    }

    pub(super) fn median_size(&self, size: Size, build: Build) -> Option<f64> {
        self.sizes.get(&(size, build)).cloned().map(median)
    }

    /// The measured cells of this build, in order.
    pub(super) fn cells(&self) -> impl Iterator<Item = Cell> {
        self.figures.keys().filter(|(_, build)| *build == Build::This).map(|(cell, _)| *cell)
    }

    /// The measured sizes of this build, in order.
    pub(super) fn sizes(&self) -> impl Iterator<Item = Size> {
        self.sizes.keys().filter(|(_, build)| *build == Build::This).map(|(size, _)| *size)
    }
}

impl From<&Measured> for Figures {
    fn from(measured: &Measured) -> Self {
        let failed: u64 = measured.errors.values().sum();
        let all = measured.commands + failed;
        Self {
            throughput: measured.throughput,
            p50: measured.latency_ms.p50,
            p99: measured.latency_ms.p99,
            failed: if all == 0 { 0.0 } else { failed as f64 / all as f64 },
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
