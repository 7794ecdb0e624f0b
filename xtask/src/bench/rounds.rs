//! The cells of a round. Every round measures each cell once, so that a slow minute of the machine affects all of them.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::args::Sizes;
use super::load::{Arrival, Load};
use super::pgbench;
use super::results::{Build, Cell, Figures, Results, Size};
#[cfg(target_os = "linux")]
use crate::cores::Halves;
use crate::postgres::Postgres;
use crate::release::program;
use crate::server::Server;

/// The jobs in flight on many wallets, and on one.
const IN_FLIGHT: u32 = 1_024;
const IN_FLIGHT_HOT: u32 = 256;
/// The options of a load whose calls have 64 items each, and of one whose calls the client sends together.
const ITEMS: [&str; 2] = ["--many", "64"];
const COALESCED: [&str; 2] = ["--transport", "coalesced"];
/// The options of a server that adds nothing to the feed.
const UNRECORDED: [&str; 2] = ["--feed-record", "!*"];
/// The options of a server that commits each command alone.
const NAIVE: [&str; 4] = ["--batch-max", "1", "--lanes", "16"];
/// The rate of the overload as a multiple of the throughput, and the connections over which it comes.
const OVERLOAD: f64 = 3.0;
const CONNECTIONS: [&str; 2] = ["--connections", "120"];

/// The measurements in progress.
pub(super) struct Rounds {
    pub(super) postgres: Postgres,
    /// The builds of wallet-server, which take turns.
    pub(super) builds: Vec<(Build, PathBuf)>,
    pub(super) sizes: Sizes,
    pub(super) results: Results,
}

impl Rounds {
    /// Measures each cell once.
    pub(super) fn measure(&mut self) -> Result<()> {
        self.echo()?;
        for (build, program) in self.builds.clone() {
            self.on_postgres(build, &program)?;
            self.unrecorded(build, &program)?;
            self.overload(build, &program)?;
            self.naive(build, &program)?;
            self.on_disk(build, &program)?;
            self.on_sqlite(build, &program)?;
        }
        let (throughput, mean) = pgbench::run(&self.postgres, self.sizes.seconds)?;
        let figures = Figures { throughput, p50: mean, p99: f64::NAN, failed: 0.0 };
        self.results.add(Cell::Pgbench, Build::This, figures);
        Ok(())
    }

    fn echo(&mut self) -> Result<()> {
        let server = Server::echo(&program("examples/echo"))?;
        let load = Load { is_checked: false, ..Load::pairs(self.sizes.many, IN_FLIGHT, &self.sizes) };
        self.add(Cell::Echo, Build::This, &load, &server)?;
        self.add(Cell::EchoItems, Build::This, &Load { options: &ITEMS, ..load }, &server)?;
        self.results.add_size(Size::EchoMemory, Build::This, server.peak_memory()? / 1e6);
        Ok(())
    }

    fn on_postgres(&mut self, build: Build, program: &Path) -> Result<()> {
        let sizes = self.sizes;
        let url = self.postgres.create("bench")?;
        let server = Server::wallet(program, &url, &[])?;
        let many = Load::pairs(sizes.many, IN_FLIGHT, &sizes);
        let highest = self.add(Cell::Many, build, &many, &server)?;
        self.results.add_size(Size::Memory, build, server.peak_memory()? / 1e6);
        self.add(Cell::Hot, build, &Load::pairs(1, IN_FLIGHT_HOT, &sizes), &server)?;
        self.add(Cell::Items, build, &Load { options: &ITEMS, ..many }, &server)?;
        self.add(Cell::Coalesced, build, &Load { options: &COALESCED, ..many }, &server)?;
        let hot = Load::pairs(1, IN_FLIGHT, &sizes);
        self.add(Cell::CoalescedHot, build, &Load { options: &COALESCED, ..hot }, &server)?;
        self.add(Cell::One, build, &Load::pairs(sizes.few, 1, &sizes), &server)?;
        let read = Load { is_checked: false, ..Load::pairs(sizes.few, IN_FLIGHT_HOT, &sizes) };
        self.add(Cell::Estimate, build, &Load { mix: "estimate", ..read }, &server)?;
        self.add(Cell::Balance, build, &Load { mix: "balance", ..read }, &server)?;
        let half = Load { arrival: Arrival::Rate(highest / 2.0), ..many };
        self.add(Cell::HalfLoad, build, &half, &server)?;
        drop(server);
        self.postgres.drop_database("bench")
    }

    fn unrecorded(&mut self, build: Build, program: &Path) -> Result<()> {
        let url = self.postgres.create("unrecorded")?;
        let server = Server::wallet(program, &url, &UNRECORDED)?;
        self.add(Cell::HotUnrecorded, build, &Load::pairs(1, IN_FLIGHT_HOT, &self.sizes), &server)?;
        drop(server);
        self.postgres.drop_database("unrecorded")
    }

    #[cfg(not(target_os = "linux"))]
    fn overload(&mut self, _: Build, _: &Path) -> Result<()> {
        super::run::say("an overload is measured on Linux only, where a process can be bound to cores");
        Ok(())
    }

    /// Measures an overload. The client has cores of its own, so that it can offer more than the server can handle.
    #[cfg(target_os = "linux")]
    fn overload(&mut self, build: Build, program: &Path) -> Result<()> {
        let sizes = self.sizes;
        let halves = Halves::of_this_machine()?;
        halves.server.enter()?;
        let postgres = Postgres::start()?;
        let server = Server::wallet(program, &postgres.create("overload")?, &[])?;
        halves.client.enter()?;
        let full = Load { options: &CONNECTIONS, ..Load::pairs(sizes.many, IN_FLIGHT, &sizes) };
        let highest = self.add(Cell::OwnCores, build, &full, &server)?;
        let arrival = Arrival::Rate(highest * OVERLOAD);
        let overload = Load { arrival, seconds: sizes.seconds * 2.0, ..full };
        self.add(Cell::Overload, build, &overload, &server)?;
        let recovered = Load { arrival: Arrival::Rate(highest / 2.0), ..full };
        self.add(Cell::Recovered, build, &recovered, &server)?;
        Ok(())
    }

    fn naive(&mut self, build: Build, program: &Path) -> Result<()> {
        let sizes = self.sizes;
        let url = self.postgres.create("naive")?;
        let server = Server::wallet(program, &url, &NAIVE)?;
        self.add(Cell::Naive, build, &Load::pairs(sizes.few, IN_FLIGHT, &sizes), &server)?;
        self.add(Cell::NaiveHot, build, &Load::pairs(1, IN_FLIGHT_HOT, &sizes), &server)?;
        drop(server);
        self.postgres.drop_database("naive")
    }

    fn on_sqlite(&mut self, build: Build, program: &Path) -> Result<()> {
        let sizes = self.sizes;
        let folder = tempfile::tempdir()?;
        let url = format!("sqlite://{}/wallet.db", folder.path().display());
        let server = Server::wallet(program, &url, &[])?;
        self.add(Cell::Sqlite, build, &Load::pairs(sizes.many, IN_FLIGHT, &sizes), &server)?;
        self.add(Cell::SqliteHot, build, &Load::pairs(1, IN_FLIGHT_HOT, &sizes), &server)?;
        self.results.add_size(Size::SqliteMemory, build, server.peak_memory()? / 1e6);
        Ok(())
    }

    /// Measures the growth of the database and of its WAL by jobs alone: the wallets are created before.
    fn on_disk(&mut self, build: Build, program: &Path) -> Result<()> {
        const DATABASE: &str = "disk";
        const FIGURES: &str = "SELECT pg_database_size(current_database()), pg_current_wal_lsn() - '0/0'";
        let sizes = self.sizes;
        let url = self.postgres.create(DATABASE)?;
        let server = Server::wallet(program, &url, &[])?;
        let jobs = Load { run_id: DATABASE, ..Load::pairs(sizes.few, IN_FLIGHT, &sizes) };
        Load { seconds: 0.0, warm_up: 0.0, ..jobs }.run(&server)?;
        self.postgres.query(DATABASE, "CHECKPOINT")?;
        let before = two_numbers(&self.postgres.query(DATABASE, FIGURES)?)?;
        let commands = jobs.run(&server)?.commands as f64;
        let after = two_numbers(&self.postgres.query(DATABASE, FIGURES)?)?;
        self.results.add_size(Size::DiskPerJob, build, (after.0 - before.0) / (commands / 2.0));
        self.results.add_size(Size::WalPerCommand, build, (after.1 - before.1) / commands);
        drop(server);
        self.postgres.drop_database(DATABASE)
    }

    /// Measures a cell and returns its throughput.
    fn add(&mut self, cell: Cell, build: Build, load: &Load<'_>, server: &Server) -> Result<f64> {
        let measured = load.run(server)?;
        let figures = Figures::from(&measured);
        super::run::say(&format!(
            "{cell:?} {build:?}: {:.0}/s, p50 {:.2} ms, p99 {:.2} ms, errors {:?}",
            figures.throughput, figures.p50, figures.p99, measured.errors
        ));
        self.results.add(cell, build, figures);
        Ok(figures.throughput)
    }
}

fn two_numbers(line: &str) -> Result<(f64, f64)> {
    let numbers = line.split_once('|').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    anyhow::Context::with_context(numbers, || format!("expected two numbers, not {line:?}"))
}
