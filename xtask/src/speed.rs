//! Measurements of tests in a release build, for the tables of `docs/figures.md`.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::figures::DOCUMENT;
use crate::process::{cargo, root, tee, text};
use crate::tables;
use crate::tools::Tools;

/// A test of `wallet-server` that measures, and the values of the variable that sets its size: one run for each.
#[derive(Debug)]
pub(crate) struct Measurement {
    test: &'static str,
    variable: &'static str,
    sizes: &'static [&'static str],
}

/// The waiting time of other wallets while many holds of one wallet expire at the same instant.
pub(crate) const DUE_SPEED: Measurement =
    Measurement { test: "due_speed", variable: "WALLET_DUE_HOLDS", sizes: &["40000", "100000"] };

/// The speed of a wallet with a long history compared with a new one.
pub(crate) const HOT_WALLET: Measurement =
    Measurement { test: "hot_wallet", variable: "WALLET_HOT_ENTRIES", sizes: &["1000000"] };

/// The speed of `wallet-server verify` on large ledgers.
pub(crate) const VERIFY_SPEED: Measurement =
    Measurement { test: "verify_speed", variable: "WALLET_VERIFY_WALLETS", sizes: &["4000"] };

pub(crate) fn run(measurement: &Measurement) -> Result<()> {
    let Measurement { test, variable, sizes } = measurement;
    let variables = Tools::Postgres.find()?;
    let output = root().join("target").join(format!("{}.txt", test.replace('_', "-")));
    fs::write(&output, "")?;
    for size in *sizes {
        let arguments =
            ["test", "--release", "--locked", "-p", "wallet-server", "--lib", "--", test, "--nocapture"];
        let mut run = cargo(arguments);
        tee(variables.set(run.env(variable, size)), &output)?;
    }
    tables::write(Path::new(DOCUMENT), &text(&output)?)
}
