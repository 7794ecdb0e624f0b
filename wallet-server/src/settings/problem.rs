//! The faults of a configuration: each with its place, its setting and the remedy.

use std::fmt;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// The reason why there are no settings.
#[derive(Debug, Error)]
pub(crate) enum SettingsError {
    #[error("{} cannot be read", path.display())]
    File { path: PathBuf, source: std::io::Error },
    /// All faults that were found, one per line.
    #[error("the configuration is invalid\n{}", lines(.0))]
    Invalid(Vec<Problem>),
}

/// A fault of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(super) place: Place,
    /// Continues the place, as in "lanes: must be from 1 to 64, is 0".
    pub(super) fault: String,
}

/// The place that gives a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    File {
        path: PathBuf,
        line: usize,
        column: usize,
    },
    Environment(String),
    Flag(String),
    /// Several places together.
    Whole,
}

impl Place {
    /// Returns the place of a byte in a file.
    pub(super) fn in_file(path: &Path, text: &str, at: usize) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        Self::File { path: path.to_owned(), line, column }
    }

    /// Returns the line and the column in a file.
    pub(super) const fn position(&self) -> Option<(usize, usize)> {
        match self {
            Self::File { line, column, .. } => Some((*line, *column)),
            _ => None,
        }
    }
}

impl From<Problem> for SettingsError {
    fn from(problem: Problem) -> Self {
        Self::Invalid(vec![problem])
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Whole => f.write_str(&self.fault),
            place => write!(f, "{place}: {}", self.fault),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, column } => {
                write!(f, "{}, line {line}, column {column}", path.display())
            }
            Self::Environment(name) => f.write_str(name),
            Self::Flag(name) => write!(f, "--{name}"),
            Self::Whole => f.write_str("the configuration"),
        }
    }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
