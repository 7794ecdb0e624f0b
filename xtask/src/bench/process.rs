//! A server under measurement: wallet-server or the echo, as a process.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};

/// A running server. It stops when it is dropped.
pub(super) struct Server {
    child: Child,
    pub(super) endpoint: String,
    /// Open, so that the server can print.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts a wallet-server on a database.
    pub(super) fn wallet(program: &Path, database_url: &str, options: &[&str]) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", database_url]).args(options);
        Self::start(command)
    }

    /// Starts the echo.
    pub(super) fn echo(program: &Path) -> Result<Self> {
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

    /// The most memory that the process has used so far, in MB.
    pub(super) fn memory(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib: f64 = peak.context("no VmHWM")?.trim().trim_end_matches(" kB").parse()?;
        Ok(kib * 1_024.0 / 1_000_000.0)
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
