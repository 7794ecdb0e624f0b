//! `config`: prints the effective settings or the documented defaults, or checks a file.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use crate::cli::error::CliError;
use crate::cli::flags::AllFlags;
use crate::cli::output::say;
use crate::settings::{DEFAULT_FILE, SettingsError, Values, check, effective};

/// An action on the configuration.
#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print the settings that a server with these flags, this environment and this file has, each with its source.
    /// Secrets are shown as ***.
    Print {
        /// Print the documented default file instead, to begin with.
        #[arg(long)]
        commented: bool,
        #[command(flatten)]
        flags: AllFlags,
    },
    /// Check a file alone: names, types and bounds; exit code 1 if anything is wrong.
    Check {
        /// The configuration file (TOML).
        file: PathBuf,
    },
}

pub(super) fn run(command: ConfigCommand) -> Result<ExitCode, CliError> {
    match command {
        ConfigCommand::Print { commented: true, .. } => say(DEFAULT_FILE.trim_end()),
        ConfigCommand::Print { flags, .. } => say(effective(&Values::find(&flags.0)?)?.trim_end()),
        ConfigCommand::Check { file } => match check(&file) {
            Ok(1) => say("ok: 1 setting"),
            Ok(count) => say(format_args!("ok: {count} settings")),
            Err(SettingsError::Invalid(problems)) => {
                problems.iter().for_each(say);
                return Ok(ExitCode::FAILURE);
            }
            Err(error) => return Err(error.into()),
        },
    }
    Ok(ExitCode::SUCCESS)
}
