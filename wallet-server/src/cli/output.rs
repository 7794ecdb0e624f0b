//! What the binary says: results on standard output, complaints and the log on standard error.

use std::fmt::Display;
use std::io::{IsTerminal, Write};

use tracing_subscriber::EnvFilter;

/// Starts the log: human-readable at a terminal, JSON otherwise. `WALLET_LOG` filters it; default: warn, and
/// info for the server itself.
pub(super) fn init_logging() {
    let filter =
        EnvFilter::try_from_env("WALLET_LOG").unwrap_or_else(|_| EnvFilter::new("warn,wallet_server=info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        log.init();
    } else {
        log.json().init();
    }
}

/// A line on standard output. A reader that has gone away is no fault.
pub(super) fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// A line on standard error.
pub(super) fn complain(error: impl Display) {
    let _ = writeln!(std::io::stderr(), "error: {error}");
}
