//! `metrics-cost`: the CPU time that a server takes per command without metrics and traces, with metrics, and with
//! both.
//!
//! Rates differ from minute to minute on a shared machine. The CPU time of a command differs less, so it is compared,
//! at a fixed rate of commands, of servers that take turns. One of them is there twice: the difference of the two is
//! noise, and their mean is what the others are compared with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::args::Sizes;
use super::load::{Arrival, Load};
use super::run::say;
use crate::document::{self, BENCHMARKS};
use crate::postgres::Postgres;
use crate::process::{command, free_address, output};
use crate::release::{build, program};
use crate::server::Server;

/// The time between two reads of the metrics. Prometheus reads them every 15 to 60 s.
const SCRAPES: Duration = Duration::from_secs(5);
/// The percentage of calls that are traced.
const TRACED: &str = "1";
/// The wallets of a load.
const WALLETS: usize = 100;

#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// The number of rounds. Each measures every server once.
    #[arg(long, default_value_t = 9)]
    rounds: u32,
    /// The measured time of a server in a round, in seconds.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// The commands per second.
    #[arg(long, default_value_t = 2_000.0)]
    rate: f64,
    /// Measure the programs in target/release as they are.
    #[arg(long)]
    no_build: bool,
    /// A remark above the table, for example about the machine.
    #[arg(long, default_value = "")]
    note: String,
}

/// A server under measurement.
struct MeasuredServer {
    title: &'static str,
    server: Server,
    /// The CPU time per command of each round, in microseconds.
    cost: Vec<f64>,
    _scraper: Option<Scraper>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if !options.no_build {
        build(&["-p", "wallet-server", "--bin", "wallet-server"])?;
        build(&["-p", "wallet-client", "--features", "load", "--bin", "wallet-load"])?;
        build(&["-p", "wallet-proto", "--example", "echo"])?;
    }
    let postgres = Postgres::start()?;
    // It answers each export of spans with an error, after it has read it.
    let collector = Server::echo(&program("examples/echo"))?;
    let traces = ["--traces-collector", &collector.endpoint, "--traces-percent", TRACED];
    let mut servers = [
        MeasuredServer::start("without both", &postgres, "off", false, &[])?,
        MeasuredServer::start("without both, once more", &postgres, "again", false, &[])?,
        MeasuredServer::start("metrics", &postgres, "metrics", true, &[])?,
        MeasuredServer::start("metrics, and traces of 1 % of the calls", &postgres, "traces", true, &traces)?,
    ];
    for round in 1..=options.rounds {
        // Another one is the first in each round.
        for n in 0..servers.len() {
            let next = (n + round as usize) % servers.len();
            servers[next].measure(round, options)?;
        }
    }
    let heading = format!(
        "{} cores, rounds: {} with {} s per server at {} commands/s. {}",
        thread::available_parallelism()?,
        options.rounds,
        options.seconds,
        options.rate,
        options.note
    );
    let table = format!("{}\n\n{}", heading.trim(), table(&servers));
    println!("{table}");
    document::write(BENCHMARKS, "metrics-cost", &table)
}

impl MeasuredServer {
    fn start(
        title: &'static str,
        postgres: &Postgres,
        database: &str,
        has_metrics: bool,
        options: &[&str],
    ) -> Result<Self> {
        let address = free_address()?.to_string();
        let monitoring: &[&str] = if has_metrics { &["--monitoring-listen", &address] } else { &[] };
        let url = postgres.create(database)?;
        let server = Server::wallet(&program("wallet-server"), &url, &[monitoring, options].concat())?;
        let _scraper = has_metrics.then(|| Scraper::start(address.clone()));
        Ok(Self { title, server, cost: Vec::new(), _scraper })
    }

    /// Measures the CPU time of the commands of a load whose wallets exist.
    fn measure(&mut self, round: u32, options: &Options) -> Result<()> {
        let run_id = format!("round-{round}");
        let sizes = Sizes { rounds: 1, seconds: options.seconds, warm_up: 0.0, many: WALLETS, few: WALLETS };
        let load = Load {
            arrival: Arrival::Rate(options.rate),
            is_checked: false,
            run_id: &run_id,
            ..Load::pairs(WALLETS, 1, &sizes)
        };
        Load { seconds: 0.0, ..load }.run(&self.server)?;
        let before = self.server.cpu_time()?;
        let measured = load.run(&self.server)?;
        let cost = (self.server.cpu_time()? - before).as_secs_f64() * 1e6 / measured.commands as f64;
        say(&format!(
            "round {round}, {}: {cost:.1} us per command, {:.0}/s, errors {:?}",
            self.title, measured.throughput, measured.errors
        ));
        self.cost.push(cost);
        Ok(())
    }
}

/// Reads the metrics of a server now and then, as Prometheus does. Ends when it is dropped.
struct Scraper {
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Scraper {
    fn start(address: String) -> Self {
        let end = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&end);
        let thread = thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                // The server may have been stopped already.
                let _ = output(command("curl").args(["--silent", &format!("http://{address}/metrics")]));
                thread::park_timeout(SCRAPES);
            }
        });
        Self { end, thread: Some(thread) }
    }
}

impl Drop for Scraper {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

/// The table: the median of the CPU time per command, and its ratio to the mean of the first two servers in the same
/// round.
fn table(servers: &[MeasuredServer]) -> String {
    let mut lines = vec![
        "| server | CPU time per command, median | against the mean of the first two rows: mean | lowest and highest round |".to_owned(),
        "|---|---|---|---|".to_owned(),
    ];
    let without: Vec<f64> =
        servers[0].cost.iter().zip(&servers[1].cost).map(|(one, other)| (one + other) / 2.0).collect();
    for server in servers {
        let mut ratios: Vec<f64> = server.cost.iter().zip(&without).map(|(one, other)| one / other).collect();
        let mut cost = server.cost.clone();
        for values in [&mut ratios, &mut cost] {
            values.sort_by(f64::total_cmp);
        }
        let percent = |ratio: f64| format!("{:+.1} %", (ratio - 1.0) * 100.0);
        lines.push(format!(
            "| {} | {:.1} us | {} | {} to {} |",
            server.title,
            cost[cost.len() / 2],
            percent(ratios.iter().sum::<f64>() / ratios.len() as f64),
            percent(ratios[0]),
            percent(ratios[ratios.len() - 1])
        ));
    }
    lines.join("\n")
}
