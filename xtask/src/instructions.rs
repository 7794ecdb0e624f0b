//! The instruction count of one Reserve and one Settle in the core. Unlike a time, it is the same on a busy machine.

use anyhow::{Context as _, Result, bail};

use crate::document::{self, BENCHMARKS};
use crate::process::{command, output};
use crate::release::{build, program};

/// The counted function of `wallet-core/examples/instructions.rs`.
const COUNTED: &str = "counted_reserve_and_settle";
/// The part of the document that keeps the last count.
const PART: &str = "instructions";
/// The most that the count may grow, in percent.
const TOLERANCE: f64 = 3.0;

/// Counts, compares with the count in `docs/benchmarks.md`, and keeps the new one if it is not too high.
pub(crate) fn run() -> Result<()> {
    output(command("valgrind").arg("--version"))
        .context("the count needs valgrind: install it, for example with `apt-get install valgrind`")?;
    build(&["-p", "wallet-core", "--example", "instructions"])?;
    let count = count()?;
    let kept = document::read(BENCHMARKS, PART)?;
    let before = kept.split_whitespace().find_map(|word| word.replace(',', "").parse().ok());
    let Some(before) = before else {
        report(&format!("{} instructions, the first count", grouped(count)));
        return keep(count);
    };
    let growth = (count as f64 / before as f64 - 1.0) * 100.0;
    let counts = format!("{} instructions, {} before ({growth:+.1} %)", grouped(count), grouped(before));
    report(&counts);
    if growth > TOLERANCE {
        bail!(
            "{counts}: at most +{TOLERANCE} % are allowed. If the change is worth it, write the new count into \
             {BENCHMARKS}"
        );
    }
    keep(count)
}

fn report(counts: &str) {
    println!("one Reserve and one Settle: {counts}");
}

fn keep(count: u64) -> Result<()> {
    document::write(BENCHMARKS, PART, &format!("{} instructions", grouped(count)))
}

/// Counts the instructions within the function and all that it calls.
fn count() -> Result<u64> {
    let folder = tempfile::tempdir()?;
    let mut valgrind = command("valgrind");
    valgrind
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .arg(format!("--toggle-collect=*{COUNTED}*"))
        .arg(format!("--callgrind-out-file={}/callgrind.out", folder.path().display()))
        .arg(program("examples/instructions"));
    output(&mut valgrind)?;
    let profile = std::fs::read_to_string(folder.path().join("callgrind.out"))?;
    let total = profile.lines().find_map(|line| {
        line.strip_prefix("summary:").or_else(|| line.strip_prefix("totals:"))?.trim().parse::<u64>().ok()
    });
    match total.context("callgrind printed no count")? {
        0 => bail!("callgrind has not found the function {COUNTED}"),
        count => Ok(count),
    }
}

/// Writes a number with a comma between thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_are_separated_by_commas() {
        assert_eq!([grouped(7), grouped(1_000), grouped(12_345_678)], ["7", "1,000", "12,345,678"]);
    }
}
