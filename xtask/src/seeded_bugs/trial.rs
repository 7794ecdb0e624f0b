//! One bug against its suites.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::bug::Bug;
use super::copy::Copy;
use super::suites::{self, Search, Suite};
use crate::process::{command, succeeds, text};
use crate::tools::Variables;

/// The result of a bug that a suite has found.
pub(super) const FOUND: &str = "found";
/// Stands for the failed test of a suite that names none, because it hung or crashed.
const HANGS: &str = "it hangs";

/// The result of a bug.
#[derive(Debug)]
pub(super) struct Trial {
    pub(super) bug: String,
    /// The suite and the test that found the bug.
    pub(super) finder: Option<(&'static str, String)>,
    pub(super) time: Duration,
}

/// Runs suites with bugs, and the tests that find them without.
#[derive(Debug)]
pub(super) struct Trials<'a> {
    pub(super) copy: &'a Copy,
    pub(super) variables: &'a Variables,
    /// The time limit of a suite in seconds.
    pub(super) timeout: u64,
    /// The tests that failed with a bug, by suite, and true for those that pass without one.
    pub(super) finders: BTreeMap<(&'static str, String), bool>,
}

impl Trials<'_> {
    /// Runs suites until one fails because of the bug. Errors are failures to run a suite at all.
    pub(super) fn run(&mut self, bug: &Bug) -> Result<Trial> {
        let start = Instant::now();
        let mut finder = None;
        for Search { suite, filters } in suites::order(bug, self.copy.place.core()) {
            let log = self.copy.place.log(&bug.name, suite);
            if self.passes(suite, &filters, Some(bug), &log)? {
                continue;
            }
            if let Some(test) = self.finder(suite, &text(&log)?)? {
                finder = Some((suite.name, test));
                break;
            }
            eprintln!("{}: {} fails without the bug too", bug.name, suite.name);
        }
        Ok(Trial { bug: bug.name.clone(), finder, time: start.elapsed() })
    }

    /// Returns the first failed test that passes without a bug.
    fn finder(&mut self, suite: &'static Suite, log: &str) -> Result<Option<String>> {
        for test in failures(log) {
            if self.passes_without_bug(suite, test)? {
                return Ok(Some(test.to_owned()));
            }
        }
        Ok(None)
    }

    /// Returns whether a test that failed with a bug passes without one. A failure of a test that is flaky or broken
    /// says nothing about a bug, nor does a suite that is slower than the time limit.
    fn passes_without_bug(&mut self, suite: &'static Suite, test: &str) -> Result<bool> {
        let key = (suite.name, test.to_owned());
        if let Some(passes) = self.finders.get(&key) {
            return Ok(*passes);
        }
        let only = ["--exact", test];
        let filters = if test == HANGS { suite.filters } else { &only };
        let passes = self.passes(suite, filters, None, &self.copy.place.log("without-bug", suite))?;
        self.finders.insert(key, passes);
        Ok(passes)
    }

    /// Returns whether the tests of a suite pass. A suite that hangs does not.
    fn passes(&self, suite: &Suite, filters: &[&str], bug: Option<&Bug>, log: &Path) -> Result<bool> {
        let log = File::create(log)?;
        let mut test = command("timeout");
        let timeout = suite.limit(self.timeout).to_string();
        test.args(["--kill-after=5", &timeout]).arg(self.copy.program(suite)?).args(filters);
        test.env("RUST_BACKTRACE", "0").env("WALLET_ORACLE_COMMANDS", "500000").env_remove("WALLET_BUG");
        if let Some(bug) = bug {
            test.env("WALLET_BUG", &bug.name);
        }
        test.current_dir(self.copy.place.tree().join("wallet-server")).stdout(log.try_clone()?).stderr(log);
        succeeds(self.variables.set(&mut test))
    }
}

/// The failed tests in the output of a suite, or that the suite hangs.
fn failures(log: &str) -> Vec<&str> {
    let tests = log.lines().filter_map(|line| line.strip_prefix("test ")?.split_once(" ... FAILED"));
    let tests: Vec<_> = tests.map(|(name, _)| name).collect();
    if tests.is_empty() { vec![HANGS] } else { tests }
}

impl Trial {
    /// The cells of its row in the table `bugs`: bug, result, suite, test and time.
    pub(super) fn cells(&self) -> [String; 5] {
        let time = format!("{} s", self.time.as_secs());
        let (result, suite, test) = match &self.finder {
            Some((suite, test)) => (FOUND, *suite, test.as_str()),
            None => ("**survived**", "", ""),
        };
        [self.bug.clone(), result.to_owned(), suite.to_owned(), test.to_owned(), time]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failed_tests_are_found_in_the_output() {
        let log =
            "running 3 tests\ntest a::fine ... ok\ntest b::fails ... FAILED\ntest c::fails ... FAILED\n";
        assert_eq!(failures(log), ["b::fails", "c::fails"]);
        assert_eq!(failures("thread 'b' panicked\ntest result: FAILED. 0 passed"), [HANGS]);
        assert_eq!(failures("test a::fine ... ok\n"), [HANGS]);
    }
}
