//! The patches of `scripts/bugs`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A deliberate fault.
#[derive(Debug)]
pub(super) struct Bug {
    /// The name of its patch, which is the value of `WALLET_BUG`.
    pub(super) name: String,
    pub(super) patch: PathBuf,
    /// The content of the patch.
    pub(super) text: String,
}

impl Bug {
    /// All bugs, sorted by name.
    pub(super) fn all(folder: &Path) -> Result<Vec<Self>> {
        let mut bugs = Vec::new();
        for file in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
            let patch = file?.path();
            if patch.extension().is_some_and(|extension| extension == "patch") {
                let name = patch.file_stem().and_then(|name| name.to_str()).context("a name is not UTF-8")?;
                let text = fs::read_to_string(&patch).with_context(|| patch.display().to_string())?;
                bugs.push(Self { name: name.to_owned(), text, patch });
            }
        }
        bugs.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(bugs)
    }

    /// Returns whether the fault is in the core, where the core's own suites can find it.
    pub(super) fn is_of_the_core(&self) -> bool {
        self.text.lines().any(|line| line.starts_with("+++ b/wallet-core/"))
    }

    /// The suite that found the bug before, and the test if the suite is slow, by the line `# found by: SUITE` or
    /// `# found by: SUITE: TEST` of the patch.
    pub(super) fn found_by(&self) -> Option<(&str, Option<&str>)> {
        let finder = self.text.lines().find_map(|line| line.strip_prefix("# found by:"))?.trim_start();
        let end = finder.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(finder.len());
        let (suite, rest) = finder.split_at(end);
        let test = rest.strip_prefix(':').and_then(|rest| rest.split_whitespace().next());
        Some((suite, test)).filter(|_| !suite.is_empty())
    }
}

/// The bugs of these names. Without names, all bugs, or those of the core.
pub(super) fn select<'a>(all: &'a [Bug], names: &[String], core: bool) -> Result<Vec<&'a Bug>> {
    if names.is_empty() {
        return Ok(all.iter().filter(|bug| !core || bug.is_of_the_core()).collect());
    }
    let named = |name: &String| {
        let bug = all.iter().find(|bug| bug.name == *name);
        bug.with_context(|| format!("no bug {name} in scripts/bugs"))
    };
    names.iter().map(named).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A bug with a patch of this crate and of these finders.
    pub(in super::super) fn bug(name: &str, package: &str, found_by: &str) -> Bug {
        let text =
            format!("# A fault.\n# found by: {found_by}\n--- a/{package}/a.rs\n+++ b/{package}/a.rs\n");
        Bug { name: name.to_owned(), patch: PathBuf::new(), text }
    }

    fn names<'a>(bugs: &[&'a Bug]) -> Vec<&'a str> {
        bugs.iter().map(|bug| bug.name.as_str()).collect()
    }

    #[test]
    fn the_finder_of_a_patch_is_a_suite_or_a_test_in_one() {
        for (line, expected) in [
            ("oracle (shrunk to 3 commands), small worlds", Some(("oracle", None))),
            ("power, kills", Some(("power", None))),
            ("rest", Some(("rest", None))),
            ("rest: rpc::settle::a_test", Some(("rest", Some("rpc::settle::a_test")))),
            ("", None),
        ] {
            assert_eq!(bug("a", "wallet-core", line).found_by(), expected, "{line}");
        }
        let unmarked = Bug { text: "# A fault.\n".to_owned(), ..bug("a", "wallet-core", "") };
        assert_eq!(unmarked.found_by(), None);
    }

    #[test]
    fn bugs_of_the_core_are_those_whose_patch_changes_the_core() {
        assert!(bug("a", "wallet-core", "oracle").is_of_the_core());
        assert!(!bug("a", "wallet-server", "oracle").is_of_the_core());
    }

    #[test]
    fn without_names_all_bugs_are_tried_or_those_of_the_core() {
        let all = [bug("a", "wallet-core", "oracle"), bug("b", "wallet-server", "races")];
        assert_eq!(names(&select(&all, &[], false).unwrap()), ["a", "b"]);
        assert_eq!(names(&select(&all, &[], true).unwrap()), ["a"]);
        assert_eq!(names(&select(&all, &["b".to_owned(), "a".to_owned()], false).unwrap()), ["b", "a"]);
        let error = select(&all, &["c".to_owned()], false).unwrap_err();
        assert_eq!(error.to_string(), "no bug c in scripts/bugs");
    }

    #[test]
    fn every_patch_of_the_repository_is_read() {
        let all = Bug::all(&crate::process::root().join("scripts/bugs")).unwrap();
        let core = all.iter().filter(|bug| bug.is_of_the_core()).count();
        assert!(all.len() > 80 && core > 40, "{} bugs, {core} of the core", all.len());
        assert!(all.iter().all(|bug| bug.found_by().is_some()));
    }
}
