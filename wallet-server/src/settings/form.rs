//! The forms of values: how they are written, and their bounds.

use toml::de::DeValue;

/// A value as a source gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Raw {
    Number(i64),
    Text(String),
    Switch(bool),
    List(Vec<String>),
}

/// The form of a setting. Numbers have a floor and a ceiling, both allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A plain number.
    Count(i64, i64),
    /// A number of bytes.
    Bytes(i64, i64),
    /// A time in milliseconds. The name of the setting ends in `_ms`.
    Millis(i64, i64),
    /// HOST:PORT, where the host is a name or an IP address.
    HostPort,
    /// Any text that is no secret.
    Text,
    /// The name of a file.
    File,
    /// The name of a file with a secret.
    SecretFile,
    /// A secret. A second name that ends in `_file` gives it as a file.
    Secret,
    /// True or false.
    Switch,
    /// Texts without commas.
    List,
}

impl Form {
    /// Returns the end of the setting's name.
    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::Millis(..) => "_ms",
            _ => "",
        }
    }

    /// Returns the unit or the kind of the values, for documents.
    #[cfg(test)]
    pub(super) const fn unit(self) -> &'static str {
        match self {
            Self::Count(..) => "number",
            Self::Bytes(..) => "bytes",
            Self::Millis(..) => "ms",
            Self::HostPort => "HOST:PORT",
            Self::Text => "text",
            Self::File => "file",
            Self::SecretFile => "secret file",
            Self::Secret => "secret",
            Self::Switch => "true or false",
            Self::List => "list",
        }
    }

    /// Returns the placeholder of a value in a command line.
    pub(crate) const fn value_name(self) -> &'static str {
        match self {
            Self::Count(..) => "NUMBER",
            Self::Bytes(..) => "BYTES",
            Self::Millis(..) => "MS",
            Self::HostPort => "HOST:PORT",
            Self::File | Self::SecretFile => "FILE",
            Self::Secret | Self::Text => "TEXT",
            Self::Switch => "BOOL",
            Self::List => "LIST",
        }
    }

    /// Returns the floor and the ceiling of a number.
    pub(crate) const fn bounds(self) -> Option<(i64, i64)> {
        match self {
            Self::Count(floor, ceiling) | Self::Bytes(floor, ceiling) | Self::Millis(floor, ceiling) => {
                Some((floor, ceiling))
            }
            _ => None,
        }
    }

    /// Reads the text of a flag or an environment variable.
    pub(super) fn read(self, text: &str) -> Result<Raw, String> {
        match self {
            Self::Count(..) | Self::Bytes(..) | Self::Millis(..) => {
                text.parse().map(Raw::Number).map_err(|_| self.refuse(&format!("{text:?}")))
            }
            Self::Switch => {
                text.parse().map(Raw::Switch).map_err(|_| format!("must be true or false, is {text:?}"))
            }
            Self::List => Ok(Raw::List(text.split(',').map(|item| item.trim().to_owned()).collect())),
            Self::HostPort | Self::Text | Self::File | Self::SecretFile | Self::Secret => {
                Ok(Raw::Text(text.to_owned()))
            }
        }
    }

    /// Takes a value of the file.
    pub(super) fn take(self, value: &DeValue<'_>) -> Result<Raw, String> {
        let wrong = |expected: &str| Err(format!("must be {expected}, is {}", kind(value)));
        match (self, value) {
            (Self::Count(..) | Self::Bytes(..) | Self::Millis(..), DeValue::Integer(number)) => {
                let parsed = i64::from_str_radix(number.as_str(), number.radix());
                parsed.map(Raw::Number).map_err(|_| self.refuse(number.as_str()))
            }
            (Self::Count(..) | Self::Bytes(..) | Self::Millis(..), _) => wrong("a whole number"),
            (Self::Switch, DeValue::Boolean(switch)) => Ok(Raw::Switch(*switch)),
            (Self::Switch, _) => wrong("true or false"),
            (Self::List, DeValue::Array(items)) => {
                let texts = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
                texts
                    .collect::<Option<_>>()
                    .map(Raw::List)
                    .ok_or_else(|| "must be a list of texts".to_owned())
            }
            (Self::List, _) => wrong("a list of texts"),
            (_, DeValue::String(text)) => Ok(Raw::Text(text.as_ref().to_owned())),
            (_, _) => wrong("a text in quotes"),
        }
    }

    /// Checks the bounds of a number.
    pub(super) fn check(self, raw: &Raw) -> Result<(), String> {
        match (self.bounds(), raw) {
            (Some((floor, ceiling)), Raw::Number(number)) if !(floor..=ceiling).contains(number) => {
                Err(self.refuse(&number.to_string()))
            }
            (_, Raw::Text(text)) if text.is_empty() => {
                Err("must not be empty; leave it out instead".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn refuse(self, value: &str) -> String {
        let (floor, ceiling) = self.bounds().unwrap_or_default();
        format!("must be a whole number from {floor} to {ceiling}, is {value}")
    }
}

impl Raw {
    /// Returns the value as it is written in the file.
    pub(super) fn toml(&self) -> String {
        let value = match self {
            Self::Number(number) => toml::Value::Integer(*number),
            Self::Text(text) => toml::Value::String(text.clone()),
            Self::Switch(switch) => toml::Value::Boolean(*switch),
            Self::List(items) => items.iter().cloned().map(toml::Value::String).collect::<Vec<_>>().into(),
        };
        value.to_string()
    }

    /// Returns the value for people, without quotes.
    pub(super) fn plain(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::List(items) if items.is_empty() => "none".to_owned(),
            _ => self.toml(),
        }
    }
}

/// Returns the kind of a value of the file. The value itself may be a secret in the wrong place.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
