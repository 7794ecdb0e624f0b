//! A drill: a real Prometheus watches a server that fails in several ways, until the alerts of `ops/alerts.yml` have fired.
//!
//! The failures are real: locked rows, connections that end, a row that cannot be read, a NATS that is away, a PostgreSQL
//! that stops, and a server that is killed. Only the `for` of the alerts is shortened. Before that, while all is well,
//! every panel of the dashboard must show data.

mod prometheus;

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use prometheus::Prometheus;

use crate::postgres::Postgres;
use crate::process::{cargo, command, run as run_command, target};
use crate::server::Server;
use crate::tools::Tools;

const ALERTS: &str = "ops/alerts.yml";
const DATABASE: &str = "wallet";
/// The time of one failure.
const FAILURE: Duration = Duration::from_secs(12);
/// The alert of a server that cannot be scraped. It is the last one: a killed server has no other metrics.
const DOWN: &str = "WalletServerDown";
/// The alert that no failure outside the server causes. `promtool test rules` tests it.
const DEFECT: &str = "WalletDefect";

/// Locks every wallet for longer than a statement of the server waits.
const LOCK: &str =
    "BEGIN; SELECT count(*) FROM (SELECT 1 FROM wallets FOR UPDATE) AS locked; SELECT pg_sleep(2.5); COMMIT";
const DISCONNECT: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                          WHERE datname = current_database() AND pid <> pg_backend_pid()";
/// Spoils the profile of a wallet. The version lets a lane read the wallet again.
const SPOIL: &str = "WITH spoilt AS (UPDATE wallet_profiles SET profile = 'spoilt' \
                     WHERE wallet_id = (SELECT min(wallet_id) FROM wallet_profiles) RETURNING bucket, wallet_key) \
                     UPDATE wallets SET version = version + 1 FROM spoilt \
                     WHERE (wallets.bucket, wallets.wallet_key) = (spoilt.bucket, spoilt.wallet_key)";

pub(crate) fn run() -> Result<()> {
    Tools::Postgres.find()?;
    for program in ["prometheus", "promtool", "curl"] {
        let found = command(program).arg("--version").output();
        ensure!(found.is_ok(), "{program} is missing: install Prometheus 2.42 or newer, and curl");
    }
    run_command(command("promtool").args(["check", "rules", ALERTS]))?;
    run_command(command("promtool").args(["test", "rules", "ops/alerts_test.yml"]))?;
    run_command(&mut cargo(["build", "--locked", "--package", "wallet-server"]))?;
    let load = ["--package", "wallet-client", "--features", "load", "--bin", "wallet-load"];
    run_command(cargo(["build", "--locked"]).args(load))?;

    let postgres = Postgres::start()?;
    let url = postgres.create(DATABASE)?;
    let monitoring = free_address()?;
    // Nothing listens there.
    let nats = format!("nats://{}", free_address()?);
    let options = ["--monitoring-listen", &monitoring, "--nats-url", &nats];
    let server = Server::wallet(&program("wallet-server"), &url, &options)?;
    let prometheus = Prometheus::start(&monitoring)?;
    let mut names = Prometheus::alerts()?;
    ensure!(names.remove(DEFECT), "{ALERTS} has no {DEFECT}");
    let mut without_down = names.clone();
    ensure!(without_down.remove(DOWN), "{ALERTS} has no {DOWN}");

    let _load = Load::start(&server, &["--rate", "20", "--mix", "life"])?;
    prometheus.wait("the dashboard shows data", || prometheus.empty_panels())?;

    println!("rows are locked, and connections end");
    let end = Instant::now() + FAILURE;
    while Instant::now() < end {
        postgres.query(DATABASE, LOCK)?;
        postgres.query(DATABASE, DISCONNECT)?;
    }
    println!("a row cannot be read");
    {
        let _busy = Load::start(&server, &["--in-flight", "64"])?;
        pause(FAILURE / 4);
        postgres.query(DATABASE, SPOIL)?;
        pause(FAILURE / 2);
    }
    println!("PostgreSQL stops");
    postgres.stop()?;
    prometheus.wait("the alerts fire", || Ok(&without_down - &prometheus.fired()?))?;
    println!("the server stops");
    drop(server);
    prometheus.wait("the last alert fires", || Ok(&names - &prometheus.fired()?))?;
    println!("{} alerts have fired, all but {DEFECT}", names.len());
    Ok(())
}

/// A running wallet-load, which is killed when it is dropped.
struct Load(Child);

impl Load {
    fn start(server: &Server, options: &[&str]) -> Result<Self> {
        let mut load = command(program("wallet-load"));
        load.args(["--endpoint", &server.endpoint, "--wallets", "50", "--seconds", "3600", "--no-check"]);
        load.args(options).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(load.spawn().context("wallet-load does not run")?))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The path of a program of the debug build.
fn program(name: &str) -> PathBuf {
    target().join("debug").join(name)
}

/// An address on which nobody listens.
fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

#[expect(clippy::disallowed_methods, reason = "a drill has one thread and no runtime")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Names of alerts or expressions that are still expected.
type Missing = BTreeSet<String>;
