//! The sources of values, and their precedence.

use std::collections::BTreeMap;
use std::env::VarError;
use std::fmt;
use std::path::{Path, PathBuf};

use super::form::{Form, Raw};
use super::problem::{Place, Problem, SettingsError};
use super::setting::{Name, Setting, Sources, all};
use super::value::Value;
use super::{Settings, file, secret};

/// The environment variable that names the file.
const FILE: &str = "WALLET_CONFIG";

/// A value and the place that gives it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Given {
    pub(super) raw: Raw,
    pub(super) place: Place,
}

/// The values of one source, by the name under which they are given.
pub(crate) type Layer = BTreeMap<String, Given>;

/// The part of a command line that is about settings.
#[derive(Clone, Default)]
pub(crate) struct Overrides {
    /// The configuration file.
    pub(crate) file: Option<PathBuf>,
    /// The values of flags, by the name of the setting in the file.
    pub(crate) flags: Vec<(String, String)>,
}

/// The value of each setting that a source gives.
#[derive(Clone, Default)]
pub(crate) struct Values(BTreeMap<String, Chosen>);

/// The value in effect.
#[derive(Clone)]
pub(super) struct Chosen {
    /// The name under which it is given.
    pub(super) name: String,
    pub(super) given: Given,
    /// The value as the server uses it: a secret that was read from its file, a name with its folder.
    used: Raw,
}

impl fmt::Debug for Overrides {
    /// Omits the values, one of which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.flags.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Overrides").field("file", &self.file).field("flags", &names).finish()
    }
}

impl Values {
    /// Finds the values in the file, the environment and the flags.
    pub(crate) fn find(overrides: &Overrides) -> Result<Self, SettingsError> {
        Self::find_in(overrides, &of_process)
    }

    /// Like [`Values::find`], with the variables of this environment. An empty variable counts as absent.
    pub(super) fn find_in(
        overrides: &Overrides,
        environment: &Environment<'_>,
    ) -> Result<Self, SettingsError> {
        let mut values = Self::choose(overrides, environment)?;
        values.open_secrets(environment)?;
        Ok(values)
    }

    /// Like [`Values::find_in`], without the files of secrets.
    fn choose(overrides: &Overrides, environment: &Environment<'_>) -> Result<Self, SettingsError> {
        let environment = |name: &str| Ok(environment(name)?.filter(|text| !text.is_empty()));
        let named = environment(FILE).map_err(|fault| invalid(Place::Environment(FILE.to_owned()), fault))?;
        let path = overrides.file.clone().or(named.map(PathBuf::from));
        let in_file = path.as_deref().map(file::read).transpose()?.unwrap_or_default();
        let mut problems = Vec::new();
        let flags = layer(
            &mut problems,
            |name| Place::Flag(name.flag()),
            |_, name| {
                let given = overrides.flags.iter().rev().find(|(path, _)| *path == name.path);
                Ok(given.map(|(_, text)| text.clone()))
            },
        );
        let variables = layer(
            &mut problems,
            |name| Place::Environment(name.variable()),
            |setting, name| {
                let is_overridden = setting.names().iter().any(|name| flags.contains_key(&name.path));
                match setting.sources {
                    Sources::FlagOnly => Ok(None),
                    _ if is_overridden => Ok(None),
                    _ => environment(&name.variable()),
                }
            },
        );
        if !problems.is_empty() {
            return Err(SettingsError::Invalid(problems));
        }
        merge([in_file, variables, flags])
    }

    /// Returns the value of a setting, or its default.
    pub(super) fn get<T: Value>(&self, setting: Option<&Setting>, default: T) -> Result<T, SettingsError> {
        let chosen = setting.and_then(|setting| self.0.get(&setting.path()));
        let Some(chosen) = chosen else { return Ok(default) };
        T::of(&chosen.used).map_err(|fault| invalid(chosen.given.place.clone(), fault))
    }

    pub(super) fn chosen(&self, setting: &Setting) -> Option<&Chosen> {
        self.0.get(&setting.path())
    }

    /// Reads the secrets that are in files.
    fn open_secrets(&mut self, environment: &Environment<'_>) -> Result<(), SettingsError> {
        let folder = environment(secret::FOLDER).ok().flatten().filter(|folder| !folder.is_empty());
        let folder = folder.map(PathBuf::from);
        for setting in all().filter(|setting| matches!(setting.form, Form::Secret | Form::SecretFile)) {
            let path = setting.path();
            let Some(chosen) = self.0.get_mut(&path) else { continue };
            let Raw::Text(text) = &chosen.used else { continue };
            let found = secret::find(Path::new(text), folder.as_deref());
            if setting.form == Form::SecretFile {
                chosen.used = Raw::Text(found.display().to_string());
            } else if chosen.name != path {
                chosen.used = Raw::Text(secret::read(&found)?);
            }
        }
        Ok(())
    }
}

impl Settings {
    /// Loads the settings of the server from the file, the environment and the flags.
    pub(crate) fn load(overrides: &Overrides) -> Result<Self, SettingsError> {
        Self::of_values(&Values::find(overrides)?)
    }

    /// Loads the settings for a caller that uses no secret and may not be allowed to read one.
    pub(crate) fn load_without_secrets(overrides: &Overrides) -> Result<Self, SettingsError> {
        Self::of_values(&Values::choose(overrides, &of_process)?)
    }
}

/// Returns an environment variable of this process.
fn of_process(name: &str) -> Result<Option<String>, String> {
    match std::env::var(name) {
        Ok(text) => Ok(Some(text)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err("is not UTF-8".to_owned()),
    }
}

/// Returns the value of an environment variable.
pub(super) type Environment<'a> = dyn Fn(&str) -> Result<Option<String>, String> + 'a;

fn invalid(place: Place, fault: String) -> SettingsError {
    Problem { place, fault }.into()
}

/// Returns the values that a source of texts gives. `find` returns the text of a setting under one of its names.
fn layer(
    problems: &mut Vec<Problem>,
    place: impl Fn(&Name) -> Place,
    find: impl Fn(&Setting, &Name) -> Result<Option<String>, String>,
) -> Layer {
    let mut layer = Layer::new();
    for setting in all() {
        for name in setting.names() {
            let place = place(&name);
            let read = |text: String| match name.is_of_file {
                true => Form::SecretFile.read(&text),
                false => setting.read(&text),
            };
            match find(setting, &name).and_then(|text| text.map(read).transpose()) {
                Ok(Some(raw)) => drop(layer.insert(name.path, Given { raw, place })),
                Ok(None) => {}
                Err(fault) => problems.push(Problem { place, fault }),
            }
        }
    }
    layer
}

/// Chooses the value of each setting: that of the last layer that gives one.
pub(super) fn merge(layers: [Layer; 3]) -> Result<Values, SettingsError> {
    let (mut chosen, mut problems) = (BTreeMap::new(), Vec::new());
    for setting in all() {
        let names = setting.names();
        for layer in layers.iter().rev() {
            let mut given = names.iter().filter_map(|name| layer.get(&name.path).map(|given| (name, given)));
            let Some((name, first)) = given.next() else { continue };
            if let Some((other, given)) = given.next() {
                let fault = format!("{} and {} exclude each other; give one", name.path, other.path);
                problems.push(Problem { place: given.place.clone(), fault });
            }
            let (name, given) = (name.path.clone(), first.clone());
            chosen.insert(setting.path(), Chosen { name, used: given.raw.clone(), given });
            break;
        }
    }
    if problems.is_empty() { Ok(Values(chosen)) } else { Err(SettingsError::Invalid(problems)) }
}
