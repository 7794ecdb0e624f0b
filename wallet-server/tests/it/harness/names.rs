//! Small things that tests say often.

use std::path::PathBuf;

use wallet_client::{OperationExt, amount, operation, v1};

/// So many credits.
pub(crate) fn credits(how_many: i64) -> v1::Amount {
    amount("credits", how_many)
}

/// A video of so many seconds: 8 credits a second in the bundled catalog.
pub(crate) fn video(seconds: &str) -> v1::Operation {
    operation("video.generate")
        .attribute("model", "standard")
        .attribute("resolution", "720p")
        .quantity("duration_s", seconds)
}

/// The program that an environment variable names; scripts/test sets them all.
pub(crate) fn tool(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable).map(PathBuf::from);
    path.filter(|path| path.is_file())
        .unwrap_or_else(|| panic!("{variable} names no program: run scripts/test"))
}
