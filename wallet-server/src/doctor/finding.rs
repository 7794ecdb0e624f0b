//! The result of one check.

use std::fmt;

use serde::Serialize;

/// The weight of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Ok,
    /// The server works, and an operator should act soon.
    Warning,
    /// The server does not work, or credits are at risk.
    Error,
}

/// The result of one check: a line of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) check: &'static str,
    pub(crate) level: Level,
    pub(crate) text: String,
    /// The next step of the operator; empty if there is none.
    pub(crate) next: String,
}

impl Finding {
    pub(super) fn ok(check: &'static str, text: impl fmt::Display) -> Self {
        Self { check, level: Level::Ok, text: text.to_string(), next: String::new() }
    }

    pub(super) fn warning(check: &'static str, text: impl fmt::Display, next: impl fmt::Display) -> Self {
        Self { check, level: Level::Warning, text: text.to_string(), next: next.to_string() }
    }

    pub(super) fn error(check: &'static str, text: impl fmt::Display, next: impl fmt::Display) -> Self {
        Self { check, level: Level::Error, text: text.to_string(), next: next.to_string() }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { check, level, text, next } = self;
        // One line per finding, also if an error has several.
        write!(f, "{level:<7}  {check}: {}", text.replace('\n', "; "))?;
        if next.is_empty() { Ok(()) } else { write!(f, ". Next: {next}") }
    }
}
