//! Start time, idle memory and sizes of the release build.
//!
//! The server starts five times, each time on a fresh SQLite file. The start ends when the gRPC health service answers
//! SERVING.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process::{cargo, command, output, root, run as run_command};
use crate::tools::Tools;

mod health;

const RUNS: usize = 5;
/// The longest start.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// The time from the first answer to the measurement of memory.
const IDLE: Duration = Duration::from_secs(2);

pub(crate) fn run() -> Result<()> {
    Tools::Rust.find()?;
    let build = ["build", "--release", "--locked", "--package", "wallet-server", "--target-dir"];
    run_command(cargo(build).arg(root().join("target")))?;
    let server = root().join("target/release/wallet-server");

    let (mut times, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let (start, mib) = measure(&server)?;
        times.push((start.as_secs_f64() * 1000.0).round());
        memory.push(mib);
    }
    times.sort_by(f64::total_cmp);
    memory.sort_by(f64::total_cmp);
    let (time, mib) = (times[RUNS / 2], memory[RUNS / 2]);
    println!("start to serving      {time} ms, the median of {} (aim: under 1000)", list(&times));
    println!("idle memory           {mib:.1} MiB resident after 2 s (aim: under 60)");
    println!("binary size           {:.1} MiB", mebibytes(fs::metadata(&server)?.len()));
    println!("crates in Cargo.lock  {}", crates(&fs::read_to_string("Cargo.lock")?));
    Ok(())
}

/// Returns the time until a new server serves, and its memory in MiB after a rest.
fn measure(server: &Path) -> Result<(Duration, f64)> {
    let folder = tempfile::tempdir()?;
    let (running, start) = Server::start(server, folder.path())?;
    sleep(IDLE);
    Ok((start, running.memory()?))
}

/// A process that is killed when the value is dropped.
struct Server(Child);

impl Server {
    /// Starts a server. Returns its process and the time until it serves.
    fn start(server: &Path, folder: &Path) -> Result<(Self, Duration)> {
        let port = free_port()?;
        let log = folder.join("log");
        let out = File::create(&log)?;
        let mut command = command(server);
        command.args(["--listen", &format!("127.0.0.1:{port}")]);
        command.args(["--database-url", &format!("sqlite://{}/wallet.db", folder.display())]);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("WALLET_"))
        {
            command.env_remove(name);
        }
        command.current_dir(folder).stdout(Stdio::from(out.try_clone()?)).stderr(out);
        let begin = Instant::now();
        let mut process = Self(command.spawn().with_context(|| server.display().to_string())?);
        while !health::serves(port) {
            if process.0.try_wait()?.is_some() || begin.elapsed() > START_TIMEOUT {
                bail!("the server does not serve:\n{}", fs::read_to_string(&log)?);
            }
            sleep(Duration::from_millis(1));
        }
        Ok((process, begin.elapsed()))
    }

    /// The resident memory in MiB.
    fn memory(&self) -> Result<f64> {
        let kib = output(command("ps").args(["-o", "rss=", "-p", &self.0.id().to_string()]))?;
        Ok(kib.trim().parse::<f64>()? / 1024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if the process has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "xtask has no runtime")]
fn sleep(time: Duration) {
    thread::sleep(time);
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn list(times: &[f64]) -> String {
    format!("[{}]", times.iter().map(f64::to_string).collect::<Vec<_>>().join(", "))
}

#[expect(clippy::cast_precision_loss, reason = "one digit after the point is printed")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// The number of packages in a lock file.
fn crates(lock: &str) -> usize {
    lock.lines().filter(|line| line.starts_with("[[package]]")).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crates_of_a_lock_file_are_counted() {
        assert_eq!(crates("version = 4\n\n[[package]]\nname = \"a\"\n\n[[package]]\nname = \"b\"\n"), 2);
    }
}
