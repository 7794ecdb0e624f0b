//! The settings as a file: the effective ones and the documented defaults.

use std::fmt::Write;

use super::form::{Form, Raw};
use super::setting::{Setting, Sources, all};
use super::source::Chosen;
use super::{Settings, SettingsError, Values, problem::Place};
use crate::store::DatabaseUrl;

/// The documented default file: every setting of the file, as a comment.
pub(crate) const DEFAULT_FILE: &str = include_str!("../../default.toml");

/// Returns the effective settings as a file, each with its source. Secrets are replaced by `***`. Fails if the settings
/// contradict each other.
pub(crate) fn effective(values: &Values) -> Result<String, SettingsError> {
    Settings::of_values(values)?;
    let (mut text, mut section) = (String::new(), "");
    // Writing to a text never fails.
    for setting in all() {
        if setting.section != section {
            section = setting.section;
            let _ = writeln!(text, "\n[{section}]");
        }
        let line = match (values.chosen(setting), (setting.default)()) {
            (Some(chosen), _) => given(setting, chosen),
            (None, Some(default)) => format!("{} = {} # default", setting.key(), default.toml()),
            (None, None) => format!("# {}: {}", setting.key(), setting.absent),
        };
        // A file must not have what only a flag may give.
        let comment = if setting.sources == Sources::FlagOnly { "# " } else { "" };
        let _ = writeln!(text, "{comment}{line}");
    }
    Ok(text)
}

fn given(setting: &Setting, chosen: &Chosen) -> String {
    let key = chosen.name.rsplit('.').next().unwrap_or_default();
    let source = match &chosen.given.place {
        Place::File { path, line, .. } => format!("{}, line {line}", path.display()),
        place => place.to_string(),
    };
    match &chosen.given.raw {
        Raw::Text(url) if setting.form == Form::Secret && chosen.name == setting.path() => {
            let shown = DatabaseUrl::from(url.as_str());
            match url.starts_with("sqlite:") {
                true => format!("{key} = {} # {source}", chosen.given.raw.toml()),
                false => format!("{key} = \"***\" # {source}: {shown}"),
            }
        }
        raw => format!("{key} = {} # {source}", raw.toml()),
    }
}
