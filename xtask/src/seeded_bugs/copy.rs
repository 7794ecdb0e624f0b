//! A copy of the committed sources with all bugs, built once.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::bug::Bug;
use super::suites::Suite;
use crate::process::{cargo, command, output, root, run};

/// The folder of the copy.
#[derive(Debug)]
pub(super) struct Place {
    folder: PathBuf,
    core: bool,
}

impl Place {
    pub(super) fn new(core: bool) -> Self {
        Self { folder: root().join(if core { "target/bugs-of-the-core" } else { "target/bugs" }), core }
    }

    /// Returns whether the copy has the test programs of the core only.
    pub(super) fn core(&self) -> bool {
        self.core
    }

    /// The sources with the bugs.
    pub(super) fn tree(&self) -> PathBuf {
        self.folder.join("tree")
    }

    /// The output of a suite for a bug, or for another name.
    pub(super) fn log(&self, name: &str, suite: &Suite) -> PathBuf {
        self.folder.join("logs").join(format!("{name}.{}", suite.name))
    }

    fn target(&self) -> PathBuf {
        self.folder.join("target")
    }

    /// The messages of cargo from the build.
    fn messages(&self) -> PathBuf {
        self.folder.join("build.json")
    }

    /// The commit and the patches of a complete build.
    fn state(&self) -> PathBuf {
        self.folder.join("state")
    }
}

/// A built copy.
#[derive(Debug)]
pub(super) struct Copy {
    pub(super) place: Place,
    programs: BTreeMap<(String, String), PathBuf>,
}

impl Copy {
    /// Applies all patches to one copy of the sources and builds it once.
    pub(super) fn build(place: Place, bugs: &[Bug]) -> Result<Self> {
        fs::create_dir_all(place.folder.join("logs"))?;
        let commit = output(command("git").args(["rev-parse", "HEAD"]))?;
        let patches = bugs.iter().map(|bug| format!("{}\n{}", bug.name, bug.text));
        let state = [commit].into_iter().chain(patches).collect::<Vec<_>>().join("\n");
        if fs::read_to_string(place.state()).ok().as_ref() != Some(&state) {
            let _ = fs::remove_file(place.state());
            check_out(&place.tree())?;
            for bug in bugs {
                apply(bug, &place.tree())?;
            }
            compile(&place)?;
            fs::write(place.state(), state)?;
        }
        let programs = programs(&fs::read_to_string(place.messages())?)?;
        Ok(Self { place, programs })
    }

    /// The test program of a suite.
    pub(super) fn program(&self, suite: &Suite) -> Result<&Path> {
        let key = (suite.package.to_owned(), suite.target.to_owned());
        let program = self.programs.get(&key).filter(|program| program.is_file());
        program
            .map(PathBuf::as_path)
            .with_context(|| format!("no test program {} of {}", suite.target, suite.package))
    }
}

/// Replaces the tree by the committed sources.
fn check_out(tree: &Path) -> Result<()> {
    if tree.exists() {
        fs::remove_dir_all(tree)?;
    }
    fs::create_dir(tree)?;
    let mut git = command("git").args(["archive", "HEAD"]).stdout(Stdio::piped()).spawn()?;
    let archive = git.stdout.take().context("git has no output")?;
    run(command("tar").arg("-x").arg("-C").arg(tree).stdin(archive))?;
    ensure!(git.wait()?.success(), "git archive failed");
    Ok(())
}

fn apply(bug: &Bug, tree: &Path) -> Result<()> {
    let mut patch = command("patch");
    patch.args(["--silent", "--strip=1", "--fuzz=0", "--no-backup-if-mismatch", "--directory"]).arg(tree);
    run(patch.stdin(File::open(&bug.patch)?))
        .with_context(|| format!("{} does not apply to the sources: update its context lines", bug.name))
}

/// Builds the test programs, without running them.
fn compile(place: &Place) -> Result<()> {
    let builds = root().join("target/debug");
    if !place.core && !place.target().exists() && builds.join("deps").exists() {
        // Reuses the builds of the unchanged crates.
        let copies = place.target().join("debug");
        fs::create_dir_all(&copies)?;
        let folders = ["deps", "build", ".fingerprint"].map(|folder| builds.join(folder));
        run(command("cp").arg("-a").args(folders).arg(copies))?;
    }
    let packages: &[&str] = if place.core { &["--package", "wallet-workload"] } else { &["--workspace"] };
    let mut build: Command = cargo(["test"]);
    build.args(packages).args(["--locked", "--no-run", "--message-format=json"]);
    build.env("CARGO_INCREMENTAL", "0").env("CARGO_TARGET_DIR", place.target());
    run(build.current_dir(place.tree()).stdout(File::create(place.messages())?))
}

/// A message of cargo. Only messages about artifacts have these fields.
#[derive(Deserialize)]
struct Message {
    package_id: Option<String>,
    target: Option<Target>,
    profile: Option<Profile>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// The test programs in the messages of cargo, by package and target.
fn programs(messages: &str) -> Result<BTreeMap<(String, String), PathBuf>> {
    let mut programs = BTreeMap::new();
    for line in messages.lines() {
        let message: Message =
            serde_json::from_str(line).with_context(|| format!("a message of cargo: {line}"))?;
        if let Message {
            package_id: Some(id),
            target: Some(target),
            profile: Some(profile),
            executable: Some(program),
        } = message
            && profile.test
        {
            programs.insert((package_name(&id).to_owned(), target.name), program);
        }
    }
    Ok(programs)
}

/// The name in a package id. Cargo leaves it out if the folder has the same name: `path+file:///a/wallet-server#0.1.0`,
/// `path+file:///a/workload#wallet-workload@0.1.0`.
fn package_name(id: &str) -> &str {
    let (path, fragment) = id.split_once('#').unwrap_or((id, ""));
    match fragment.split_once('@') {
        Some((name, _)) => name,
        None => path.rsplit('/').next().unwrap_or(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_programs_are_found_by_package_and_target() {
        let messages = r#"
{"reason":"compiler-artifact","package_id":"path+file:///t/wallet-core/workload#wallet-workload@0.1.0","target":{"name":"oracle","kind":["test"]},"profile":{"opt_level":"2","test":true},"executable":"/t/deps/oracle-1"}
{"reason":"compiler-artifact","package_id":"path+file:///t/wallet-server#0.1.0","target":{"name":"it"},"profile":{"test":true},"executable":"/t/deps/it-2"}
{"reason":"compiler-artifact","package_id":"path+file:///t/wallet-server#0.1.0","target":{"name":"wallet-server"},"profile":{"test":false},"executable":"/t/wallet-server"}
{"reason":"compiler-artifact","package_id":"registry+https://github.com/rust-lang/crates.io-index#serde@1.0.0","target":{"name":"serde"},"profile":{"test":false},"executable":null}
{"reason":"build-script-executed","package_id":"path+file:///t/proto#wallet-proto@0.1.0","out_dir":"/t/out"}
{"reason":"build-finished","success":true}"#;
        let found = programs(messages.trim()).unwrap();
        let key = |package: &str, target: &str| (package.to_owned(), target.to_owned());
        let expected = [
            (key("wallet-workload", "oracle"), PathBuf::from("/t/deps/oracle-1")),
            (key("wallet-server", "it"), PathBuf::from("/t/deps/it-2")),
        ];
        assert_eq!(found, BTreeMap::from(expected));
    }

    #[test]
    fn a_line_that_is_no_message_is_an_error() {
        let error = programs("{\"reason\":\"build-finished\"}\nhello").unwrap_err();
        assert_eq!(error.to_string(), "a message of cargo: hello");
    }
}
