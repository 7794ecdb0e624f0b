//! A server under measurement: wallet-server or the echo, as a process.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};

/// A running server. It stops when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) endpoint: String,
    /// Open, so that the server can print.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts a wallet-server on a database.
    pub(crate) fn wallet(program: &Path, database_url: &str, options: &[&str]) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", database_url]).args(options);
        Self::start(command)
    }

    /// Starts the echo.
    pub(crate) fn echo(program: &Path) -> Result<Self> {
        Self::start(Command::new(program))
    }

    /// Starts a server, which prints `... is serving on ADDRESS, ...`.
    fn start(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().with_context(|| format!("{command:?} does not run"))?;
        let mut stdout = BufReader::new(child.stdout.take().context("no standard output")?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let address = line.split_once("serving on ").and_then(|(_, rest)| rest.split_once(','));
        let (address, _) = address.with_context(|| format!("{command:?} does not serve"))?;
        Ok(Self { child, endpoint: format!("http://{address}"), _stdout: stdout })
    }

    /// Returns the most memory that the process has used so far, in bytes.
    pub(crate) fn peak_memory(&self) -> Result<f64> {
        self.status("VmHWM:")
    }

    /// Returns the resident memory of the process, in bytes.
    pub(crate) fn memory(&self) -> Result<f64> {
        self.status("VmRSS:")
    }

    /// Returns the CPU time of all threads of the process so far.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        let mut nanoseconds = 0;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            // Threads may end meanwhile. Those that work are there from the start.
            let Ok(figures) = std::fs::read_to_string(thread?.path().join("schedstat")) else { continue };
            let on_cpu = figures.split(' ').next().context("no figures of the scheduler")?;
            nanoseconds += on_cpu.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Returns a figure in bytes that the kernel reports in KiB.
    fn status(&self, name: &str) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let figure = status.lines().find_map(|line| line.strip_prefix(name));
        let figure = figure.with_context(|| format!("no {name}"))?;
        Ok(figure.trim().trim_end_matches(" kB").parse::<f64>()? * 1_024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(process) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(process, Signal::TERM);
        }
        let _ = self.child.wait();
    }
}
