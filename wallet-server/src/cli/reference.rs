//! `docs/commands.md`: every command with its arguments, generated from the command line. `WALLET_WRITE_DOCS=1` writes
//! it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::{Arg, Command, CommandFactory};

use crate::cli::role::Cli;
use crate::settings::all;

const HEAD: &str = "# Commands

`wallet-server COMMAND --help` shows the same in a terminal, and the Debian package has manual pages. `wallet-server` without a command
serves. The exit code is 0 after success, 1 for a result that is not good, such as a fault in the ledger, and 2 for a command that was
not carried out.

Generated from `wallet-server/src/cli`. `WALLET_WRITE_DOCS=1 cargo test -p wallet-server --lib reference` rewrites this page.
";

/// More settings than a command names one by one.
const MANY: usize = 5;

fn page() -> String {
    let mut command = Cli::command();
    command.build();
    let settings: BTreeSet<String> =
        all().flat_map(|setting| setting.paths()).chain(["config".to_owned()]).collect();
    let mut page = HEAD.to_owned();
    for command in commands(&command) {
        add(&mut page, command, "wallet-server", 2, &settings);
    }
    page
}

fn commands(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|command| command.get_name() != "help")
}

fn add(page: &mut String, command: &Command, above: &str, level: usize, settings: &BTreeSet<String>) {
    let name = format!("{above} {}", command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    *page += &format!("\n{} {name}\n\n{about}.\n", "#".repeat(level));
    let arguments = command.get_arguments().filter(|arg| arg.get_id() != "help");
    let (of_settings, own): (Vec<&Arg>, Vec<&Arg>) =
        arguments.partition(|arg| settings.contains(arg.get_id().as_str()));
    if !own.is_empty() {
        *page += "\n| Argument | Default | Variable | Meaning |\n|---|---|---|---|\n";
        own.into_iter().for_each(|arg| *page += &row(arg));
    }
    if of_settings.len() > MANY {
        *page += "\nIt takes all [settings](configuration.md).\n";
    } else if !of_settings.is_empty() {
        let names = of_settings.iter().filter_map(|arg| arg.get_long()).map(|name| format!("`--{name}`"));
        *page += &format!(
            "\nIt takes the [settings](configuration.md) {}.\n",
            names.collect::<Vec<_>>().join(", ")
        );
    }
    for command in commands(command) {
        add(page, command, &name, level + 1, settings);
    }
}

fn row(arg: &Arg) -> String {
    let value = arg.get_value_names().unwrap_or_default().join(" ");
    let name = match arg.get_long() {
        Some(long) if arg.get_action().takes_values() => format!("`--{long} {value}`"),
        Some(long) => format!("`--{long}`"),
        None => format!("`{value}`"),
    };
    let default: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let default = match default.join(",") {
        _ if arg.is_required_set() => "required".to_owned(),
        text if text.is_empty() || arg.is_hide_default_value_set() || !arg.get_action().takes_values() => {
            String::new()
        }
        text => format!("`{text}`"),
    };
    let variable = arg.get_env().map(|name| format!("`{}`", name.display())).unwrap_or_default();
    let values: Vec<_> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    let values = match arg.get_action().takes_values() && !values.is_empty() {
        true => format!(": {}", values.join(", ")),
        false => String::new(),
    };
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    format!("| {name} | {default} | {variable} | {}{values} |\n", help.replace('|', "\\|"))
}

#[test]
fn the_page_has_every_command_and_every_argument() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/commands.md");
    let expected = page();
    if std::env::var_os("WALLET_WRITE_DOCS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "docs/commands.md is out of date; run with WALLET_WRITE_DOCS=1");
    assert!(found.contains("| `--overlap-hours HOURS` | `24` |"), "{found}");
}
