//! One bug against its suites.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::bug::Bug;
use super::copy::Copy;
use super::suites::{self, REST, Suite};
use crate::process::{command, succeeds, text};
use crate::tools::Variables;

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
    /// Whether a test that failed with a bug passes without one, by suite and test.
    pub(super) finders: BTreeMap<(&'static str, String), bool>,
}

impl Trials<'_> {
    /// Runs suites until one fails because of the bug. Errors are failures to run a suite at all.
    pub(super) fn run(&mut self, bug: &Bug) -> Result<Trial> {
        let start = Instant::now();
        let mut finder = None;
        for suite in suites::order(bug, self.copy.place.core()) {
            let log = self.copy.place.log(&bug.name, suite);
            if self.passes(suite, suite.filters, Some(bug), &log)? {
                continue;
            }
            let test = first_failure(&text(&log)?).to_owned();
            if self.passes_without_bug(suite, &test)? {
                finder = Some((suite.name, test));
                break;
            }
            eprintln!("{}: {} fails without the bug too: {test}", bug.name, suite.name);
        }
        Ok(Trial { bug: bug.name.clone(), finder, time: start.elapsed() })
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
        let timeout = self.timeout.to_string();
        test.args(["--kill-after=5", &timeout]).arg(self.copy.program(suite)?).args(filters);
        test.env("RUST_BACKTRACE", "0").env("WALLET_ORACLE_COMMANDS", "500000").env_remove("WALLET_BUG");
        if let Some(bug) = bug {
            test.env("WALLET_BUG", &bug.name);
        }
        test.current_dir(self.copy.place.tree().join("wallet-server")).stdout(log.try_clone()?).stderr(log);
        succeeds(self.variables.set(&mut test))
    }
}

/// The first failed test in the output of a suite, or that the suite hangs.
fn first_failure(log: &str) -> &str {
    let mut tests = log.lines().filter_map(|line| line.strip_prefix("test ")?.split_once(" ... FAILED"));
    tests.next().map_or(HANGS, |(name, _)| name)
}

impl Trial {
    /// Returns whether a generic suite found the bug.
    pub(super) fn is_generic(&self) -> bool {
        self.finder.as_ref().is_some_and(|(suite, _)| *suite != REST)
    }
}

/// A row of the table `bugs`.
impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.time.as_secs();
        write!(f, "figure bugs | {} | ", self.bug)?;
        match &self.finder {
            Some((suite, test)) => write!(f, "found | {suite} | {test} | {seconds} s |"),
            None => write!(f, "**survived** | | | {seconds} s |"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failed_test_is_the_finder() {
        let log =
            "running 3 tests\ntest a::fine ... ok\ntest b::fails ... FAILED\ntest c::fails ... FAILED\n";
        assert_eq!(first_failure(log), "b::fails");
        assert_eq!(first_failure("thread 'b' panicked\ntest result: FAILED. 0 passed"), "it hangs");
        assert_eq!(first_failure("test a::fine ... ok\n"), "it hangs");
    }

    #[test]
    fn a_trial_is_a_row_of_the_table() {
        let time = Duration::from_millis(2900);
        let finder = Some(("oracle", "the_core_answers".to_owned()));
        let found = Trial { bug: "month-drift".to_owned(), finder, time };
        assert_eq!(
            found.to_string(),
            "figure bugs | month-drift | found | oracle | the_core_answers | 2 s |"
        );
        let survived = Trial { finder: None, ..found };
        assert_eq!(survived.to_string(), "figure bugs | month-drift | **survived** | | | 2 s |");
    }
}
