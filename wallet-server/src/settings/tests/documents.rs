//! The default file and the document have every setting. `WALLET_WRITE_DOCS=1` writes them.

use std::fs;
use std::path::PathBuf;

use super::Given;
use crate::settings::setting::Setting;
use crate::settings::{DEFAULT_FILE, Settings, Sources, all};

const HEAD: &str = "\
# The settings of wallet-server with their defaults. Each line that begins with # and a name can be changed: remove the #.
# The server reads the file that --config or WALLET_CONFIG names. Environment variables win over the file, and flags win
# over both; docs/configuration.md has the names. Names of times end in their unit, _ms or _days.
";

/// The lines between these marks of the document are generated.
const MARKS: [&str; 2] = ["<!-- settings: generated -->\n", "<!-- settings: end -->\n"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Breaks a text into comment lines.
fn comment(text: &str) -> String {
    let mut lines = vec![String::from("#")];
    for word in text.split_whitespace() {
        let line = lines.last_mut().unwrap();
        if line.len() + 1 + word.len() > 116 {
            lines.push(format!("# {word}"));
        } else {
            *line += &format!(" {word}");
        }
    }
    lines.join("\n")
}

fn allowed(setting: &Setting) -> String {
    setting.form.bounds().map_or_else(String::new, |(floor, ceiling)| format!("{floor} to {ceiling}"))
}

/// The default file.
fn default_file() -> String {
    let (mut text, mut section) = (HEAD.to_owned(), "");
    for setting in all().filter(|setting| setting.sources != Sources::FlagOnly) {
        if setting.section != section {
            section = setting.section;
            text += &format!("\n[{section}]\n");
        }
        let mut doc = setting.doc();
        if setting.form.bounds().is_some() {
            doc += &format!(" From {}.", allowed(setting));
        }
        if setting.paths().len() > 1 {
            doc += &format!(" {}_file names a file that has it.", setting.key());
        }
        let value = match (setting.default)() {
            Some(default) => default.toml(),
            None => {
                doc += &format!(" Default: {}.", setting.absent);
                String::new()
            }
        };
        text += &format!("\n{}\n{}\n", comment(&doc), format!("#{} = {value}", setting.key()).trim_end());
    }
    text
}

/// The table of the document.
fn table() -> String {
    let mut text = String::from(
        "\n| Setting | Unit | Default | Allowed | Flag | Variable | Meaning |\n|---|---|---|---|---|---|---|\n",
    );
    for setting in all() {
        let (unit, default, allowed) = (setting.form.unit(), setting.default_text(), allowed(setting));
        let (mut flags, mut variables) = (Vec::new(), Vec::new());
        for name in setting.names() {
            if setting.sources != Sources::WithoutFlag {
                flags.push(format!("`--{}`", name.flag()));
            }
            if setting.sources != Sources::FlagOnly {
                variables.push(format!("`{}`", name.variable()));
            }
        }
        let path = match setting.sources {
            Sources::FlagOnly => "(flag only)".to_owned(),
            _ => setting.paths().iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", "),
        };
        let (flags, variables, doc) = (flags.join(", "), variables.join(", "), setting.doc());
        text += &format!("| {path} | {unit} | {default} | {allowed} | {flags} | {variables} | {doc} |\n");
    }
    text + "\n"
}

/// Compares a file with its generated content, or writes it.
fn compare(path: PathBuf, expected: &str) {
    if std::env::var_os("WALLET_WRITE_DOCS").is_some() {
        fs::write(&path, expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap();
    assert!(found == expected, "{} is out of date; run with WALLET_WRITE_DOCS=1", path.display());
}

#[test]
fn the_default_file_has_every_setting_with_its_default() {
    compare(root().join("default.toml"), &default_file());
}

#[test]
fn the_default_file_gives_the_defaults_as_it_is_and_with_every_value_in_use() {
    assert_eq!(Given::file(DEFAULT_FILE).settings().unwrap(), Settings::default());
    let in_use = |line: &str| {
        let value = line.strip_prefix('#').filter(|rest| !rest.starts_with(' '));
        value.filter(|value| !value.ends_with('=')).unwrap_or(line).to_owned()
    };
    let file = DEFAULT_FILE.lines().map(in_use).collect::<Vec<_>>().join("\n");
    let given = Given::file(&file);
    assert_eq!(given.settings().unwrap(), Settings::default());
    let with_default = all().filter(|setting| (setting.default)().is_some());
    let expected = with_default.filter(|setting| setting.sources != Sources::FlagOnly).count();
    assert_eq!(crate::settings::check(&given.path()).unwrap(), expected);
}

#[test]
fn the_document_lists_every_setting() {
    let path = root().join("../docs/configuration.md");
    let text = fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once(MARKS[0]).expect("the first mark");
    let (_, tail) = rest.split_once(MARKS[1]).expect("the second mark");
    compare(path, &[head, MARKS[0], &table(), MARKS[1], tail].concat());
}
