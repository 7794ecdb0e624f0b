//! The layers of the core, read from its sources: no layer names a higher one, no modules of a layer form a cycle, and
//! no command names another one.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The layers, the lowest first. A layer is a folder or a file of `src`.
const LAYERS: [&str; 9] =
    ["value", "ledger", "catalog", "wallet", "view", "decide", "due", "apply", "unit_of_work"];

/// The layers whose inner order is not checked: the methods of `Catalog` forward to its checks, which name `Catalog`.
const CIRCULAR: [&str; 1] = ["catalog"];

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The layer of a file, and the module in it; none for a file that is a layer itself.
fn place(path: &Path) -> (String, Option<String>) {
    let inside = path.strip_prefix(src()).unwrap().with_extension("");
    let mut names = inside.components().map(|name| name.as_os_str().to_str().unwrap().to_owned());
    (names.next().unwrap(), names.next())
}

/// The text of a file without comments and unit tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().take_while(|line| *line != "#[cfg(test)]");
    let code = lines.map(|line| line.split("//").next().unwrap_or_default());
    code.collect::<Vec<_>>().join("\n")
}

fn identifier(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    text.split_at(end)
}

/// Returns the names of its crate that a file uses: `(layer, name)` for `crate::layer::name`, one per name of a list.
fn names(code: &str) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (at, start) in code.match_indices("crate::") {
        let (layer, rest) = identifier(&code[at + start.len()..]);
        let Some(rest) = rest.strip_prefix("::") else {
            found.insert((layer.to_owned(), String::new()));
            continue;
        };
        match rest.strip_prefix('{') {
            None => found.extend([(layer.to_owned(), identifier(rest).0.to_owned())]),
            Some(list) => {
                let list = list.split('}').next().unwrap();
                assert!(!list.contains('{'), "a list in a list of names: {list}");
                let names = list.split(',').map(|name| identifier(name.trim()).0);
                found.extend(
                    names.filter(|name| !name.is_empty()).map(|name| (layer.to_owned(), name.to_owned())),
                );
            }
        }
    }
    found
}

#[test]
fn a_lower_layer_never_names_a_higher_one() {
    let rank = |layer: &str| LAYERS.iter().position(|name| *name == layer);
    let mut seen = BTreeSet::new();
    for path in sources(&src()).into_iter().filter(|path| !path.ends_with("lib.rs")) {
        let (layer, _) = place(&path);
        let own = rank(&layer).unwrap_or_else(|| panic!("{layer} is no layer: add it to the list"));
        for (named, name) in names(&code(&path)) {
            let place = path.display();
            let named_rank = rank(&named);
            assert!(named_rank.is_some(), "{place} names crate::{named}: name the layer in which it lies");
            assert!(named_rank <= Some(own), "{place} names {name} of the higher layer {named}");
        }
        seen.insert(layer);
    }
    assert_eq!(seen, LAYERS.iter().map(|layer| (*layer).to_owned()).collect(), "every layer exists");
}

#[test]
fn the_modules_of_a_layer_form_no_cycle() {
    let mut uses: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for path in sources(&src()) {
        let (layer, Some(module)) = place(&path) else { continue };
        if module == "mod" || CIRCULAR.contains(&layer.as_str()) {
            continue;
        }
        let code = code(&path);
        assert!(!code.contains("super::"), "{} names a module by super::", path.display());
        let own = names(&code).into_iter().filter(|(named, _)| *named == layer).map(|(_, name)| name);
        let own: Vec<String> = own.collect();
        uses.entry((layer, module)).or_default().extend(own);
    }
    assert!(uses.len() > 50, "the test looks in the wrong place");
    for ((layer, module), names) in &uses {
        for name in names {
            let is_module = uses.contains_key(&(layer.clone(), name.clone()));
            assert!(is_module, "{layer}/{module}.rs names {name} of its own layer, which is no module of it");
        }
    }
    // A module below which no other is left can be taken away; what remains in the end is a cycle.
    let mut left = uses;
    loop {
        let free: Vec<_> = left
            .iter()
            .filter(|((layer, _), names)| {
                names.iter().all(|name| !left.contains_key(&(layer.clone(), name.clone())))
            })
            .map(|(place, _)| place.clone())
            .collect();
        if free.is_empty() {
            break;
        }
        free.iter().for_each(|place| drop(left.remove(place)));
    }
    assert!(left.is_empty(), "modules in a cycle, or above one: {:?}", left.keys());
}

#[test]
fn no_command_names_another_one() {
    let commands: BTreeMap<String, String> = sources(&src().join("decide"))
        .iter()
        .filter_map(|path| Some((place(path).1?, code(path))))
        .filter(|(_, code)| code.contains("impl WalletCommand for"))
        .collect();
    assert!(commands.len() > 15, "the test looks in the wrong place");
    for (command, code) in &commands {
        let named = names(code).into_iter().filter(|(layer, _)| layer == "decide").map(|(_, name)| name);
        for name in named.filter(|name| name != command) {
            assert!(
                !commands.contains_key(&name),
                "{command}.rs names {name}.rs: share the rule in a file of its own"
            );
        }
    }
}
