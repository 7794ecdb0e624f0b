//! The repository's own tools, run as `cargo xtask <task>`.

#![expect(
    clippy::print_stdout,
    reason = "a task prints its result for the person or the script that called it"
)]

mod alerts;
mod bench;
mod cargo_tool;
#[cfg(target_os = "linux")]
mod cores;
mod document;
mod facts;
mod feed_drill;
mod figures;
mod instructions;
mod mutants;
mod package;
mod postgres;
mod process;
mod public_api;
mod release;
mod seeded_bugs;
mod semver;
mod server;
mod site;
mod speed;
mod tables;
mod tools;
mod torture;
mod unit;
mod upgrade;

use std::process::ExitCode;

use clap::Parser;

/// The repository's own tools
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Tests the tests: builds all deliberate faults of scripts/bugs into one copy and tries them one by one
    SeededBugs(seeded_bugs::Options),
    /// Runs the suites of docs/testing.md and writes their measurements into docs/figures.md
    Figures,
    /// Measures the waiting time of other wallets while 100,000 holds expire, for docs/figures.md
    DueSpeed,
    /// Measures a wallet with a million entries and a new one, for docs/figures.md
    HotWallet,
    /// Measures `wallet-server verify` on half a million entries, for docs/figures.md
    VerifySpeed,
    /// Repeats the random suites with one seed after another, and appends a line to docs/torture.md
    Torture(torture::Options),
    /// Measures the release build under load next to the echo server and to pgbench
    Bench(bench::BenchArgs),
    /// Measures the CPU time per command without metrics and traces, with metrics, and with both, for
    /// docs/benchmarks.md
    MetricsCost(bench::MetricsCostOptions),
    /// Counts the instructions of one Reserve and one Settle in the core
    Instructions,
    /// Prints start time, idle memory and sizes of the release build
    Facts,
    /// Writes or sums the rows `figure NAME | cell |` on standard input
    #[command(subcommand)]
    Tables(tables::Task),
    /// Changes wallet-core in small ways, and reports the changes that no test notices and docs/mutants.md does not
    /// list
    Mutants(mutants::Options),
    /// Compares the public API of wallet-client with wallet-client/public-api.txt
    PublicApi(public_api::Options),
    /// Builds the image of the Dockerfile without a container engine, and starts it with the copied files alone
    PackageCheck(package::Options),
    /// Boots systemd in namespaces of its own, and lets it run the unit of the package
    Unit(unit::Options),
    /// Lets the alerts fire in a real Prometheus, by the failures that they warn of
    Alerts,
    /// Upgrades two servers under load from an earlier release to this one, and rolls them back
    Upgrade(upgrade::Options),
    /// Kills servers at random while a million items get their positions in the feed, on both databases
    FeedDrill(feed_drill::Options),
    /// Builds the documentation site into target/site/html
    Site(site::Options),
    /// Checks wallet-client for breaking changes since the last release
    Semver,
}

fn main() -> ExitCode {
    match run(Task::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cargo xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<()> {
    std::env::set_current_dir(process::root())?;
    match task {
        Task::SeededBugs(options) => seeded_bugs::run(&options),
        Task::Figures => figures::run(),
        Task::DueSpeed => speed::run(&speed::DUE_SPEED),
        Task::HotWallet => speed::run(&speed::HOT_WALLET),
        Task::VerifySpeed => speed::run(&speed::VERIFY_SPEED),
        Task::Torture(options) => torture::run(&options),
        Task::Bench(args) => bench::run(&args),
        Task::MetricsCost(options) => bench::run_metrics_cost(&options),
        Task::Instructions => instructions::run(),
        Task::Facts => facts::run(),
        Task::Tables(task) => tables::run(&task),
        Task::Mutants(options) => mutants::run(&options),
        Task::PublicApi(options) => public_api::run(&options),
        Task::PackageCheck(options) => package::run(&options),
        Task::Unit(options) => unit::run(&options),
        Task::Alerts => alerts::run(),
        Task::Upgrade(options) => upgrade::run(&options),
        Task::FeedDrill(options) => feed_drill::run(&options),
        Task::Site(options) => site::run(&options),
        Task::Semver => semver::run(),
    }
}
