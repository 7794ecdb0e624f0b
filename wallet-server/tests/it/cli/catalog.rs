//! The commands `catalog check`, `catalog publish` and `catalog show`.

use std::fs;
use std::path::Path;

use super::{Ended, run};
use crate::harness::{Database, Process};
use crate::shorthand::POLICIES;

const BAD: &str = "default_plan = \"gone\"\n[units.credits]\nscale = 9\n";

fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_document_is_checked_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let good = run(&["catalog", "check", &file(folder.path(), "good.toml", POLICIES)], &[]);
    assert_eq!(
        (good.code, good.stdout.as_str()),
        (Some(0), "ok: 7 rules, 1 plans, 0 packs, 0 golden cases agree\n")
    );

    let bad = run(&["catalog", "check", &file(folder.path(), "bad.toml", BAD)], &[]);
    assert_eq!(bad.code, Some(1));
    let output: Vec<&str> = bad.stdout.lines().collect();
    assert_eq!(output.len(), 2, "{output:?}");
    assert!(output[0].starts_with("units.credits.scale: must be from 0 to 6, is 9"), "{output:?}");
    assert!(output[1].starts_with("default_plan: "), "{output:?}");

    let missing = run(&["catalog", "check", "/nowhere.toml"], &[]);
    assert_eq!(missing.code, Some(2));
    assert!(missing.stderr.contains("/nowhere.toml"), "{}", missing.stderr);
}

#[test]
fn every_catalog_of_the_repository_passes_the_check() {
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/catalogs")).unwrap() {
        let path = entry.unwrap().path();
        let checked = run(&["catalog", "check", path.to_str().unwrap()], &[]);
        assert!(
            checked.code == Some(0) && checked.stdout.starts_with("ok: "),
            "{}: {checked:?}",
            path.display()
        );
    }
}

#[test]
fn a_document_is_published_to_a_running_server_and_shown_by_it() {
    let database = Database::sqlite();
    let server = Process::start(&database, &[]);
    let endpoint = server.endpoint();
    let folder = tempfile::tempdir().unwrap();
    let policies = file(folder.path(), "policies.toml", POLICIES);
    let publish = |file: &str| run(&["catalog", "publish", file, "--endpoint", &endpoint], &[]);
    let show = |arguments: &[&str]| -> Ended {
        // The endpoint comes from the environment instead of a flag.
        run(&[&["catalog", "show"], arguments].concat(), &[("WALLET_ENDPOINT", &endpoint)])
    };

    let published = publish(&policies);
    assert_eq!(
        (published.code, published.stdout.as_str()),
        (Some(0), "published as catalog 2\n"),
        "{published:?}"
    );
    assert_eq!(publish(&policies).stdout, "unchanged: this document is catalog 2 already\n");
    assert_eq!(show(&[]).stdout, format!("# catalog 2\n{POLICIES}"));
    let first = show(&["--version", "1"]);
    assert_eq!(
        first.stdout.trim_end(),
        format!("# catalog 1\n{}", wallet_server::BUNDLED_CATALOG.trim_end())
    );
    let missing = show(&["--version", "3"]);
    assert_eq!(missing.code, Some(2));
    assert!(missing.stderr.contains("CATALOG_NOT_FOUND"), "{}", missing.stderr);

    let bad = publish(&file(folder.path(), "bad.toml", BAD));
    assert_eq!(bad.code, Some(2));
    assert!(bad.stderr.contains("units.credits.scale: must be from 0 to 6, is 9"), "{}", bad.stderr);
    assert!(bad.stderr.contains("default_plan: "), "{}", bad.stderr);
    assert_eq!(show(&[]).stdout, format!("# catalog 2\n{POLICIES}"));
}

#[test]
fn an_unreachable_server_is_reported() {
    let gone = run(&["catalog", "show", "--endpoint", "http://127.0.0.1:1"], &[]);
    assert_eq!(gone.code, Some(2));
    assert!(gone.stderr.contains("cannot connect"), "{}", gone.stderr);
}
