//! The files with which operators run the server, in `ops/`, the Dockerfile and the Debian package: their ports, paths,
//! commands and settings are those of the product.

mod compose;
mod image;
mod kubernetes;
mod operations;
mod point_in_time;
mod systemd;
mod version;

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::cli::run;
use crate::harness::tool;
use crate::style::root;

/// The port of calls and that of the metrics, in the files of `ops/`.
const PORTS: [u64; 2] = [50051, 9464];

/// The user and the group of the image.
const USER: u64 = 65_532;

fn text(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Reads the documents of a YAML file.
fn yaml(file: &str) -> Vec<Value> {
    let script = "import json, sys, yaml; json.dump(list(yaml.safe_load_all(sys.stdin)), sys.stdout)";
    let output = Command::new(tool("WALLET_TEST_PYTHON"))
        .args(["-c", script])
        .stdin(fs::File::open(root().join(file)).expect(file))
        .output()
        .expect("Python");
    assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The environment variables of the settings, and those of other commands.
fn variables() -> BTreeSet<String> {
    let document = text("docs/configuration.md");
    let names = document.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let known: BTreeSet<String> =
        names.filter(|name| name.starts_with("WALLET_")).map(str::to_owned).collect();
    assert!(known.len() > 20, "{known:?}");
    known
}

/// Expects that each of these variables is a setting.
#[track_caller]
fn are_settings<'a>(names: impl IntoIterator<Item = &'a str>) {
    let known = variables();
    let unknown: Vec<&str> = names.into_iter().filter(|name| !known.contains(*name)).collect();
    assert_eq!(unknown, [""; 0], "no such settings");
}

/// Expects that the server accepts a configuration file.
#[track_caller]
fn is_configuration(file: &str) {
    let ended = run(&["config", "check", root().join(file).to_str().unwrap()], &[]);
    assert_eq!(ended.code, Some(0), "{file}: {ended:?}");
}

/// Expects a command of the binary, as the words after its name.
#[track_caller]
fn is_command(words: &[&str]) {
    let ended = run(&[words, &["--help"]].concat(), &[]);
    assert_eq!(ended.code, Some(0), "{words:?}: {ended:?}");
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array().unwrap_or_else(|| panic!("{list} is no list")).iter().filter_map(Value::as_str).collect()
}
