//! Problems of a document: all of them, each with its place, so that one round of corrections is enough.

use std::fmt;

use thiserror::Error;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The place in the document: `rules[2].components[0].rate`, or `line 12, column 3` if the TOML is invalid.
    pub path: String,
    /// The problem. The text continues a sentence that begins with the path.
    pub message: String,
}

/// The problems that keep a document from being a catalog. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct CatalogProblems(pub Vec<Problem>);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl fmt::Display for CatalogProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.0.iter().enumerate() {
            let separator = if n == 0 { "" } else { "; " };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

/// A collector of the problems that reading and checking a document find.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<Problem>);

impl Report {
    pub(super) fn add(&mut self, path: impl Into<String>, message: impl fmt::Display) {
        self.0.push(Problem { path: path.into(), message: message.to_string() });
    }

    /// Fails with all collected problems, if there are any.
    pub(super) fn verdict(&mut self) -> Result<(), CatalogProblems> {
        if self.0.is_empty() { Ok(()) } else { Err(CatalogProblems(std::mem::take(&mut self.0))) }
    }
}
