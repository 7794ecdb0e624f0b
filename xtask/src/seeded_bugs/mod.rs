//! Tests the tests. Applies deliberate faults (`scripts/bugs/*.patch`) to a copy of the sources, all in one build;
//! `WALLET_BUG` enables one at a time. Runs the suites until one fails (the bug is found) or all pass (it survives).
//! A test finds a bug only if it passes without the bug. Each result goes to the tables of docs/figures.md.

mod bug;
mod copy;
mod report;
mod suites;
mod trial;

use std::collections::BTreeMap;

use anyhow::Result;
use clap::Args;

use crate::process::root;
use crate::tools::Tools;

use bug::Bug;
use copy::{Copy, Place};
use report::Report;
use trial::Trials;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Tries the bugs of the core on the core's suites. This takes minutes, none may survive, and no table is written
    #[arg(long)]
    core: bool,
    /// The time limit of a suite in seconds. A suite that hangs, but not without the bug, has found it
    #[arg(long, env = "WALLET_BUG_PATIENCE", default_value_t = 240, value_name = "SECONDS")]
    timeout: u64,
    /// The bugs to try. Default: all
    bugs: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let tools = if options.core { Tools::Rust } else { Tools::Tests };
    let variables = tools.find()?;
    let all = Bug::all(&root().join("scripts/bugs"))?;
    let wanted = bug::select(&all, &options.bugs, options.core)?;
    eprintln!("building with {} bugs", all.len());
    let copy = Copy::build(Place::new(options.core), &all)?;
    let mut report = Report::new(&all, !options.core);
    let finders = BTreeMap::new();
    let mut trials = Trials { copy: &copy, variables: &variables, timeout: options.timeout, finders };
    for bug in &wanted {
        report.add(trials.run(bug)?)?;
    }
    report.finish(options.core)
}
