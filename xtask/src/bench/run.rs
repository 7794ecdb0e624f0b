//! A run of `bench`: build, measure, write.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::args::BenchArgs;
use super::results::{Build, Results};
use super::rounds::Rounds;
use super::{chart, table};
use crate::document::{self, BENCHMARKS};
use crate::postgres::Postgres;
use crate::process::{command, output, root};
use crate::release::{build, program};

/// The chart that the document shows.
const CHART: &str = "docs/benchmarks.svg";

/// Measures all cells and prints the table. Unless the run is quick, writes it into `docs/benchmarks.md`.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    if !args.no_build {
        build(&["-p", "wallet-server", "--bin", "wallet-server"])?;
        build(&["-p", "wallet-client", "--features", "load", "--bin", "wallet-load"])?;
        build(&["-p", "wallet-proto", "--example", "echo"])?;
    }
    let sizes = args.sizes();
    let other: Option<PathBuf> = args.against.as_ref().map(std::fs::canonicalize).transpose()?;
    let builds = [(Build::This, Some(program("wallet-server"))), (Build::Other, other)];
    let builds = builds.into_iter().filter_map(|(build, program)| Some((build, program?))).collect();
    let mut rounds = Rounds { postgres: Postgres::start()?, builds, sizes, results: Results::default() };
    for round in 1..=sizes.rounds {
        say(&format!("round {round} of {}", sizes.rounds));
        rounds.measure()?;
    }
    let heading = format!(
        "Commit {}, {} cores, rounds: {} with {} s per cell. {}",
        commit()?,
        std::thread::available_parallelism()?,
        sizes.rounds,
        sizes.seconds,
        args.note
    );
    let tables = format!("{}\n\n{}", heading.trim(), table::markdown(&rounds.results));
    println!("{tables}");
    if args.quick {
        return Ok(());
    }
    document::write(BENCHMARKS, "results", &tables)?;
    std::fs::write(root().join(CHART), chart::svg(&rounds.results)).context(CHART)
}

/// Prints a line of progress.
pub(super) fn say(line: &str) {
    // A closed standard error is no reason to stop.
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn commit() -> Result<String> {
    output(command("git").args(["describe", "--always", "--dirty"]))
}
