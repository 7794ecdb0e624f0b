//! The Dockerfile: ports, user, commands, settings, and the files that it is built from.

use super::{PORTS, USER, are_settings, is_command, text};
use crate::style::root;

/// The instructions of the Dockerfile with their words, without comments.
fn instructions() -> Vec<(String, String)> {
    let lines: Vec<String> = text("Dockerfile")
        .replace("\\\n", " ")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(str::to_owned)
        .collect();
    let split = |line: &String| {
        let (word, rest) = line.split_once(' ').expect("an instruction");
        (word.to_owned(), rest.trim().to_owned())
    };
    lines.iter().map(split).collect()
}

fn all(instruction: &str) -> Vec<String> {
    instructions().into_iter().filter(|(word, _)| word == instruction).map(|(_, rest)| rest).collect()
}

#[test]
fn the_image_runs_the_server_without_rights_at_its_ports() {
    let command: Vec<String> = serde_json::from_str(&all("CMD")[0]).unwrap();
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    is_command(&command);
    let (_, probe) =
        all("HEALTHCHECK")[0].split_once("CMD ").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let [program, health]: [String; 2] = serde_json::from_str(&probe).unwrap();
    is_command(&[&health]);
    assert_eq!(all("ENTRYPOINT"), [format!("[\"{program}\"]")]);
    assert_eq!(all("USER"), [format!("{USER}:{USER}")]);
    let ports: Vec<u64> = all("EXPOSE")[0].split(' ').map(|port| port.parse().unwrap()).collect();
    assert_eq!(ports, PORTS);
    let variables: Vec<String> = all("ENV");
    let variables: Vec<(&str, &str)> = variables.iter().map(|pair| pair.split_once('=').unwrap()).collect();
    are_settings(variables.iter().map(|(name, _)| *name));
    let addresses: Vec<&str> = variables.iter().map(|(_, address)| *address).collect();
    assert_eq!(addresses, PORTS.map(|port| format!("0.0.0.0:{port}")));
}

#[test]
fn the_image_is_built_with_the_oldest_rust_and_from_files_that_exist() {
    let manifest = text("Cargo.toml");
    let (_, rest) = manifest.split_once("rust-version = \"").unwrap();
    let version = rest.split('"').next().unwrap();
    assert!(all("FROM")[0].starts_with(&format!("rust:{version}-")), "{:?}", all("FROM"));
    let admitted = text(".dockerignore");
    let mut lines = admitted.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(lines.next(), Some("*"), "only the admitted files are sent");
    let names: Vec<&str> = lines.map(|line| line.strip_prefix('!').expect(line)).collect();
    for name in &names {
        assert!(root().join(name).exists(), "{name}");
    }
    let (_, members) = manifest.split_once("members = [").unwrap();
    for member in members.split(']').next().unwrap().split(',') {
        let folder = member.trim().trim_matches('"').split('/').next().unwrap();
        assert!(names.contains(&folder), "the workspace needs {folder}");
    }
}
