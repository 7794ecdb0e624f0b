//! The results of a run, its verdict, and the tables of docs/figures.md.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, ensure};

use super::bug::Bug;
use super::suites::REST;
use super::trial::{FOUND, Trial};
use crate::figures::DOCUMENT;
use crate::process::text;
use crate::tables;

/// The results so far.
#[derive(Debug)]
pub(super) struct Report<'a> {
    all: &'a [Bug],
    /// True if each result is written to the document at once, so that a run that is ended keeps its results.
    writes: bool,
    trials: Vec<Trial>,
}

impl<'a> Report<'a> {
    pub(super) const fn new(all: &'a [Bug], writes: bool) -> Self {
        Self { all, writes, trials: Vec::new() }
    }

    /// Prints a result and keeps it.
    pub(super) fn add(&mut self, trial: Trial) -> Result<()> {
        println!("figure bugs | {} |", trial.cells().join(" | "));
        self.trials.push(trial);
        if self.writes {
            let document = Path::new(DOCUMENT);
            tables::write(document, &figures(&text(document)?, self.all, &self.trials)?)?;
        }
        Ok(())
    }

    /// Prints the sum. Bugs of the core must all be found.
    pub(super) fn finish(self, core: bool) -> Result<()> {
        println!("{} of {} found", found(&self.trials), self.trials.len());
        if core { verdict(&self.trials) } else { Ok(()) }
    }
}

/// Returns the rows of the document's tables: of each bug that still exists, the latest result.
fn figures(document: &str, all: &[Bug], trials: &[Trial]) -> Result<String> {
    let before = tables::rows(document, "bugs")?.into_iter();
    let latest = before.chain(trials.iter().map(|trial| trial.cells().to_vec()));
    let mut rows: BTreeMap<_, _> = latest.filter_map(|cells| Some((cells.first()?.clone(), cells))).collect();
    rows.retain(|name, _| all.iter().any(|bug| bug.name == *name));
    let is_found = |cells: &&Vec<String>| cells.get(1).is_some_and(|result| result == FOUND);
    let is_generic = |cells: &&Vec<String>| cells.get(2).is_some_and(|suite| suite != REST);
    let found = rows.values().filter(is_found);
    let (number, generic) = (found.clone().count(), found.filter(is_generic).count());
    let mut figures = format!("figure planted | {} | {number} | {generic} |\n", rows.len());
    for cells in rows.values() {
        figures += &format!("figure bugs | {} |\n", cells.join(" | "));
    }
    Ok(figures)
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
    use crate::seeded_bugs::bug::tests::bug;

    fn trial(bug: &str, finder: Option<&'static str>) -> Trial {
        let finder = finder.map(|suite| (suite, "a_test".to_owned()));
        Trial { bug: bug.to_owned(), finder, time: Duration::ZERO }
    }

    #[test]
    fn one_survivor_in_the_core_fails_the_gate() {
        let (found, missed) = (trial("a", Some("oracle")), trial("b", None));
        assert!(verdict(&[found]).is_ok());
        assert!(verdict(&[trial("a", Some("worlds")), missed]).is_err());
        assert!(verdict(&[]).is_err());
    }

    #[test]
    fn a_result_replaces_the_row_of_its_bug_and_rows_of_removed_bugs_go() {
        let document = "<!-- figures: bugs -->\n| bug | result | suite | test | time |\n|---|---|---|---|---|\n\
                        | a | found | rest | old | 9 s |\n| b | found | rest | b_test | 9 s |\n\
                        | removed | found | oracle | c_test | 9 s |\n<!-- /figures: bugs -->\n";
        let all = ["a", "b", "new"].map(|name| bug(name, "wallet-core", "oracle"));
        let trials = [trial("new", None), trial("a", Some("oracle"))];
        let expected = "figure planted | 3 | 2 | 1 |\n\
                        figure bugs | a | found | oracle | a_test | 0 s |\n\
                        figure bugs | b | found | rest | b_test | 9 s |\n\
                        figure bugs | new | **survived** |  |  | 0 s |\n";
        assert_eq!(figures(document, &all, &trials).unwrap(), expected);
    }
}
