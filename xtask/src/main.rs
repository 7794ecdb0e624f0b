//! The repository's own tools, run as `cargo xtask <task>`.

mod bench;
mod document;
mod instructions;
mod repository;

use clap::Parser;

/// The repository's own tools.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
enum Task {
    /// Measures the release build under load next to the echo server and to pgbench.
    Bench(bench::BenchArgs),
    /// Counts the instructions of one Reserve and one Settle in the core.
    Instructions,
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Bench(args) => bench::run(&args),
        Task::Instructions => instructions::run(),
    }
}
