//! The output of the binary: results on standard output, errors and the log on standard error.

use std::fmt::Display;
use std::io::{IsTerminal, Write};

use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::prelude::*;

use crate::causes::Chain;
use crate::cli::error::CliError;
use crate::cli::log_limit::LogLimit;
use crate::settings::LogFilter;
use crate::traces;

/// Starts the log: human-readable on a terminal, JSON otherwise.
pub(super) fn init_logging(filter: &LogFilter) {
    let limit = LogLimit::default();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let known = filter_fn(|line| !traces::is_about_a_failed_export(line));
    let log = tracing_subscriber::registry().with(filter.to_layer()).with(known).with(limit.clone());
    if std::io::stderr().is_terminal() {
        log.with(lines).init();
    } else {
        log.with(lines.json()).init();
    }
    tokio::spawn(limit.report());
}

/// Escapes control characters other than line feeds and tabs, as in `\u{1b}`, so that none reaches the terminal.
fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && !matches!(c, '\n' | '\t') {
            visible.extend(c.escape_unicode());
        } else {
            visible.push(c);
        }
    }
    visible
}

/// Writes a line to standard output. A reader that has gone away is not an error.
pub(super) fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{}", visible(&line.to_string()));
}

/// Writes an error and its causes to standard error.
pub(super) fn print_error(error: &CliError) {
    let _ = writeln!(std::io::stderr(), "error: {}", visible(&Chain(error).to_string()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_before_they_reach_the_terminal() {
        assert_eq!(visible("é: two\n\tlines"), "é: two\n\tlines");
        assert_eq!(visible("\x1b[31m\r\0\u{9b}"), "\\u{1b}[31m\\u{d}\\u{0}\\u{9b}");
    }
}
