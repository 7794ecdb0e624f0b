//! Tests of the settings: sources, bounds, secrets and documents.

mod documents;
mod faults;
mod rows;
mod secrets;
mod sources;

use std::path::PathBuf;

use tempfile::TempDir;

use super::source::Values;
use super::{Overrides, Settings, SettingsError};

/// The sources of a server's settings.
struct Given {
    folder: TempDir,
    flags: Vec<(String, String)>,
    variables: Vec<(String, String)>,
    has_file: bool,
}

impl Given {
    fn nothing() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, flags: Vec::new(), variables: Vec::new(), has_file: false }
    }

    /// Gives this file.
    fn file(text: &str) -> Self {
        let given = Self { has_file: true, ..Self::nothing() };
        std::fs::write(given.path(), text).unwrap();
        given
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Gives a flag, by the name of its setting in the file.
    fn flag(mut self, path: &str, value: &str) -> Self {
        self.flags.push((path.to_owned(), value.to_owned()));
        self
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("wallet.toml")
    }

    fn values(&self) -> Result<Values, SettingsError> {
        let file = self.has_file.then(|| self.path());
        let overrides = Overrides { file, flags: self.flags.clone() };
        Values::find_in(&overrides, &|name| {
            let found = self.variables.iter().find(|(variable, _)| variable == name);
            Ok(found.map(|(_, value)| value.clone()))
        })
    }

    fn settings(&self) -> Result<Settings, SettingsError> {
        Settings::of_values(&self.values()?)
    }

    /// The faults, without the folder of the file.
    fn faults(&self) -> Vec<String> {
        let folder = format!("{}/", self.folder.path().display());
        match self.settings() {
            Err(SettingsError::Invalid(problems)) => {
                problems.iter().map(|problem| problem.to_string().replace(&folder, "")).collect()
            }
            other => panic!("{other:?}"),
        }
    }
}
