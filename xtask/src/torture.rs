//! Runs the random suites for hours instead of minutes, each round with the next seed: kills of server and database,
//! power cuts, a bad network, hostile clients, histories on both stores, the oracle, fuzzed requests and catalogs.

use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;

use crate::process::{cargo, command, logged, output, print_tail, root, run as run_command, succeeds, text};
use crate::tables::Tables;
use crate::tools::{Tools, Variables};

const DOCUMENT: &str = "docs/torture.md";

const HEADING: &str = "\
# Torture

The runs of `cargo xtask torture`, one line each: commit, seeds, kills (of servers and PostgreSQL, deaths at
failpoints, power cuts), commands and fuzzed inputs, faults of the network, and acknowledged commands that were
lost or executed twice. [testing.md](testing.md) describes the suites.

| commit | date | seeds | minutes | kills | commands | network faults | lost or doubled |
|---|---|---|---|---|---|---|---|
";

/// The suites of a round, as arguments of `cargo test --workspace --locked`.
const SUITES: [&[&str]; 4] = [
    &["--lib", "--", "--nocapture", "engine::tests"],
    &["--test", "it", "--", "--nocapture", "crash", "fuzz", "hostile"],
    &["--test", "oracle", "--", "--nocapture"],
    &["--test", "auto_top_ups", "--", "--nocapture"],
];

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The seed of the first round. Default: a random number
    #[arg(long)]
    seed: Option<u64>,
    /// The time after which no round begins
    #[arg(long, default_value_t = 60)]
    minutes: u64,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let variables = Tools::Tests.find()?;
    let log = root().join("target/torture.txt");
    fs::write(&log, "")?;
    run_command(&mut cargo(["test", "--workspace", "--locked", "--no-run"]))?;
    // The time of the build does not count.
    let start = Instant::now();
    let first = options.seed.unwrap_or_else(random_seed);
    let (mut next, mut failed) = (first, None);
    while start.elapsed() < Duration::from_secs(options.minutes * 60) && failed.is_none() {
        println!("seed {next} after {} min", start.elapsed().as_secs() / 60);
        if !round(next, &variables, &log)? {
            failed = Some(next);
        }
        next += 1;
    }
    let outcome = failed.map_or("0".to_owned(), |seed| format!("**failed with seed {seed}**"));
    let minutes = start.elapsed().as_secs() / 60;
    let seeds = format!("{first} to {}", next.saturating_sub(1));
    let Totals { kills, commands, faults } = Totals::of(&Tables::read(&text(&log)?));
    let (commit, date) = (commit()?, output(command("date").args(["-u", "+%F"]))?);
    append(&format!(
        "| {commit} | {date} | {seeds} | {minutes} | {kills} | {commands} | {faults} | {outcome} |"
    ))?;
    if let Some(seed) = failed {
        print_tail(&log)?;
        bail!("a suite failed with seed {seed}");
    }
    Ok(())
}

/// Runs all suites with a seed. Returns whether they passed.
fn round(seed: u64, variables: &Variables, log: &Path) -> Result<bool> {
    for suite in SUITES {
        let mut test = cargo(["test", "--workspace", "--locked"]);
        test.args(suite).env("WALLET_SEED", seed.to_string()).env("WALLET_ORACLE_SEED", seed.to_string());
        test.envs([
            ("WALLET_ORACLE_COMMANDS", "500000"),
            ("WALLET_AUTO_TOP_UP_HISTORIES", "100000"),
            ("WALLET_COMMANDS", "20000"),
            ("WALLET_FUZZ_CALLS", "20000"),
            ("WALLET_RESTARTS", "30"),
            ("WALLET_OUTAGE_SECONDS", "10"),
            ("WALLET_IDLE_CONNECTIONS", "10000"),
        ]);
        if !succeeds(logged(variables.set(&mut test), log)?)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The last columns of a line, summed over all rounds.
#[derive(Debug, PartialEq, Eq)]
struct Totals {
    kills: u64,
    commands: u64,
    faults: u64,
}

impl Totals {
    fn of(tables: &Tables) -> Self {
        let sum =
            |table, columns: &[usize]| columns.iter().map(|&column| tables.sum(table, column)).sum::<u64>();
        Self {
            // The table lists deaths at failpoints one by one, and once more as their sum.
            kills: sum("kills", &[1]) + sum("points", &[2]) / 2 + sum("power", &[4]),
            commands: sum("oracle", &[0])
                + sum("stories", &[0])
                + sum("order", &[0])
                + sum("kills", &[2])
                + sum("network", &[6])
                + sum("fuzz", &[1]),
            faults: sum("network", &[2, 3, 4, 5]),
        }
    }
}

/// The commit of the sources.
fn commit() -> Result<String> {
    let commit = output(command("git").args(["rev-parse", "--short", "HEAD"]))?;
    let changes = output(command("git").args(["status", "--porcelain", "--untracked-files=no"]))?;
    Ok(if changes.is_empty() { commit } else { format!("{commit} and changes") })
}

/// Prints a line and appends it to the document.
fn append(line: &str) -> Result<()> {
    println!("{line}");
    if !Path::new(DOCUMENT).exists() {
        fs::write(DOCUMENT, HEADING)?;
    }
    writeln!(File::options().append(true).open(DOCUMENT)?, "{line}")?;
    Ok(())
}

fn random_seed() -> u64 {
    // 30 bits are short enough to type.
    RandomState::new().build_hasher().finish() >> 34
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_summed_over_all_rounds_and_deaths_at_failpoints_count_once() {
        let round = "\
            figure oracle | 500000 | 1 | 1 | 9 (9 %) | 28 | 29 | 34 s |\n\
            figure stories | 20000 | 603 | 84 | 9 |\n\
            figure order | 3000 | 9 | 9 | 9 | 9 |\n\
            figure kills | server | 26 | 400 | none | none |\n\
            figure points | Reserve | SQLite | 20 |\n\
            figure points | in all | SQLite | 20 |\n\
            figure power | SQLite | 9 | 9 | 9 | 24 | 9 | 9 | none |\n\
            figure network | clients | 9 | 1 | 2 | 3 | 4 | 50 | none |\n\
            figure fuzz | catalogs | 20000 | 29 % taken |\n";
        let expected = Totals { kills: 26 + 20 + 24, commands: 543_450, faults: 10 };
        assert_eq!(Totals::of(&Tables::read(round)), expected);
        let expected = Totals { kills: 140, commands: 1_086_900, faults: 20 };
        assert_eq!(Totals::of(&Tables::read(&round.repeat(2))), expected);
    }

    #[test]
    fn a_run_that_printed_nothing_has_totals_of_zero() {
        assert_eq!(Totals::of(&Tables::read("")), Totals { kills: 0, commands: 0, faults: 0 });
    }
}
