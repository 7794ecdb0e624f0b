//! The rows of a run, and its verdict.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use super::trial::Trial;
use crate::figures::DOCUMENT;
use crate::process::text;
use crate::tables;

/// The results so far, also in a file.
#[derive(Debug)]
pub(super) struct Report {
    path: PathBuf,
    file: File,
    trials: Vec<Trial>,
}

impl Report {
    pub(super) fn create(path: &Path) -> Result<Self> {
        Ok(Self { path: path.to_owned(), file: File::create(path)?, trials: Vec::new() })
    }

    /// Prints a row and keeps it.
    pub(super) fn add(&mut self, trial: Trial) -> Result<()> {
        println!("{trial}");
        writeln!(self.file, "{trial}")?;
        self.trials.push(trial);
        Ok(())
    }

    /// Prints the sum. Bugs of the core must all be found; after a run of all bugs, writes the tables.
    pub(super) fn finish(mut self, core: bool, named: bool) -> Result<()> {
        let (all, found) = (self.trials.len(), found(&self.trials));
        println!("{found} of {all} found");
        if core {
            return verdict(&self.trials);
        }
        if !named {
            let generic = self.trials.iter().filter(|trial| trial.is_generic()).count();
            writeln!(self.file, "figure planted | {all} | {found} | {generic} |")?;
            tables::write(Path::new(DOCUMENT), &text(&self.path)?)?;
        }
        Ok(())
    }
}

fn found(trials: &[Trial]) -> usize {
    trials.iter().filter(|trial| trial.finder.is_some()).count()
}

/// Fails if a bug survived, or if none was tried.
fn verdict(trials: &[Trial]) -> Result<()> {
    ensure!(!trials.is_empty(), "no bug of the core was tried");
    ensure!(
        found(trials) == trials.len(),
        "bugs of the core survived: extend the suites oracle and worlds until they find them"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn trial(finder: Option<&'static str>) -> Trial {
        let finder = finder.map(|suite| (suite, "a_test".to_owned()));
        Trial { bug: "a-bug".to_owned(), finder, time: Duration::ZERO }
    }

    #[test]
    fn one_survivor_in_the_core_fails_the_gate() {
        assert!(verdict(&[trial(Some("oracle")), trial(Some("worlds"))]).is_ok());
        assert!(verdict(&[trial(Some("oracle")), trial(None)]).is_err());
        assert!(verdict(&[]).is_err());
    }

    #[test]
    fn a_bug_that_only_its_own_test_finds_is_not_found_by_a_generic_suite() {
        let generic = [Some("oracle"), Some("rest"), None].map(|finder| trial(finder).is_generic());
        assert_eq!(generic, [true, false, false]);
    }
}
