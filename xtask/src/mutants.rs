//! Mutation tests of wallet-core: small changes of the code, each of which a test must notice.
//!
//! `.cargo/mutants.toml` names the tests. Changes that no test notices are listed in `docs/mutants.md`, each with a
//! reason or as open; a change that is not listed is an error.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::Deserialize;

use crate::cargo_tool;
use crate::process::{command, root};
use crate::tools::Tools;

const VERSION: &str = "27.1.0";
/// The files whose survivors the document lists. A file is added once each of its survivors is noticed by a test or
/// listed.
const FILES: [&str; 3] = [
    "wallet-core/src/decide/extend.rs",
    "wallet-core/src/decide/spend.rs",
    "wallet-core/src/value/period.rs",
];

const DOCUMENT: &str = "docs/mutants.md";
/// The sizes of the generic suites. They are small, because they run once for each change that no other test notices.
const SIZES: [(&str, &str); 2] = [("WALLET_ORACLE_COMMANDS", "20000"), ("WALLET_WORLDS_DEEPER", "-2")];

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The files to change, for example `wallet-core/src/decide/*.rs`. Default: the files that docs/mutants.md covers
    #[arg(long, value_name = "GLOB")]
    file: Vec<String>,
    /// A part of the changes, for example 0/4 for the first quarter
    #[arg(long, value_name = "K/N")]
    shard: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    Tools::Rust.find()?;
    let place = root().join("target/mutants");
    fs::create_dir_all(&place)?;
    let mut mutants = command(cargo_tool::find("cargo-mutants", VERSION)?);
    mutants.args(["mutants", "--package", "wallet-core", "--colors", "never", "--output"]).arg(&place);
    let files =
        if options.file.is_empty() { FILES.map(str::to_owned).to_vec() } else { options.file.clone() };
    mutants.args(files.iter().flat_map(|glob| ["--file", glob]));
    mutants.args(options.shard.iter().flat_map(|shard| ["--shard", shard]));
    let status = mutants.envs(SIZES).status()?;
    match status.code() {
        // All noticed; some survived; some tests ran into the time limit, which is a way to notice.
        Some(0 | 2 | 3) => {}
        _ => bail!("cargo-mutants failed, which says nothing about the tests: {status}"),
    }
    let outcomes = place.join("mutants.out/outcomes.json");
    let outcomes = fs::read_to_string(&outcomes).context("cargo-mutants tested no change in these files")?;
    report(&survivors(&outcomes)?, &fs::read_to_string(DOCUMENT).context(DOCUMENT)?)
}

/// Prints the survivors. Fails if one is not listed in the document.
fn report(survivors: &BTreeSet<String>, document: &str) -> Result<()> {
    let listed: BTreeSet<&str> = document.split('`').skip(1).step_by(2).collect();
    let (known, new): (Vec<_>, Vec<_>) = survivors.iter().partition(|name| listed.contains(name.as_str()));
    println!("{} survivors, {} of them listed in {DOCUMENT}", survivors.len(), known.len());
    new.iter().for_each(|name| println!("not listed: {name}"));
    ensure!(new.is_empty(), "extend a test until it notices the change, or list the change in {DOCUMENT}");
    Ok(())
}

/// The report of cargo-mutants.
#[derive(Deserialize)]
struct Report {
    outcomes: Vec<Outcome>,
}

#[derive(Deserialize)]
struct Outcome {
    scenario: Scenario,
    summary: String,
}

#[derive(Deserialize)]
enum Scenario {
    Baseline,
    Mutant(Mutant),
}

#[derive(Deserialize)]
struct Mutant {
    name: String,
}

/// The changes that no test noticed.
fn survivors(report: &str) -> Result<BTreeSet<String>> {
    let report: Report = serde_json::from_str(report).context("the report of cargo-mutants")?;
    let mut survivors = BTreeSet::new();
    for Outcome { scenario, summary } in report.outcomes {
        if let Scenario::Mutant(mutant) = scenario
            && summary == "MissedMutant"
        {
            survivors.insert(without_position(&mutant.name));
        }
    }
    Ok(survivors)
}

/// The name of a change without line and column, which other changes of the file would move.
fn without_position(name: &str) -> String {
    let Some((file, rest)) = name.split_once(".rs:") else { return name.to_owned() };
    let change = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':').trim_start();
    format!("{file}.rs: {change}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = r#"{"outcomes": [
        {"scenario": "Baseline", "summary": "Success", "phase_results": []},
        {"scenario": {"Mutant": {"name": "wallet-core/src/a.rs:7:13: replace < with <= in f", "package": "wallet-core"}},
         "summary": "MissedMutant"},
        {"scenario": {"Mutant": {"name": "wallet-core/src/a.rs:9:5: replace f -> u8 with 0"}}, "summary": "CaughtMutant"},
        {"scenario": {"Mutant": {"name": "wallet-core/src/a.rs:11:5: replace g with ()"}}, "summary": "Timeout"}
    ], "total_mutants": 3}"#;

    #[test]
    fn survivors_are_the_missed_changes_without_their_position() {
        let found = survivors(REPORT).unwrap();
        assert_eq!(found, BTreeSet::from(["wallet-core/src/a.rs: replace < with <= in f".to_owned()]));
    }

    #[test]
    fn a_survivor_that_the_document_does_not_list_fails() {
        let found = survivors(REPORT).unwrap();
        assert!(report(&found, "| `wallet-core/src/a.rs: replace < with <= in f` | open |").is_ok());
        assert!(report(&found, "| `wallet-core/src/a.rs: replace < with > in f` | open |").is_err());
        assert!(report(&BTreeSet::new(), "").is_ok());
    }
}
