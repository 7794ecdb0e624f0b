//! `wallet-load`: puts a wallet server under load and measures its throughput and its latency.
//!
//! Built with the feature `load`. The tool uses the public client only, creates its own wallets, and finally compares
//! each balance with the sum of the replies.
#![allow(clippy::print_stdout, reason = "the tool prints its result")]

mod args;
mod check;
mod concurrent;
mod drive;
mod jobs;
mod many;
mod recorder;
mod report;
mod transport;
mod wallets;

use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser as _;

use crate::args::Args;
use crate::jobs::Work;
use crate::report::{Balances, Report};
use crate::wallets::Wallets;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let connections = args.transport.connect(&args).await.context(args.endpoint.clone())?;
    let wallets = Wallets::new(&args.run_id, args.wallets, args.zipf);
    wallets.open(&connections).await?;
    let work = Arc::new(Work::new(args.mix, connections, wallets));
    let recorder = drive::run(&args, &work).await;
    // A load of no time only creates the wallets, which later runs of the same id share.
    let balances = if args.no_check || args.seconds == 0.0 {
        Balances::Unchecked
    } else {
        Balances::Correct { wallets: check::balances(&work).await? }
    };
    let report = Report::new(&args, &recorder, balances);
    if args.json {
        println!("{}", serde_json::to_string(&report)?)
    } else {
        println!("{report}")
    }
    Ok(())
}
