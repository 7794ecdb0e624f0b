//! Secrets in files.

use std::path::{Path, PathBuf};

use super::problem::SettingsError;

/// The environment variable with the folder in which systemd puts the credentials of a service.
pub(super) const FOLDER: &str = "CREDENTIALS_DIRECTORY";

/// Returns the file of a secret. A relative name is looked up among the credentials of the service first.
pub(super) fn find(name: &Path, credentials: Option<&Path>) -> PathBuf {
    let credential = credentials.filter(|_| name.is_relative()).map(|folder| folder.join(name));
    credential.filter(|file| file.exists()).unwrap_or_else(|| name.to_owned())
}

/// Reads a secret. Spaces and line ends around it do not count.
pub(super) fn read(file: &Path) -> Result<String, SettingsError> {
    let text = std::fs::read_to_string(file)
        .map_err(|source| SettingsError::File { path: file.to_owned(), source })?;
    Ok(text.trim_ascii().to_owned())
}
