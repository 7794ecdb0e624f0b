//! The flags of settings, made from the rows of the settings.

use std::path::PathBuf;

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};

use crate::settings::{Overrides, Setting, Settings, SettingsError, Sources, all};
use crate::store::DatabaseUrl;

/// The id of the flag that names the file.
const FILE: &str = "config";
/// The name of the flag and of the setting that names the database.
const DATABASE: &str = "database_url";
/// The setting that names the pepper.
const PEPPER: &str = "key_pepper_file";

/// The flags of all settings.
#[derive(Debug, Clone, Default)]
pub(super) struct AllFlags(pub(super) Overrides);

/// The flag of the file.
#[derive(Debug, Clone, Default)]
pub(super) struct FileFlag(pub(super) Overrides);

/// The flags of the file and the database.
#[derive(Debug, Clone, Default)]
pub(super) struct DatabaseFlags(pub(super) Overrides);

/// The flag of the pepper.
#[derive(Debug, Clone, Default)]
pub(super) struct PepperFlags(pub(super) Overrides);

macro_rules! flags {
    ($($type:ident: $with_file:literal, $is_mine:expr;)+) => {$(
        impl Args for $type {
            fn augment_args(command: Command) -> Command {
                add(command, $with_file, $is_mine)
            }

            fn augment_args_for_update(command: Command) -> Command {
                Self::augment_args(command)
            }
        }

        impl FromArgMatches for $type {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
                Ok(Self(overrides(matches, $with_file, $is_mine)))
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
                *self = Self::from_arg_matches(matches)?;
                Ok(())
            }
        }
    )+};
}

flags! {
    AllFlags: true, |_| true;
    FileFlag: true, |_| false;
    DatabaseFlags: true, |path| path.starts_with(DATABASE);
    PepperFlags: false, |path| path == PEPPER;
}

/// Returns the settings that have flags, each with the names of its flags.
fn with_flags(is_mine: fn(&str) -> bool) -> impl Iterator<Item = (&'static Setting, String)> {
    all()
        .filter(|setting| setting.sources() != Sources::WithoutFlag)
        .flat_map(|setting| setting.paths().into_iter().map(move |path| (setting, path)))
        .filter(move |(_, path)| is_mine(path))
}

fn add(mut command: Command, with_file: bool, is_mine: fn(&str) -> bool) -> Command {
    if with_file {
        let file = Arg::new(FILE)
            .long(FILE)
            .value_name("FILE")
            .value_parser(ValueParser::path_buf())
            .help("The configuration file (TOML). Variables and flags override it [env: WALLET_CONFIG]");
        command = command.arg(file);
    }
    for (setting, path) in with_flags(is_mine) {
        command = command.arg(flag(setting, path));
    }
    command
}

fn flag(setting: &Setting, path: String) -> Arg {
    let help = setting.help(&path);
    let arg = Arg::new(path.clone())
        .long(Setting::flag_of(&path))
        .value_name(setting.value_name_of(&path))
        .help(help);
    if setting.is_switch() {
        // A flag alone means true; `--insecure=false` overrides a file.
        return arg.num_args(0..=1).require_equals(true).default_missing_value("true").action(ArgAction::Set);
    }
    arg
}

fn overrides(matches: &ArgMatches, with_file: bool, is_mine: fn(&str) -> bool) -> Overrides {
    let file = with_file.then(|| matches.get_one::<PathBuf>(FILE).cloned()).flatten();
    let given = |path: String| matches.get_one::<String>(&path).cloned().map(|text| (path, text));
    Overrides { file, flags: with_flags(is_mine).filter_map(|(_, path)| given(path)).collect() }
}

impl DatabaseFlags {
    /// Returns the URL of the database.
    pub(super) fn database(&self) -> Result<DatabaseUrl, SettingsError> {
        Ok(Settings::load(&self.0)?.server.database_url)
    }

    /// Returns the flags with those of the pepper.
    pub(super) fn with(&self, pepper: &PepperFlags) -> Overrides {
        let Self(Overrides { file, flags }) = self.clone();
        Overrides { file, flags: [flags, pepper.0.flags.clone()].concat() }
    }
}
