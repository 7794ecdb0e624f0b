//! `--version`, and the build script that finds the commit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::run;
use crate::style::root;

#[test]
fn the_version_names_the_release_and_the_commit() {
    let version = run(&["--version"], &[]);
    let release = concat!("wallet-server ", env!("CARGO_PKG_VERSION"));
    let expected = match env!("WALLET_COMMIT") {
        "" => format!("{release}\n"),
        commit => format!("{release} ({commit})\n"),
    };
    assert_eq!((version.code, version.stdout), (Some(0), expected));
}

/// The build script as a program, and a repository with a copy of it.
struct Script {
    program: PathBuf,
    folder: tempfile::TempDir,
}

impl Script {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = root().join("wallet-server/build.rs");
        let program = folder.path().join("build");
        let rustc = Path::new(env!("CARGO")).with_file_name("rustc");
        let built = Command::new(rustc).arg("--edition=2024").arg(&source).arg("-o").arg(&program).status();
        assert!(built.unwrap().success());
        fs::copy(&source, folder.path().join("build.rs")).unwrap();
        let script = Self { program, folder };
        script.git(&["init", "--quiet"]);
        script.git(&["add", "build.rs"]);
        script.git(&[
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@example.com",
            "commit",
            "--quiet",
            "--message=a",
        ]);
        script
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git").args(arguments).current_dir(self.folder.path()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Returns the commit that the script finds in a folder of the repository.
    fn commit(&self, folder: &str, environment: &[(&str, &str)]) -> String {
        let folder = self.folder.path().join(folder);
        let mut script = Command::new(&self.program);
        script.current_dir(folder).env_remove("WALLET_COMMIT").envs(environment.iter().copied());
        let output = String::from_utf8(script.output().unwrap().stdout).unwrap();
        let line = output.lines().find_map(|line| line.strip_prefix("cargo::rustc-env=WALLET_COMMIT="));
        line.unwrap_or_else(|| panic!("{output}")).to_owned()
    }
}

#[test]
fn the_commit_is_that_of_the_variable_or_of_the_repository_of_the_sources() {
    let script = Script::new();
    let (release, debug) = (("PROFILE", "release"), ("PROFILE", "debug"));
    let head = script.git(&["rev-parse", "HEAD"]);
    let found = script.commit(".", &[release]);
    assert!(found.len() == 12 && head.starts_with(&found), "{found}");
    assert_eq!(script.commit(".", &[debug]), "", "each commit would rebuild the tests");
    for profile in [release, debug] {
        assert_eq!(script.commit(".", &[profile, ("WALLET_COMMIT", "4711")]), "4711");
    }
    assert_eq!(script.commit(".", &[release, ("PATH", "/nowhere")]), "", "no git");
    // Sources that are unpacked inside another repository are not of its commit.
    let copy = script.folder.path().join("copy");
    fs::create_dir(&copy).unwrap();
    fs::copy(script.folder.path().join("build.rs"), copy.join("build.rs")).unwrap();
    assert_eq!(script.commit("copy", &[release]), "");
}
