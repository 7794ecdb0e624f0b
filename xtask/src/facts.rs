//! Start time, idle memory and sizes of the release build.
//!
//! The server starts five times, each time on a fresh SQLite file. The start ends when the server prints its address.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::release;
use crate::server::Server;
use crate::tools::Tools;

const RUNS: usize = 5;
/// The time from the start to the measurement of memory.
const IDLE: Duration = Duration::from_secs(2);

pub(crate) fn run() -> Result<()> {
    Tools::Rust.find()?;
    release::build(&["--package", "wallet-server"])?;
    let server = release::program("wallet-server");

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
fn measure(program: &Path) -> Result<(Duration, f64)> {
    let folder = tempfile::tempdir()?;
    let begin = Instant::now();
    let server = Server::wallet(program, &format!("sqlite://{}/wallet.db", folder.path().display()), &[])?;
    let start = begin.elapsed();
    sleep(IDLE);
    Ok((start, server.memory()? / 1_048_576.0))
}

#[expect(clippy::disallowed_methods, reason = "xtask has no runtime")]
fn sleep(time: Duration) {
    thread::sleep(time);
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
