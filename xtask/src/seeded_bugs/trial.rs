//! One bug against its suites.

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

/// The result of a bug.
#[derive(Debug)]
pub(super) struct Trial {
    pub(super) bug: String,
    /// The suite and the test that found the bug.
    pub(super) finder: Option<(&'static str, String)>,
    pub(super) time: Duration,
}

/// Runs suites until one fails. Errors are failures to run a suite at all.
pub(super) fn run(bug: &Bug, copy: &Copy, variables: &Variables, timeout: u64) -> Result<Trial> {
    let start = Instant::now();
    let mut finder = None;
    for suite in suites::order(bug, copy.place.core()) {
        let log = copy.place.log(bug, suite);
        if !passes(bug, suite, copy, variables, timeout, &log)? {
            finder = Some((suite.name, first_failure(&text(&log)?).to_owned()));
            break;
        }
    }
    Ok(Trial { bug: bug.name.clone(), finder, time: start.elapsed() })
}

/// Returns whether a suite passes with the bug. A suite that hangs does not.
fn passes(
    bug: &Bug,
    suite: &Suite,
    copy: &Copy,
    variables: &Variables,
    timeout: u64,
    log: &Path,
) -> Result<bool> {
    let log = File::create(log)?;
    let mut test = command("timeout");
    test.args(["--kill-after=5", &timeout.to_string()]).arg(copy.program(suite)?).args(suite.filters);
    test.env("WALLET_BUG", &bug.name).env("RUST_BACKTRACE", "0").env("WALLET_ORACLE_COMMANDS", "500000");
    test.current_dir(copy.place.tree().join("wallet-server")).stdout(log.try_clone()?).stderr(log);
    succeeds(variables.set(&mut test))
}

/// The first failed test in the output of a suite, or that the suite hangs.
fn first_failure(log: &str) -> &str {
    let mut tests = log.lines().filter_map(|line| line.strip_prefix("test ")?.split_once(" ... FAILED"));
    tests.next().map_or("it hangs", |(name, _)| name)
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
