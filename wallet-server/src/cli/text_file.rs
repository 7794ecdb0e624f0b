//! Text files that a command reads.

use std::path::Path;

use crate::cli::error::CliError;

pub(super) fn read_text(file: &Path) -> Result<String, CliError> {
    let text = std::fs::read_to_string(file);
    text.map_err(|source| CliError::File { path: file.to_owned(), source })
}
