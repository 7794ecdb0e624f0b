//! The repository's own tools, run as `cargo xtask <task>`.

use clap::Parser;

/// The repository's own tools.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
enum Task {}

fn main() -> anyhow::Result<()> {
    match Task::parse() {}
}
