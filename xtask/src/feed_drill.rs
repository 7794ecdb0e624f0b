//! A drill: servers are killed at random while a million items get their positions in the feed. The test `feed::killed`
//! carries it out, on each database; this task builds a faster program for it, and writes the table of
//! `docs/figures.md`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::figures::DOCUMENT;
use crate::process::{cargo, root, tee, text};
use crate::tools::Tools;
use crate::{release, tables};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The items of jobs, on each database
    #[arg(long, default_value_t = 1_000_000)]
    items: u32,
    /// The wallet-server to kill, instead of a release build
    #[arg(long, value_name = "PROGRAM")]
    server: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let variables = Tools::Postgres.find()?;
    let server = match &options.server {
        Some(program) => fs::canonicalize(program).with_context(|| program.display().to_string())?,
        None => {
            release::build(&["--package", "wallet-server", "--bin", "wallet-server"])?;
            fs::canonicalize(release::program("wallet-server"))?
        }
    };
    // One after the other, because each takes all processors.
    let test = ["--package", "wallet-server", "--test", "it", "--", "--nocapture", "--test-threads", "1"];
    let mut test = cargo(["test", "--locked"].into_iter().chain(test).chain(["feed::killed"]));
    test.env("WALLET_FEED_SERVER", &server).env("WALLET_FEED_ITEMS", options.items.to_string());
    let output = root().join("target/feed-drill.txt");
    fs::write(&output, "")?;
    tee(variables.set(&mut test), &output)?;
    tables::write(Path::new(DOCUMENT), &text(&output)?)
}
