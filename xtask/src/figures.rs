//! The measurements of the suites of `docs/testing.md`, for the tables of `docs/figures.md`.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use crate::process::{cargo, logged, print_tail, root, succeeds, text};
use crate::tables;
use crate::tools::Tools;

/// The document with the tables of all measurements.
pub(crate) const DOCUMENT: &str = "docs/figures.md";

/// The target of each suite and the filters of its tests.
const SUITES: [(&str, &[&str]); 4] = [
    ("--test=oracle", &[]),
    ("--test=small_worlds", &[]),
    // The figures of `hot_wallet` mean something in a release build only: see `cargo xtask hot-wallet`.
    ("--lib", &["engine::tests", "--skip", "hot_wallet"]),
    ("--test=it", &["cancelled", "crash", "fuzz"]),
];

pub(crate) fn run() -> Result<()> {
    let variables = Tools::Tests.find()?;
    let output = root().join("target/figures.txt");
    fs::write(&output, "")?;
    for (target, filters) in SUITES {
        println!("--- {target} {}", filters.join(" "));
        // One thread: nothing else runs on the core that is measured.
        let arguments =
            ["test", "--workspace", "--locked", target, "--", "--nocapture", "--test-threads", "1"];
        let mut suite = cargo(arguments);
        variables.set(suite.args(filters));
        if !succeeds(logged(&mut suite, &output)?)? {
            print_tail(&output)?;
            bail!("a suite failed");
        }
    }
    tables::write(Path::new(DOCUMENT), &text(&output)?)
}
