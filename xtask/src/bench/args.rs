//! The arguments of `bench`.

use std::path::PathBuf;

use clap::Args;

/// The arguments of `bench`.
#[derive(Debug, Clone, Args)]
pub(crate) struct BenchArgs {
    /// Only show that everything runs, in about a minute: one round with one second per cell, written nowhere.
    #[arg(long)]
    pub(super) quick: bool,
    /// The measured time of a cell in seconds.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// The number of rounds. The table has the medians.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Another build of wallet-server, which is measured in turn with this one.
    #[arg(long, value_name = "PROGRAM")]
    pub(super) against: Option<PathBuf>,
    /// Measure the programs in target/release as they are.
    #[arg(long)]
    pub(super) no_build: bool,
    /// A remark above the table, for example about the machine.
    #[arg(long, default_value = "")]
    pub(super) note: String,
}

/// The sizes of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) rounds: u32,
    pub(super) seconds: f64,
    pub(super) warm_up: f64,
    /// The wallets of the cells with many wallets.
    pub(super) many: usize,
    /// The wallets of cells that are slow or in which their number makes no difference.
    pub(super) few: usize,
}

impl BenchArgs {
    pub(super) fn sizes(&self) -> Sizes {
        if self.quick {
            return Sizes { rounds: 1, seconds: 1.0, warm_up: 0.5, many: 500, few: 100 };
        }
        let Self { rounds, seconds, .. } = *self;
        Sizes { rounds, seconds, warm_up: 2.0, many: 10_000, few: 1_000 }
    }
}
