//! The configuration file: TOML, with the settings of the server at the top and those of a concern in its table.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::problem::{Place, Problem, SettingsError};
use super::setting::{Name, Setting, Sources, all};
use super::source::{Given, Layer, merge};

/// The least similarity of a name that is suggested, from 0 to 1.
const MIN_SIMILARITY: f64 = 0.8;

/// Reads a file. Returns all faults of it together.
pub(super) fn read(path: &Path) -> Result<Layer, SettingsError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| SettingsError::File { path: path.to_owned(), source })?;
    parse(path, &text).map_err(SettingsError::Invalid)
}

/// Checks a file alone, without the environment and without the files that it names. Returns the number of its
/// settings.
pub(crate) fn check(path: &Path) -> Result<usize, SettingsError> {
    let layer = read(path)?;
    let count = layer.len();
    super::Settings::of_values(&merge([layer, Layer::new(), Layer::new()])?)?;
    Ok(count)
}

/// Reads the text of a file.
pub(super) fn parse(path: &Path, text: &str) -> Result<Layer, Vec<Problem>> {
    let place = |at| Place::in_file(path, text, at);
    let document = match DeTable::parse(text) {
        Ok(document) => document.into_inner(),
        // The rendered error repeats the line, which may have a secret.
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            return Err(vec![Problem { place: place(at), fault: error.message().to_owned() }]);
        }
    };
    let mut reader = Reader { layer: Layer::new(), problems: Vec::new(), place: &place };
    reader.table("", &document);
    reader.problems.sort_by_key(|problem| problem.place.position());
    if reader.problems.is_empty() { Ok(reader.layer) } else { Err(reader.problems) }
}

struct Reader<'a> {
    layer: Layer,
    problems: Vec<Problem>,
    place: &'a dyn Fn(usize) -> Place,
}

impl Reader<'_> {
    fn table(&mut self, section: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let path = match section {
                "" => key.get_ref().as_ref().to_owned(),
                section => format!("{section}.{}", key.get_ref()),
            };
            let (key_place, value_place) = ((self.place)(key.span().start), (self.place)(value.span().start));
            if section.is_empty() && all().any(|setting| setting.section == path) {
                match value.get_ref() {
                    DeValue::Table(inner) => self.table(&path, inner),
                    _ => self.problem(value_place, format!("{path}: must be a table, as in [{path}]")),
                }
                continue;
            }
            let Some((setting, name)) = named(&path) else {
                self.problem(key_place, unknown(&path));
                continue;
            };
            if setting.sources == Sources::FlagOnly {
                let flag = name.flag();
                self.problem(key_place, format!("{path}: is only a flag of the command line, --{flag}"));
                continue;
            }
            let taken = match name.is_of_file {
                true => super::form::Form::SecretFile.take(value.get_ref()),
                false => setting.form.take(value.get_ref()).and_then(|raw| setting.accept(raw)),
            };
            match taken {
                Ok(raw) => drop(self.layer.insert(path, Given { raw, place: value_place })),
                Err(fault) => self.problem(value_place, format!("{path}: {fault}")),
            }
        }
    }

    fn problem(&mut self, place: Place, fault: String) {
        self.problems.push(Problem { place, fault });
    }
}

/// Returns the setting that has this name.
fn named(path: &str) -> Option<(&'static Setting, Name)> {
    let names = all().flat_map(|setting| setting.names().into_iter().map(move |name| (setting, name)));
    names.into_iter().find(|(_, name)| name.path == path)
}

/// Returns the fault of a name that no setting has, with the name that is most like it.
fn unknown(path: &str) -> String {
    let key = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let similarity = |name: &str| strsim::jaro_winkler(&key(name), &key(path));
    let names = all().flat_map(Setting::names).map(|name| name.path);
    let sections = all().map(|setting| setting.section.to_owned()).filter(|section| !section.is_empty());
    let best = names
        .chain(sections)
        .map(|name| (similarity(&name), name))
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .filter(|(similarity, _)| *similarity >= MIN_SIMILARITY);
    match best {
        Some((_, name)) => format!("there is no setting {path}; did you mean {name}?"),
        None => format!("there is no setting {path}; docs/configuration.md lists all"),
    }
}
