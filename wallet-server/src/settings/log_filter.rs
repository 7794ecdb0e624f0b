//! The filter of the log.

use std::fmt;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;

use super::problem::{Place, Problem, SettingsError};

/// The environment variable of the filter, also for commands that have no settings.
const VARIABLE: &str = "WALLET_LOG";

/// Levels by module, as in `warn,wallet_server=info`, which is the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogFilter(String);

/// The text is not a filter.
#[derive(Debug, thiserror::Error)]
#[error("must be a log filter, as in warn,wallet_server=debug, is {0:?}")]
pub(crate) struct NoFilter(String);

impl LogFilter {
    /// Returns the filter of the environment, for commands without settings.
    pub(crate) fn of_environment() -> Result<Self, SettingsError> {
        let text = std::env::var(VARIABLE).ok().filter(|text| !text.is_empty());
        let parsed = text.map_or_else(|| Ok(Self::default()), |text| text.parse());
        parsed.map_err(|fault: NoFilter| {
            Problem { place: Place::Environment(VARIABLE.to_owned()), fault: fault.to_string() }.into()
        })
    }

    /// Returns the filter for a subscriber.
    pub(crate) fn to_layer(&self) -> EnvFilter {
        EnvFilter::new(&self.0)
    }
}

impl Default for LogFilter {
    fn default() -> Self {
        Self("warn,wallet_server=info".to_owned())
    }
}

impl FromStr for LogFilter {
    type Err = NoFilter;

    fn from_str(text: &str) -> Result<Self, NoFilter> {
        match EnvFilter::try_new(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(_) => Err(NoFilter(text.to_owned())),
        }
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
