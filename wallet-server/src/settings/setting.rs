//! One setting: its names, its form, its default and the sources that may give it.

use super::form::{Form, Raw};
use super::server::ServerSettings;
use super::{FeedSettings, Limits, NatsSettings};

/// A row of the settings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    /// The table of the file; empty for its top level.
    pub(super) section: &'static str,
    pub(super) field: &'static str,
    /// The lines of the documentation.
    pub(super) docs: &'static [&'static str],
    pub(super) form: Form,
    pub(super) sources: Sources,
    /// The meaning of an absent value, if the setting has no default.
    pub(super) absent: &'static str,
    pub(super) default: fn() -> Option<Raw>,
    pub(super) check: fn(&Raw) -> Result<(), String>,
}

/// The sources that may give a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sources {
    /// The file, the environment and a flag.
    Everywhere,
    /// The file and the environment, for settings that are changed rarely.
    WithoutFlag,
    /// A flag alone, for permissions that are given once.
    FlagOnly,
}

/// A name under which a setting is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// The path in the file, as in `limits.drain_ms`.
    pub(super) path: String,
    /// True: the value is the name of a file that has the secret.
    pub(super) is_of_file: bool,
}

/// Returns all settings, in the order of the documents.
pub(crate) fn all() -> impl Iterator<Item = &'static Setting> {
    ServerSettings::ROWS.iter().chain(FeedSettings::ROWS).chain(NatsSettings::ROWS).chain(Limits::ROWS)
}

impl Setting {
    /// Returns the name in the file, with its table.
    pub(crate) fn path(&self) -> String {
        match self.section {
            "" => self.key(),
            section => format!("{section}.{}", self.key()),
        }
    }

    /// Returns the name within its table. It ends in the unit of a time.
    pub(super) fn key(&self) -> String {
        format!("{}{}", self.field, self.form.suffix())
    }

    /// Returns the names under which the setting is given. A secret has two: itself, and the file that it is in.
    pub(super) fn names(&self) -> Vec<Name> {
        let path = self.path();
        let file =
            (self.form == Form::Secret).then(|| Name { path: format!("{path}_file"), is_of_file: true });
        [Some(Name { path, is_of_file: false }), file].into_iter().flatten().collect()
    }

    pub(crate) const fn sources(&self) -> Sources {
        self.sources
    }

    /// Returns whether the setting is true or false.
    pub(crate) fn is_switch(&self) -> bool {
        self.form == Form::Switch
    }

    /// Returns the names in the file under which the setting is given.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.names().into_iter().map(|name| name.path).collect()
    }

    /// Returns the least number that is allowed.
    #[cfg(test)]
    pub(crate) fn floor(&self) -> Option<i64> {
        self.form.bounds().map(|(floor, _)| floor)
    }

    /// Returns the placeholder of the value that one of the names takes.
    pub(crate) fn value_name_of(&self, path: &str) -> &'static str {
        if path == self.path() { self.form.value_name() } else { Form::SecretFile.value_name() }
    }

    /// Returns the help text of the flag with one of the names.
    pub(crate) fn help(&self, path: &str) -> String {
        let is_of_file = path != self.path();
        let doc = if is_of_file { format!("A file with {}", self.path()) } else { self.doc() };
        let mut help = doc.trim_end_matches('.').to_owned();
        if let Some((floor, ceiling)) = self.form.bounds() {
            help += &format!(" [{floor} to {ceiling}]");
        }
        if !is_of_file && self.form != Form::Switch {
            help += &format!(" [default: {}]", self.default_text());
        }
        if self.sources == Sources::Everywhere {
            let variable = Name { path: path.to_owned(), is_of_file }.variable();
            help += &format!(" [env: {variable}]");
        }
        help
    }

    /// Returns the documentation as one paragraph.
    pub(crate) fn doc(&self) -> String {
        self.docs.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
    }

    /// Returns the default as it is written in the file, or its meaning.
    pub(crate) fn default_text(&self) -> String {
        (self.default)().map_or_else(|| self.absent.to_owned(), |raw| raw.plain())
    }

    /// Returns the flag, without its hyphens, of a name in the file.
    pub(crate) fn flag_of(path: &str) -> String {
        path.replace(['.', '_'], "-")
    }

    /// Reads a value from a flag or the environment.
    pub(super) fn read(&self, text: &str) -> Result<Raw, String> {
        self.accept(self.form.read(text)?)
    }

    /// Checks the bounds and the type of a value.
    pub(super) fn accept(&self, raw: Raw) -> Result<Raw, String> {
        self.form.check(&raw)?;
        (self.check)(&raw)?;
        Ok(raw)
    }
}

impl Name {
    /// Returns the environment variable.
    pub(super) fn variable(&self) -> String {
        format!("WALLET_{}", self.path.replace('.', "_").to_uppercase())
    }

    /// Returns the flag without its hyphens.
    pub(super) fn flag(&self) -> String {
        Setting::flag_of(&self.path)
    }
}
